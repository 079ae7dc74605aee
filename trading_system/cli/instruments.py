"""`trading-system instrument`: the rules that orders of a pair must pass at the venue."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from trading_system.cli.connection import answer, connected
from trading_system.cli.running import console, explained, run, settings

Symbol = Annotated[str, typer.Argument(help="Which pair, e.g. BTC/USDT.")]


@explained
def instrument(symbol: Symbol) -> None:
    """Show steps, minimums and allowed order types of a pair."""
    run(_show(symbol))


async def _show(symbol: str) -> None:
    async with connected(settings()) as client:
        path = f"/instruments/{symbol.replace('/', '-')}"
        rules = (await answer(await client.get(path))).json()
    table = Table(title=rules.pop("symbol"), show_header=False)
    for name, value in rules.items():
        if value is not None:
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            table.add_row(name.replace("_", " "), text)
    console.print(table)
