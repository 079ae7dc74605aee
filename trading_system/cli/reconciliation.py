"""`trading-system reconcile`: our record and the venue's side by side, now."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from trading_system.cli.connection import answer, connected
from trading_system.cli.running import console, explained, run, settings

_COUNTS = ("asked", "booked", "adopted", "fills", "unknown_left")


@explained
def reconcile() -> None:
    """Compare orders, fills and balances with the venue's; book and adopt what was missed."""
    run(_reconcile())


async def _reconcile() -> None:
    async with connected(settings()) as client:
        told = (await answer(await client.post("/reconcile"))).json()
    counts = Table(*(name.replace("_", " ") for name in _COUNTS), title="Reconciled")
    counts.add_row(*(str(told[name]) for name in _COUNTS))
    console.print(counts)
    if told["differences"]:
        console.print(_differences(told["differences"]))
    elif not told["balances_compared"]:
        console.print("Balances moved while they were read; the next pass compares them.")
    else:
        console.print("Balances are what the fills explain.")


def _differences(rows: list[dict[str, Any]]) -> Table:
    table = Table("asset", "expected", "actual", "difference", title="Balances that do not fit")
    for row in rows:
        table.add_row(row["asset"], row["expected"], row["actual"], row["size"])
    return table
