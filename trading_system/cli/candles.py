"""`trading-system import` and `backfill`: candles from files and from the venue."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from trading_system.cli.connection import answer, connected
from trading_system.cli.running import console, explained, run, settings
from trading_system.domain.errors import InvalidRequest, TradingError

if TYPE_CHECKING:
    import httpx

Files = Annotated[
    list[Path],
    typer.Argument(help="Kline archives of the exchange (zip) or CSV files, gz or not; 1m only."),
]
Symbol = Annotated[str, typer.Argument(help="A pair such as BTC/USDT.")]
Minutes = Annotated[int | None, typer.Option(help="This many minutes up to now.")]
Start = Annotated[str | None, typer.Option(help="First minute, e.g. 2026-01-01T00:00Z.")]
End = Annotated[str | None, typer.Option(help="The minute to stop before; default: now.")]

_POLL_SECONDS = 0.2


@explained
def import_archives(
    files: Files,
    symbol: Annotated[
        str | None, typer.Option(help="Whose candles they are, when the name does not tell.")
    ] = None,
) -> None:
    """Import recorded 1m candles into the database; the same file twice changes nothing."""
    for path in files:
        if not path.exists():
            raise InvalidRequest(f"there is no file {path}")
    run(_import(files, symbol))


@explained
def backfill(symbol: Symbol, minutes: Minutes = None, start: Start = None, end: End = None) -> None:
    """Make a registered symbol's candles complete over a range, and show how far it got."""
    run(_backfill(symbol, minutes, start, end))


async def _import(files: list[Path], symbol: str | None) -> None:
    from trading_system.clock import SystemClock
    from trading_system.domain.instruments import Symbol as Pair
    from trading_system.market.archives import ArchiveImporter
    from trading_system.storage.database import Database
    from trading_system.storage.prices import Prices
    from trading_system.storage.symbols import Symbols

    clock = SystemClock()
    async with Database.opened(settings().db_path) as database:
        importer = ArchiveImporter(symbols=Symbols(database), prices=Prices(database), clock=clock)
        for path in files:
            with _progress() as progress:
                task = progress.add_task(path.name, total=None)

                def advance(rows: int, bar: Progress = progress, row: Any = task) -> None:
                    bar.update(row, completed=rows)

                result = await importer.import_file(
                    path, symbol=Pair.parse(symbol) if symbol else None, on_progress=advance
                )
                progress.update(task, total=result.read, completed=result.read)
            console.print(f"{path.name}: {result.stored} candles of {result.symbol} stored")


async def _backfill(symbol: str, minutes: int | None, start: str | None, end: str | None) -> None:
    body = {"minutes": minutes, "start": start, "end": end}
    async with connected(settings()) as client:
        response = await client.post(
            f"/symbols/{symbol.replace('/', '-')}/backfill",
            json={name: value for name, value in body.items() if value is not None},
        )
        job = (await answer(response)).json()
        await _follow(client, job, symbol)


async def _follow(client: httpx.AsyncClient, job: dict[str, Any], symbol: str) -> None:
    with _progress() as progress:
        task = progress.add_task(symbol, total=job["expected"])
        while job["state"] not in {"done", "failed"}:
            progress.update(task, completed=job["stored"] + job["holes"])
            await asyncio.sleep(_POLL_SECONDS)
            job = (await answer(await client.get(f"/backfills/{job['id']}"))).json()
        progress.update(task, completed=job["stored"] + job["holes"])
    if job["state"] == "failed":
        raise TradingError(f"the backfill failed: {job['error']}")
    console.print(
        f"{job['stored']} candles stored, {job['holes']} minutes the venue itself does not have"
    )


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    )
