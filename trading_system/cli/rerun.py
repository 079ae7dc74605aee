"""`trading-system rerun`: whether the question of a result file still has the same answer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trading_system.cli.backtest import Data
from trading_system.cli.running import FAILED, console, errors, explained, settings
from trading_system.cli.strategies import Files, Folder, kinds
from trading_system.domain.errors import InvalidRequest

if TYPE_CHECKING:
    from trading_system.research.configuration import Configuration
    from trading_system.strategies.base import Strategy

Kept = Annotated[
    Path, typer.Argument(help="A file that `backtest` wrote: results/backtest_….json.")
]


@explained
def rerun(result: Kept, data: Data = None, file: Files = None, folder: Folder = None) -> None:
    """Run a backtest again and compare it, byte by byte, with what was kept.

    Candles and strategy come from where they came from then, unless options
    say otherwise. Exit code 0 when the run id and every byte are the same;
    1, with what differs (code, engine, candles or the file itself), when
    they are not. Nothing is written.
    """
    from trading_system.cli.candle_source import candles
    from trading_system.research.backtest import answered, ready
    from trading_system.research.configuration import Configuration
    from trading_system.research.repetition import compared
    from trading_system.research.result_files import read

    ready()
    before, circumstances = read(result)
    configuration = Configuration.from_json(before.configuration)
    strategy = _strategy(configuration, circumstances, file, folder)
    if data is None and circumstances["candles"] is not None:
        data = _there(circumstances["candles"], "--data")
    history = candles(configuration, strategy.warmup, data)
    verdict = compared(before, answered(strategy, configuration, history))
    if not verdict.proven:
        for reason in verdict.reasons:
            errors.print(reason, style="red", markup=False)
        raise typer.Exit(FAILED)
    console.print(f"run {before.run_id}: the same bytes", markup=False, soft_wrap=True)


def _strategy(
    configuration: Configuration,
    circumstances: Mapping[str, Any],
    files: list[Path] | None,
    folder: Path | None,
) -> Strategy:
    """As it was configured; from the file it was in then, unless others are named now."""
    from trading_system.strategies.registry import load

    kept, folder = circumstances["strategy_file"], folder or settings().strategies_dir
    if not files and kept is not None and (folder is None or Path(kept).is_file()):
        within = load(_there(kept, "--file"))  # alone: others may have the same name
        return configuration.strategy_among({kind.name: kind for kind in within})
    return configuration.strategy_among(kinds(files, folder))


def _there(path: str, option: str) -> Path:
    """A file that was read then; InvalidRequest, with what to say instead, when it is gone."""
    if not Path(path).is_file():
        raise InvalidRequest(f"{path} is not there any more: say where it is now with {option}")
    return Path(path)
