"""Look after a database file, also while another process works on it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from trading_system.domain.errors import StorageError
from trading_system.storage.connections import connected, explained

_LOOKING = "query_only = ON"


async def faults(path: Path) -> list[str]:
    """What SQLite finds damaged, one line each; empty when all is well.

    Raises StorageError when there is no such file.
    """
    with explained(path):
        async with connected(path, _LOOKING, mode="rw") as connection:
            try:
                rows = list(await connection.execute_fetchall("PRAGMA quick_check"))
            except sqlite3.DatabaseError as error:
                return [str(error)]
    return [text for (text,) in rows if text != "ok"]


async def copy(path: Path, target: Path) -> None:
    """Copy the database, as it is now, into a new file, which appears only when it is whole.

    Raises StorageError when that file exists already or cannot be written.
    """
    partial = target.with_name(target.name + ".partial")
    with explained(target):
        _make_room(target, partial)
        async with (
            connected(path, _LOOKING, mode="rw") as source,
            connected(partial) as destination,
        ):
            await source.backup(destination)
        _put_in_place(partial, target)


def _make_room(target: Path, partial: Path) -> None:
    if target.exists():
        raise StorageError(f"{target} exists already: name a new file for the backup")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial.unlink(missing_ok=True)


def _put_in_place(partial: Path, target: Path) -> None:
    partial.replace(target)
