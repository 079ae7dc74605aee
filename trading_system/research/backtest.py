"""One backtest from question to files: played, recorded, written down, drawn."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import Any

from trading_system.backtest.compiled import compiled
from trading_system.research import report, result_files
from trading_system.research.code_version import own_file
from trading_system.research.configuration import Configuration, iso
from trading_system.research.history import History
from trading_system.research.playing import play
from trading_system.research.record import Record
from trading_system.strategies.base import Strategy

_LIBRARIES = ("numpy", "numba", "llvmlite")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A record and where it is now; `report` is None where none was wanted."""

    record: Record
    path: Path
    report: Path | None


def ready() -> None:
    """Raise ConfigurationError where the compiled loops are missing, before anything is fetched."""
    compiled()


def answered(strategy: Strategy, configuration: Configuration, history: History) -> Record:
    """Play it and record it; raises InvalidRequest, and ConfigurationError without the extra."""
    result = play(strategy, history, configuration.rules)
    return Record.of(result, strategy, configuration, history)


def kept(
    strategy: Strategy,
    configuration: Configuration,
    history: History,
    *,
    folder: Path,
    now: datetime,
    name: str | None = None,
    candles: Path | None = None,
    draw: bool = True,
) -> Kept:
    """Answer it and write `backtest_{name}_{run id}.json`, and .html to look at, into the folder.

    `name`: by default made of `now`; `candles`: the file they came from, None for the database.
    Raises what `answered` raises, and StorageError when the folder cannot be written.
    """
    began = perf_counter()
    record = answered(strategy, configuration, history)
    circumstances = {
        "asked_at": iso(now),
        "seconds": round(perf_counter() - began, 6),
        "candles": None if candles is None else str(candles.resolve()),
        **_surroundings(strategy),
    }
    name = name or result_files.new_id(folder, now)
    path = result_files.save(folder, name, record, circumstances)
    page = path.with_suffix(".html") if draw else None
    if page is not None:
        result_files.write_whole(page, report.page(record))
    return Kept(record=record, path=path, report=page)


def _surroundings(strategy: Strategy) -> dict[str, Any]:
    """What the numbers do not depend on, by what we know."""
    own = own_file(type(strategy))
    return {
        "strategy_file": None if own is None else str(own),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "libraries": {name: _version(name) for name in _LIBRARIES},
    }


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None
