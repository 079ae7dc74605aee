"""`trading-system doctor`: is everything in place, and what to do where it is not."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer
from rich.table import Table

from trading_system.cli.running import FAILED, console, explained, opened_system, run, settings
from trading_system.domain.errors import StorageError, TradingError

if TYPE_CHECKING:
    from trading_system.config import Settings
    from trading_system.system import System

_LITTLE_DISK = 1_000_000_000
_FAR_CLOCK_MS = 1_000


class Finding(NamedTuple):
    """One line of the table."""

    what: str
    ok: bool
    detail: str


@explained
def doctor() -> None:
    """Check settings, venue, clock, keys, database and disk; exit code 1 when one is not well."""
    findings = run(_examined(settings()))
    table = Table("", "what", "finding")
    for finding in findings:
        mark = "[green]ok[/green]" if finding.ok else "[red]no[/red]"
        table.add_row(mark, finding.what, finding.detail)
    console.print(table)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(FAILED)


async def _examined(wanted: Settings) -> list[Finding]:
    findings = [Finding("settings", ok=True, detail=f"VENUE={wanted.venue} DB={wanted.db_path}")]
    folder = next(each for each in wanted.db_path.resolve().parents if each.exists())
    with tempfile.TemporaryDirectory() as elsewhere:
        # Whoever only looks leaves no database behind.
        is_there = wanted.db_path.exists()
        path = wanted.db_path if is_there else Path(elsewhere) / "none.db"
        try:
            async with opened_system(wanted.model_copy(update={"db_path": path})) as system:
                findings += [finding async for finding in _reached(system, wanted)]
                findings.append(await _whole(system) if is_there else _to_be_made(wanted, folder))
        except StorageError as error:
            findings.append(Finding("database", ok=False, detail=str(error)))
    free = shutil.disk_usage(folder).free
    findings.append(Finding("disk", ok=free > _LITTLE_DISK, detail=f"{free / 1e9:.1f} GB free"))
    return findings


async def _reached(system: System, wanted: Settings) -> AsyncIterator[Finding]:
    try:
        server, ours = await system.market_data.server_time(), system.clock.milliseconds()
        yield Finding("venue", ok=True, detail="answers")
        offset = server - ours
        yield Finding("clock", ok=abs(offset) < _FAR_CLOCK_MS, detail=f"{offset} ms from ours")
    except TradingError as error:
        yield Finding("venue", ok=False, detail=str(error))
        return
    if wanted.venue not in {"sim", "paper"} and wanted.binance_api_key is None:
        yield Finding("keys", ok=True, detail="none set: candles only, no orders")
    else:
        try:
            held = await system.trading.balances()
            yield Finding("keys", ok=True, detail=f"may read the account: {len(held)} assets")
        except TradingError as error:
            yield Finding("keys", ok=False, detail=str(error))


async def _whole(system: System) -> Finding:
    broken = await system.database.integrity()
    return Finding("database", ok=not broken, detail="; ".join(broken) or "whole")


def _to_be_made(wanted: Settings, folder: Path) -> Finding:
    """There is none, which is well where one can be made."""
    can_be = folder.is_dir() and os.access(folder, os.W_OK)
    detail = (
        "none yet, it is made at the first start" if can_be else f"nothing can be made in {folder}"
    )
    return Finding("database", ok=can_be, detail=f"{wanted.db_path}: {detail}")
