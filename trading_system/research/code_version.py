"""Which code a result came from: a hash over the sources that decide its numbers, and no others.

The versions of numpy, numba and Python do not count: the loops do IEEE 754 arithmetic in the order
it is written in. They are noted beside a result, for the day when that turns out to be wrong.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from trading_system.strategies.base import Strategy
from trading_system.strategies.registry import BUILT_IN

_PACKAGE = Path(__file__).parent.parent
_ENGINE = ("backtest/**/*.py",)
_NUMBERS = (
    "strategies/**/*.py",
    "frames.py",
    "domain/candles.py",
    "domain/timeframes.py",
    "research/configuration.py",
    "research/curve.py",
    "research/history.py",
    "research/holding.py",
    "research/playing.py",
    "research/record.py",
)
_DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeVersion:
    """`package`: the release; `sources`: strategies and what makes a record of a run.

    `engine`: the loops, with rules and metrics; `own_file`: somebody's own strategy, None for one
    that comes with the program. What such a file imports is not looked at. Hashes in hex.
    """

    package: str
    sources: str
    engine: str
    own_file: str | None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "package": self.package,
            "sources": self.sources,
            "engine": self.engine,
            "own_file": self.own_file,
        }


def code_version(kind: type[Strategy]) -> CodeVersion:
    """The version of all code that decides the numbers of a strategy's backtest."""
    own = own_file(kind)
    return CodeVersion(
        package=version("trading-system"),
        sources=_hash_of(_NUMBERS),
        engine=_hash_of(_ENGINE),
        own_file=None if own is None else content_hash([own], own.parent),
    )


def own_file(kind: type[Strategy]) -> Path | None:
    """The file of somebody's own strategy; None for one that comes with the program."""
    return None if kind in BUILT_IN else Path(inspect.getfile(kind))


def content_hash(files: Iterable[Path], root: Path) -> str:
    """SHA-256 over the names below `root` and the contents of files, whatever their line ends."""
    digest = hashlib.sha256()
    for path in sorted(files):
        content = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:_DIGITS]


@cache
def _hash_of(patterns: tuple[str, ...]) -> str:
    """Read once: what a process runs is what its files were when they were imported."""
    files = (path for pattern in patterns for path in _PACKAGE.glob(pattern))
    return content_hash(files, _PACKAGE)
