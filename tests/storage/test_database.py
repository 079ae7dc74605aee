from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import threading
from contextlib import AsyncExitStack

import pytest

from trading_system.domain.errors import StorageError
from trading_system.storage import database as module
from trading_system.storage.database import READERS, SCHEMA_VERSION, Database, schema

ADD = "INSERT INTO symbols (symbol, active, registered_at) VALUES (?, 1, 0)"


async def add(database, *several):
    """Insert these symbols in one transaction."""
    async with database.transaction() as connection:
        for name in several:
            await connection.execute(ADD, (name,))


async def names(database):
    """The symbols that are committed."""
    async with database.reading() as connection:
        rows = await connection.execute_fetchall("SELECT symbol FROM symbols ORDER BY id")
    return [name for (name,) in rows]


async def test_opening_makes_the_folder_and_every_table(tmp_path):
    path = tmp_path / "a" / "b" / "trading.db"
    async with Database.opened(path) as database:
        async with database.reading() as connection:
            rows = await connection.execute_fetchall("SELECT name FROM sqlite_schema")
        assert {"symbols", "prices", "beats", "backfills", "orders"} <= {name for (name,) in rows}
        assert database.size >= path.stat().st_size > 0


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 5000)],
)
async def test_the_writer_is_set_up_for_money(database, pragma, value):
    async with database.transaction() as connection:
        rows = await connection.execute_fetchall(f"PRAGMA {pragma}")
    assert [tuple(row) for row in rows] == [(value,)]


async def test_a_second_opening_finds_what_the_first_committed(tmp_path):
    async with Database.opened(tmp_path / "t.db") as database:
        await add(database, "BTC/USDT")
    async with Database.opened(tmp_path / "t.db") as database:
        assert await names(database) == ["BTC/USDT"]
    assert not (tmp_path / "t.db-wal").exists()


async def test_an_error_in_the_block_rolls_all_of_it_back(database):
    async def add_and_fail():
        async with database.transaction() as connection:
            await connection.execute(ADD, ("BTC/USDT",))
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        await add_and_fail()
    assert await names(database) == []


async def test_one_tasks_rollback_leaves_anothers_insert_alone(database):
    async def add_or_fail(name, *, fail):
        async with database.transaction() as connection:
            await connection.execute(ADD, (name,))
            await asyncio.sleep(0)
            if fail:
                raise RuntimeError(name)

    await asyncio.gather(
        *(add_or_fail(f"{i}/USDT", fail=i % 2 == 1) for i in range(6)), return_exceptions=True
    )
    assert await names(database) == ["0/USDT", "2/USDT", "4/USDT"]


@pytest.mark.parametrize("step", ["begin", "first insert", "second insert"])
async def test_a_cancelled_task_leaves_no_transaction_open(database, step):
    reached = {name: asyncio.Event() for name in ("begin", "first insert", "second insert")}

    async def add_two():
        reached["begin"].set()
        async with database.transaction() as connection:
            reached["first insert"].set()
            await connection.execute(ADD, ("A/USDT",))
            reached["second insert"].set()
            await connection.execute(ADD, ("B/USDT",))

    task = asyncio.create_task(add_two())
    await reached[step].wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await names(database) == []
    await add(database, "C/USDT")
    assert await names(database) == ["C/USDT"]


async def test_a_task_cancelled_while_it_waits_for_its_turn_disturbs_nobody(database):
    async with database.transaction() as connection:
        await connection.execute(ADD, ("A/USDT",))
        waiting = asyncio.create_task(add(database, "B/USDT"))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
    assert await names(database) == ["A/USDT"]


async def test_bulks_let_everybody_else_go_first(database):
    done = []

    async def write(name, *, bulk):
        async with database.transaction(bulk=bulk) as connection:
            await connection.execute(ADD, (name,))
            done.append(name)

    bulks = [asyncio.create_task(write(f"bulk {number}", bulk=True)) for number in range(5)]
    await asyncio.sleep(0)
    await asyncio.gather(*bulks, write("order", bulk=False))
    assert done.index("order") <= 2
    assert done.count("order") == 1
    assert len(done) == 6


async def test_a_cancellation_during_the_commit_waits_for_it(database):
    """Whoever cancels finds the commit finished, not half way."""
    inside = asyncio.Event()

    async def add_one():
        async with database.transaction() as connection:
            await connection.execute(ADD, ("A/USDT",))
            inside.set()

    task = asyncio.create_task(add_one())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await names(database) == ["A/USDT"]


@pytest.mark.parametrize("failure", [None, StorageError("no")], ids=["done", "failed"])
async def test_a_cancelled_write_ends_when_its_work_has(database, failure):
    """Whoever comes next would go by what was there before, and undo it."""
    begun, go_on = threading.Event(), threading.Event()

    def add_slowly(connection):
        begun.set()
        go_on.wait(60)
        connection.execute(ADD, ("A/USDT",))
        if failure is not None:
            raise failure

    task = asyncio.create_task(database.write(add_slowly))
    await asyncio.to_thread(begun.wait, 60)
    task.cancel()
    await asyncio.wait([task], timeout=0.01)
    assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await names(database) == ([] if failure else ["A/USDT"])


