"""`trading-system pause | resume | kill | arm | control`: stop trading, and begin again."""

from __future__ import annotations

import asyncio
import getpass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from trading_system.cli.connection import answer, connected
from trading_system.cli.running import FAILED, console, explained, run, settings

if TYPE_CHECKING:
    import httpx

Reason = Annotated[str, typer.Option("--reason", "-r", help="Why; it is kept.")]
_WAITS, _EVERY = 30.0, 0.2


@explained
def pause(reason: Reason = "no reason given") -> None:
    """Take no new orders; open ones stay."""
    run(_decide("pause", reason=reason))


@explained
def resume(reason: Reason = "no reason given") -> None:
    """Take orders again after a pause."""
    run(_decide("resume", reason=reason))


@explained
def kill(
    reason: Reason = "no reason given",
    flatten: Annotated[
        bool, typer.Option("--flatten", help="Close positions at the market, too.")
    ] = False,
) -> None:
    """Cancel every open order and take no more until armed again."""
    run(_kill(reason, flatten=flatten))


@explained
def arm(
    code: Annotated[
        str | None, typer.Argument(help="The code out of the log; real money alone needs one.")
    ] = None,
) -> None:
    """End a kill, or begin to trade real money."""
    run(_decide("arm", **({} if code is None else {"code": code})))


@explained
def control() -> None:
    """Show whether trading goes on, and who decided what."""
    run(_show())


async def _decide(what: str, **body: object) -> None:
    async with connected(settings()) as client:
        _print(await _post(client, what, **body))


async def _kill(reason: str, *, flatten: bool) -> None:
    async with connected(settings()) as client:
        standing = await _post(client, "kill", reason=reason, flatten=flatten)
        try:
            async with asyncio.timeout(_WAITS):
                while not standing["kill"]["done"]:
                    await asyncio.sleep(_EVERY)
                    standing = (await answer(await client.get("/control"))).json()
        except TimeoutError:
            _print(standing)
            console.print("Not everything is confirmed yet: the running system keeps trying.")
            raise typer.Exit(FAILED) from None
        _print(standing)


async def _show() -> None:
    async with connected(settings()) as client:
        _print((await answer(await client.get("/control"))).json())


async def _post(client: httpx.AsyncClient, what: str, **body: object) -> dict[str, Any]:
    who = {"who": f"{getpass.getuser()}, command line"}
    response = await answer(await client.post(f"/control/{what}", json=who | body))
    standing: dict[str, Any] = response.json()
    return standing


def _print(standing: dict[str, Any]) -> None:
    armed = "armed" if standing["armed"] else "not armed"
    console.print(f"{standing['state']}, {armed}: {standing['reason']} ({standing['who']})")
    kill = standing["kill"]
    if kill and kill["open_orders"] is not None:
        console.print(
            f"open orders: {kill['open_orders']}, positions to close: {len(kill['positions'])}"
        )
        for symbol, why in kill["left_over"].items():
            console.print(f"{symbol} stays: {why}")
    table = Table("at", "state", "who", "reason", title="Decisions")
    for entry in standing["log"][:10]:
        state = f"{entry['state']}, flatten" if entry["flatten"] else entry["state"]
        table.add_row(entry["at"], state, entry["who"], entry["reason"])
    console.print(table)
