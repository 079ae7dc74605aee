"""`trading-system symbols`: what candles are kept of."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from trading_system.cli.connection import answer, connected
from trading_system.cli.running import console, explained, run, settings

app = typer.Typer(help="List, add or remove registered symbols.", invoke_without_command=True)

Symbol = Annotated[str, typer.Argument(help="A pair such as BTC/USDT.")]


@app.callback()
def default(context: typer.Context) -> None:
    """List the registered symbols."""
    if context.invoked_subcommand is None:
        show()


@app.command("list")
@explained
def show() -> None:
    """List the registered symbols."""
    run(_show())


@app.command()
@explained
def add(symbol: Symbol) -> None:
    """Register a symbol; its history is filled by the running system."""
    run(_add(symbol))


@app.command()
@explained
def remove(symbol: Symbol) -> None:
    """Stop collecting a symbol; its candles stay."""
    run(_remove(symbol))


async def _show() -> None:
    async with connected(settings()) as client:
        rows = (await answer(await client.get("/symbols"))).json()
    if not rows:
        console.print("No symbol is registered yet: trading-system symbols add BTC/USDT")
        return
    table = Table("symbol", "active", "registered")
    for row in rows:
        table.add_row(row["symbol"], "yes" if row["active"] else "no", row["registered_at"])
    console.print(table)


async def _add(symbol: str) -> None:
    async with connected(settings()) as client:
        await answer(await client.post("/symbols", json={"symbol": symbol}))
    console.print(f"{symbol.upper()} is registered.")


async def _remove(symbol: str) -> None:
    async with connected(settings()) as client:
        await answer(await client.delete(f"/symbols/{symbol.replace('/', '-')}"))
    console.print(f"{symbol.upper()} is no longer collected; its candles are kept.")
