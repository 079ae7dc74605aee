"""`trading-system audit`: prove that no step of any order was changed or taken away."""

from __future__ import annotations

from typing import Annotated

import typer

from trading_system.cli.running import FAILED, console, explained, run, settings

Noted = Annotated[
    str | None,
    typer.Option("--noted", help="The head that an earlier audit printed: it must still be there."),
]


@explained
def audit(noted: Noted = None) -> None:
    """Check the chained record of orders; exit code 1 with the first row that is wrong.

    The head that is printed proves all rows before it: whoever could write the whole database can
    make up another record, but not one that contains a head you have noted elsewhere.
    """
    run(_audit(noted))


async def _audit(noted: str | None) -> None:
    from trading_system.storage.transitions import audit as proven

    found = await proven(settings().db_path, noted=noted)
    if found.fault is not None:
        console.print(found.fault, style="red", markup=False, soft_wrap=True)
        console.print(f"{found.count} rows before that are whole.")
        raise typer.Exit(FAILED)
    console.print(f"{found.count} rows are whole.")
    if found.unproven:
        told = f"{found.unproven} orders took no step since orders and fills are sealed too"
        console.print(f"{told}: of these only states and totals are proven.")
    console.print(f"head {found.head or 'none'}", soft_wrap=True)
