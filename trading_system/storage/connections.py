"""SQLite connections that are always closed, and SQLite's complaints in our words."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from trading_system.domain.errors import StorageError

Result = TypeVar("Result")

BUSY_SECONDS = 5.0  # for a person's sqlite3 shell; this process never waits for itself


class Connection(aiosqlite.Connection):
    """Statements one by one, each a way to the connection's thread and back, or many on one way."""

    async def run(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """What `work` returns or raises; once begun it ends, whoever is cancelled meanwhile."""
        result: Result = await self._execute(work, self._conn)  # type: ignore[no-untyped-call]
        return result


@asynccontextmanager
async def connected(path: Path, *pragmas: str, mode: str = "rwc") -> AsyncIterator[Connection]:
    """A connection; `mode` is SQLite's: rwc makes an absent file, rw does not."""
    uri = _uri(path, mode)
    connection = Connection(
        # Python begins no transaction of its own.
        lambda: sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None),
        iter_chunk_size=64,
    )
    await connection
    try:
        for pragma in pragmas:
            await connection.execute_fetchall(f"PRAGMA {pragma}")
        yield connection
    finally:
        await to_its_end(connection.close())


def _uri(path: Path, mode: str) -> str:
    # Told before aiosqlite tries: a connection that fails to open leaves its thread to itself.
    if path.is_dir():
        raise IsADirectoryError("it is a folder")
    if mode == "rw" and not path.exists():
        raise FileNotFoundError("there is no such file")
    return f"{path.absolute().as_uri()}?mode={mode}"


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Whatever keeps this file from being opened, as a StorageError that says what to do."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        raise StorageError(f"{path} cannot be opened: {error}") from error
    except sqlite3.DatabaseError as error:
        raise StorageError(
            f"{path} is damaged or no database ({error}): "
            "restore a backup, or move it away to start with an empty one"
        ) from error


async def to_its_end(work: Coroutine[Any, Any, Result]) -> Result:
    """Await it even when cancelled meanwhile; the cancellation is raised afterwards.

    Then it is raised whatever has become of the work: who is cancelled must not go on.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        task.exception()  # nobody is left to hear of it
        raise cancelled
    return task.result()
