"""`trading-system acceptance`: the runs that somebody takes the system over with, and a report."""

from __future__ import annotations

import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trading_system.cli.running import FAILED, console, explained, run, settings
from trading_system.domain.errors import InvalidRequest
from trading_system.domain.instruments import Symbol

if TYPE_CHECKING:
    from trading_system.acceptance.report import Accepted
    from trading_system.acceptance.runs import Run
    from trading_system.config import Settings


@explained
def acceptance(
    only: Annotated[
        list[str] | None,
        typer.Option(help="market, limit, network or streams; may be repeated. All without."),
    ] = None,
    symbol: Annotated[str, typer.Option(help="The pair that is traded.")] = "BTC/USDT",
    minutes: Annotated[float, typer.Option(min=0.1, help="How long streams must be stable.")] = 5.0,
    report: Annotated[
        Path, typer.Option(help="The folder that the report (JSON and HTML) is written into.")
    ] = Path("reports"),
) -> None:
    """Trade, change, cut the network and watch the streams, on the venue of the settings.

    5 market orders filled; 3 limit orders, 2 modified, 1 cancelled; 30 s of network loss recovered
    within 60 s; streams stable for a while. On the embedded exchange unless VENUE says otherwise,
    with a database of its own. Exit code 1 when something was not as wanted.
    """
    from trading_system.acceptance.runs import RUNS

    chosen = tuple(only or RUNS)
    if unknown := set(chosen) - RUNS.keys():
        raise InvalidRequest(f"there is no run {unknown.pop()!r}: {', '.join(RUNS)}")
    with tempfile.TemporaryDirectory(prefix="acceptance-") as folder:
        wanted = settings().model_copy(
            update={"db_path": Path(folder) / "acceptance.db", "backfill_minutes": 60}
        )
        accepted = run(_accept(wanted, chosen, Symbol.parse(symbol), minutes))
    from trading_system.acceptance.report import write

    for path in write(accepted, report):
        console.print(f"written: {path}")
    if not accepted.passed:
        raise typer.Exit(FAILED)


async def _accept(
    wanted: Settings, only: tuple[str, ...], symbol: Symbol, minutes: float
) -> Accepted:
    from trading_system import logs
    from trading_system.acceptance.acceptance import accept
    from trading_system.acceptance.cable import cable
    from trading_system.cli.embedded import beside
    from trading_system.clock import SystemClock
    from trading_system.system import opened

    logs.configure(level="WARNING", json=False, folder=None)
    async with AsyncExitStack() as stack:
        exchange = stack.enter_context(beside(wanted))
        if exchange is not None:
            wanted = await exchange.settings(wanted)
        line = None
        if wanted.venue.startswith("http://"):
            line = await stack.enter_async_context(cable(wanted.venue))
            wanted = wanted.model_copy(update={"venue": line.url})
        system = await stack.enter_async_context(opened(wanted, SystemClock()))
        return await accept(
            system,
            line,
            venue=wanted.venue,
            symbol=symbol,
            only=only,
            minutes=minutes,
            progress=_tell,
        )


def _tell(done: Run) -> None:
    console.print(f"[bold]{done.name}[/]: {done.wanted}")
    for check in done.checks:
        word = "[green]yes[/]" if check.kept else "[red]NO [/]"
        console.print(f"  {word} {check.promise}: {check.detail}")
