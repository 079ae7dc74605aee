"""`trading-system export`: candles into a file that backtests read, and other programs too."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trading_system.cli.running import console, explained

Symbol = Annotated[str, typer.Option(help="A pair such as BTC/USDT.")]
Start = Annotated[str, typer.Option(help="The first candle, e.g. 2025-06-01 (UTC).")]
End = Annotated[str, typer.Option(help="The instant to stop before, e.g. 2025-08-01.")]
Out = Annotated[Path, typer.Option(help="The file; .csv, .csv.gz or .parquet.")]
Timeframe = Annotated[str, typer.Option(help="1m, 15m, 1h, 4h, 1d …")]
Warmup = Annotated[
    int,
    typer.Option(min=0, help="So many candles before the start as well, to warm a strategy up."),
]
Force = Annotated[bool, typer.Option("--force", help="Replace the file where there is one.")]


@explained
def export(
    symbol: Symbol,
    start: Start,
    end: End,
    out: Out,
    timeframe: Timeframe = "1h",
    warmup: Warmup = 0,
    force: Force = False,
) -> None:
    """Write candles to a file.

    They come from the database and, what it lacks, from the exchange. A
    backtest of the same range with --data FILE gives the same numbers as one
    without, to the last digit. CSV: open_time in ms UTC, open, high, low,
    close, volume. The file is there whole or not at all.

    Example: trading-system export --symbol BTC/USDT --timeframe 1h
    --start 2025-06-01 --end 2025-08-01 --warmup 50 --out btc.csv.gz
    """
    from trading_system.cli.candle_source import bar, history
    from trading_system.domain.instruments import Symbol as Pair
    from trading_system.research import history_files
    from trading_system.research.configuration import read_instant

    history_files.writable(out, force=force)  # before anything is fetched
    candles = history(
        symbol=str(Pair.parse(symbol)),
        timeframe=timeframe,
        start=read_instant(start),
        end=read_instant(end),
        warmup=warmup,
    )
    count = len(candles.frame)
    with bar(f"writing {out.name}") as progress:
        history_files.export(
            candles, out, force=force, on_progress=lambda done: progress(done / count)
        )
    text = f"{out}: {count} candles of {candles.symbol} {timeframe}, {candles.missing} missing"
    console.print(text, markup=False, highlight=False, soft_wrap=True)
