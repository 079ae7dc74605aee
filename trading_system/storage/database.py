"""The SQLite file: one writer, a few readers, one process; repositories build on its two blocks.

On one shared connection a task's insert vanishes in another task's rollback, so a transaction owns
the writer alone, and a reading owns a reader with one unchanging view of the data.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from importlib import resources
from pathlib import Path
from typing import Self, TypeVar

import aiosqlite

import trading_system
from trading_system.domain.errors import StorageError
from trading_system.storage import home, maintenance, migration
from trading_system.storage.connections import Connection, connected, explained, to_its_end
from trading_system.storage.lock import held

Result = TypeVar("Result")

SCHEMA_VERSION = 4
OLDEST_SQLITE = (3, 37)  # STRICT tables
READERS = 3

# FULL: an order that was committed before it was sent survives a power cut.
_WRITING = ("synchronous = FULL", "foreign_keys = ON", "journal_size_limit = 67108864")
_READING = ("query_only = ON",)


class Database:
    """An open database; get one from `Database.opened`."""

    def __init__(self, path: Path, writer: Connection, readers: list[Connection]) -> None:
        self.path = path
        self._writer = writer
        self._writing = asyncio.Lock()
        self._bulky = asyncio.Lock()
        self._readers: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
        for reader in readers:
            self._readers.put_nowait(reader)

    @classmethod
    @asynccontextmanager
    async def opened(cls, path: Path, at: str | None = None) -> AsyncIterator[Self]:
        """The database of this file, made with its folder when absent, closed at the end.

        Whoever trades with it says `at` what venue, as `home` has it. Raises StorageError when
        another process has it, or it is none, or a newer one, or at home elsewhere.
        """
        async with AsyncExitStack() as stack:
            with explained(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                stack.enter_context(held(path))
                writer = await stack.enter_async_context(connected(path, *_WRITING))
                await _prepare(writer, path)
                if at is not None:
                    await home.move_in(writer, path, at)
                readers = [
                    await stack.enter_async_context(connected(path, *_READING))
                    for _ in range(READERS)
                ]
            yield cls(path, writer, readers)

    @asynccontextmanager
    async def transaction(self, *, bulk: bool = False) -> AsyncIterator[aiosqlite.Connection]:
        """The writer, alone: committed at the end of the block, rolled back when it raises.

        Of those that write in `bulk` only one stands in the queue at a time: an order waits for
        one of them or two, never for all the backfills that there are.
        A cancelled task leaves nothing open, except that a commit already begun is finished.
        Do not nest. Raises StorageError when the database fails.
        """
        async with AsyncExitStack() as turn:
            if bulk:
                await turn.enter_async_context(self._bulky)
            await turn.enter_async_context(self._writing)
            try:
                with _working(self.path):
                    await self._writer.execute("BEGIN IMMEDIATE")
                    yield self._writer
                    await self._writer.commit()
            except BaseException:
                # Queued behind whatever was cut short, were it the commit; then it does nothing.
                await to_its_end(self._writer.rollback())
                raise

    async def write(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """A whole transaction on one way to the writer's thread: for what somebody waits for.

        Committed when `work` returns, rolled back when it raises; a caller that is cancelled
        meanwhile goes when that is done. Raises StorageError when the database fails.
        """
        async with self._writing:
            with _working(self.path):
                return await to_its_end(
                    self._writer.run(lambda connection: _transacted(connection, work))
                )

    async def read(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """The same for a reading: `work` sees one unchanging view of the data."""
        reader = await self._readers.get()
        try:
            with _working(self.path):
                return await reader.run(lambda connection: _viewed(connection, work))
        finally:
            # What was begun ends first: its thread does one thing after the other.
            self._readers.put_nowait(reader)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[aiosqlite.Connection]:
        """A reader whose queries all see the database as it is at the first of them."""
        reader = await self._readers.get()
        try:
            with _working(self.path):
                await reader.execute("BEGIN")
                yield reader
        finally:
            await to_its_end(reader.rollback())
            self._readers.put_nowait(reader)

    async def integrity(self) -> list[str]:
        """What SQLite finds damaged, one line each; empty when all is well."""
        return await maintenance.faults(self.path)

    async def backup(self, target: Path) -> None:
        """Copy the database, as it is now, into a new file while work goes on."""
        await maintenance.copy(self.path, target)

    @property
    def size(self) -> int:
        """Bytes on disk, with what is not yet merged into the main file."""
        files = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())


def schema() -> str:
    """The text of schema.sql, from the installed package or from the checkout around it."""
    package = resources.files(trading_system)
    if (packaged := package / "schema.sql").is_file():
        return packaged.read_text(encoding="utf-8")
    return (Path(str(package)).parent / "schema.sql").read_text(encoding="utf-8")


async def _prepare(writer: aiosqlite.Connection, path: Path) -> None:
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise StorageError(
            f"SQLite {sqlite3.sqlite_version} is too old: use a Python with 3.37 or newer"
        )
    ((version,),) = await writer.execute_fetchall("PRAGMA user_version")
    if version > SCHEMA_VERSION:
        raise StorageError(
            f"{path} was written by a newer version of this program "
            f"(schema {version}, this one knows {SCHEMA_VERSION}): update the program"
        )
    await writer.execute_fetchall("PRAGMA journal_mode = WAL")
    # Nobody else writes meanwhile: the file is locked for this process.
    script = await migration.script(writer, schema(), version)
    await writer.executescript(
        f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
    )


def _transacted(
    connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], Result]
) -> Result:
    try:
        connection.execute("BEGIN IMMEDIATE")
        result = work(connection)
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    return result


def _viewed(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], Result]) -> Result:
    connection.execute("BEGIN")
    try:
        return work(connection)
    finally:
        connection.rollback()


@contextmanager
def _working(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        # A broken constraint is for the repository to understand, or a bug; the rest is the disk.
        if isinstance(error, (sqlite3.IntegrityError, sqlite3.ProgrammingError)):
            raise
        raise StorageError(f"{path} failed: {error}") from error
