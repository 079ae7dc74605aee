"""`trading-system backtest`: a strategy over past candles; a table, a result file and a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trading_system.backtest.rules import Rules
from trading_system.cli.rule_options import ruled
from trading_system.cli.running import console, explained, settings
from trading_system.cli.strategies import Files, Folder, Name, Parameters, chosen

if TYPE_CHECKING:
    from trading_system.research.backtest import Kept

Symbol = Annotated[str, typer.Option(help="A pair such as BTC/USDT.")]
Start = Annotated[str, typer.Option(help="The first candle, e.g. 2025-06-01 (UTC).")]
End = Annotated[str, typer.Option(help="The instant to stop before, e.g. 2025-08-01.")]
Timeframe = Annotated[str, typer.Option(help="1m, 15m, 1h, 4h, 1d …")]
Data = Annotated[
    Path | None,
    typer.Option(
        help="Candles from a file: CSV, Parquet or an archive of Binance's, 1m or longer."
    ),
]
Report = Annotated[bool, typer.Option(help="Also write an HTML page to look at.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the figures as JSON, nothing else.")]


@explained
@ruled
def backtest(
    strategy: Name,
    symbol: Symbol,
    start: Start,
    end: End,
    rules: Rules,
    timeframe: Timeframe = "1h",
    param: Parameters = None,
    data: Data = None,
    file: Files = None,
    folder: Folder = None,
    report: Report = True,
    as_json: AsJson = False,
) -> None:
    """Play a strategy over past candles and keep the result.

    Decided at each close, filled at the next open, after fees; candles
    before the start warm the strategy up. They come from a file with --data,
    else from the database and, what it lacks, from the exchange: the same
    numbers both ways.

    The result goes to RESULTS_DIR, as JSON and as a page. Its run id is a
    hash over code, configuration and candles: `rerun FILE` proves that the
    same id gives the same bytes.

    Example: trading-system backtest sma_cross --symbol BTC/USDT
    --timeframe 1h --start 2025-06-01 --end 2025-08-01
    --param fast=20 --param slow=50
    """
    from trading_system.cli.candle_source import candles
    from trading_system.clock import SystemClock
    from trading_system.research.backtest import kept, ready
    from trading_system.research.configuration import Configuration, read_instant
    from trading_system.strategies.base import assignments, build

    ready()
    asked = build(chosen(strategy, file, folder), assignments(param or ()))
    configuration = Configuration.of(
        asked,
        symbol=symbol,
        timeframe=timeframe,
        start=read_instant(start),
        end=read_instant(end),
        rules=rules,
    )
    history = candles(configuration, asked.warmup, data)
    done = kept(
        asked,
        configuration,
        history,
        folder=settings().results_dir,
        now=SystemClock().now(),
        candles=data,
        draw=report,
    )
    _show(done, as_json=as_json)


def _show(done: Kept, *, as_json: bool) -> None:
    if as_json:
        from trading_system.cli.result_table import as_text

        console.print(as_text(done), markup=False, highlight=False, soft_wrap=True)
        return
    from trading_system.cli.result_table import show

    show(done.record, console)
    for path in (done.path, done.report):
        if path is not None:
            console.print(str(path), markup=False, highlight=False, soft_wrap=True)