async def test_a_commit_that_fails_is_rolled_back_and_told(database):
    """A deferred constraint breaks at the commit, not before."""

    async def add_an_orphan():
        async with database.transaction() as connection:
            await connection.execute("PRAGMA defer_foreign_keys = ON")
            await connection.execute("INSERT INTO prices VALUES (99, 0, 1, 1, 1, 1, 1)")

    with pytest.raises(sqlite3.IntegrityError):
        await add_an_orphan()
    await add(database, "A/USDT")
    assert await names(database) == ["A/USDT"]


async def test_a_reading_sees_one_moment_however_long_it_takes(database):
    async with database.reading() as connection:
        query = "SELECT count(*) FROM symbols"
        ((before,),) = await connection.execute_fetchall(query)
        await add(database, "BTC/USDT")
        ((after,),) = await connection.execute_fetchall(query)
    assert (before, after) == (0, 0)
    assert await names(database) == ["BTC/USDT"]


async def test_an_uncommitted_row_is_seen_by_nobody_else(database):
    async with database.transaction() as connection:
        await connection.execute(ADD, ("BTC/USDT",))
        assert await names(database) == []


async def test_a_reader_more_than_there_are_waits_for_one(database):
    async with AsyncExitStack() as stack:
        for _ in range(READERS):
            await stack.enter_async_context(database.reading())
        waiting = asyncio.create_task(names(database))
        await add(database, "BTC/USDT")
        assert not waiting.done()
    assert await waiting == ["BTC/USDT"]


async def test_readers_cannot_write(database):
    with pytest.raises(StorageError, match="readonly"):
        async with database.reading() as connection:
            await connection.execute(ADD, ("BTC/USDT",))


async def test_a_cancelled_reader_returns_to_the_pool(database):
    for _ in range(READERS + 1):

        async def read():
            async with database.reading() as connection:
                await connection.execute_fetchall("SELECT 1")

        task = asyncio.create_task(read())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert await names(database) == []


async def test_a_broken_constraint_stays_what_it_is(database):
    with pytest.raises(sqlite3.IntegrityError):
        await add(database, "BTC/USDT", "BTC/USDT")


async def test_a_second_opening_in_the_same_process_is_refused(database):
    with pytest.raises(StorageError, match=f"in use by process {os.getpid()}: stop it first"):
        async with Database.opened(database.path):
            pass


HOLD = """
import asyncio, sys, pathlib
from trading_system.storage.database import Database

async def hold():
    async with Database.opened(pathlib.Path(sys.argv[1])):
        print("open", flush=True)
        await asyncio.Event().wait()

asyncio.run(hold())
"""


async def test_another_process_is_refused_until_the_holder_is_killed(tmp_path):
    path = tmp_path / "t.db"
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLD, str(path), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert await holder.stdout.readline() == b"open\n"
        with pytest.raises(StorageError, match=f"in use by process {holder.pid}"):
            async with Database.opened(path):
                pass
    finally:
        holder.kill()
        await holder.communicate()
    async with Database.opened(path) as database:
        assert await names(database) == []


@pytest.mark.parametrize(
    "content", [b"this is a letter, not a database\n" * 200, b"SQLite format 3\0"]
)
async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / "letter.db"
    path.write_bytes(content)
    with pytest.raises(StorageError, match="restore a backup, or move it away"):
        async with Database.opened(path):
            pass
    assert path.read_bytes() == content


async def test_a_folder_in_the_way_is_told(tmp_path):
    with pytest.raises(StorageError, match="cannot be opened"):
        async with Database.opened(tmp_path):
            pass
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be opened"):
        async with Database.opened(tmp_path / "file" / "t.db"):
            pass


async def test_a_database_of_a_newer_version_is_refused(tmp_path):
    path = tmp_path / "t.db"
    with sqlite3.connect(path) as newer:
        newer.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    newer.close()
    with pytest.raises(StorageError, match="newer version of this program"):
        async with Database.opened(path):
            pass


async def test_an_old_sqlite_is_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "OLDEST_SQLITE", (99, 0))
    with pytest.raises(StorageError, match="too old"):
        async with Database.opened(tmp_path / "t.db"):
            pass


def test_an_installed_package_reads_the_schema_beside_its_modules(tmp_path, monkeypatch):
    (tmp_path / "schema.sql").write_text("-- packaged")
    monkeypatch.setattr(module.resources, "files", lambda _: tmp_path)
    assert schema() == "-- packaged"


def test_a_checkout_reads_the_schema_at_its_root():
    assert "CREATE TABLE IF NOT EXISTS prices" in schema()


async def test_a_whole_database_has_no_faults(database):
    assert await database.integrity() == []


async def test_damaged_pages_are_told(tmp_path):
    path = tmp_path / "t.db"
    async with Database.opened(path):
        pass
    content = bytearray(path.read_bytes())
    content[8192:20480] = b"\xa5" * 12288
    path.write_bytes(content)
    async with Database.opened(path) as database:
        assert await database.integrity() != []


async def test_a_backup_holds_what_was_committed_while_work_goes_on(database, tmp_path):
    await add(database, "BTC/USDT")
    async with database.transaction() as connection:
        await connection.execute(ADD, ("ETH/USDT",))
        await database.backup(tmp_path / "backups" / "copy.db")
    async with Database.opened(tmp_path / "backups" / "copy.db") as copy:
        assert await names(copy) == ["BTC/USDT"]
        assert await copy.integrity() == []
    assert not (tmp_path / "backups" / "copy.db.partial").exists()
