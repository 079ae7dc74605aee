"""`trading-system db`: look after the database file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trading_system.cli.running import FAILED, console, explained, run, settings

app = typer.Typer(help="Back up or check the database.", no_args_is_help=True)

Target = Annotated[Path, typer.Argument(help="The file to write; must not exist yet.")]


@app.command()
@explained
def backup(target: Target) -> None:
    """Write a consistent copy, also while the system runs."""
    run(_backup(target))


@app.command()
@explained
def check() -> None:
    """Check every page and index; exit code 1 when something is broken."""
    run(_check())


async def _backup(target: Path) -> None:
    from trading_system.storage.maintenance import copy

    await copy(settings().db_path, target)
    console.print(f"{target} is a copy of {settings().db_path}")


async def _check() -> None:
    from trading_system.storage.maintenance import faults

    found = await faults(settings().db_path)
    for fault in found:
        console.print(fault, style="red", markup=False)
    if found:
        raise typer.Exit(FAILED)
    console.print("The database is whole.")
