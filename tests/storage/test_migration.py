"""A database of an earlier version opens, gains what is new and keeps what it had."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from uuid import UUID

import pytest

from trading_system.domain.mandates import MandateState
from trading_system.domain.orders import OrderStatus
from trading_system.storage.database import SCHEMA_VERSION, Database, schema
from trading_system.storage.mandates import Mandates
from trading_system.storage.orders import Orders
from trading_system.storage.transitions import audit

# The part of the first schema that has changed since.
FIRST = """
CREATE TABLE orders (
    id TEXT PRIMARY KEY, client_order_id TEXT NOT NULL UNIQUE, venue_order_id TEXT,
    idempotency_key TEXT UNIQUE, request_digest TEXT NOT NULL, symbol TEXT NOT NULL,
    side TEXT NOT NULL, type TEXT NOT NULL, time_in_force TEXT, quantity TEXT, quote_quantity TEXT,
    price TEXT, stop_price TEXT, status TEXT NOT NULL, executed_quantity TEXT NOT NULL,
    executed_quote TEXT NOT NULL, reject_code INTEGER, reject_reason TEXT,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) STRICT;
CREATE TABLE order_transitions (
    id INTEGER PRIMARY KEY, order_id TEXT NOT NULL REFERENCES orders (id), from_status TEXT,
    to_status TEXT NOT NULL, source TEXT NOT NULL, reason TEXT, venue_time INTEGER,
    at INTEGER NOT NULL
) STRICT;
INSERT INTO orders VALUES (
    '00000000-0000-0000-0000-000000000007', 'ts-7', '12', 'key', 'd', 'BTC/USDT', 'BUY', 'LIMIT',
    'GTC', '0.10', NULL, '93000.10', NULL, 'PARTIALLY_FILLED', '0.05', '4650.005', NULL, NULL, 5, 6
);
INSERT INTO order_transitions VALUES
    (1, '00000000-0000-0000-0000-000000000007', NULL, 'PENDING_NEW', 'desk', NULL, NULL, 5),
    (2, '00000000-0000-0000-0000-000000000007', 'PENDING_NEW', 'PARTIALLY_FILLED', 'answer', NULL,
     6, 6);
PRAGMA user_version = 1;
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "old.db"
    with sqlite3.connect(path) as old:
        old.executescript(FIRST)
    old.close()
    return path


def shape(path):
    """Every table's columns: name, type, required and default."""
    with sqlite3.connect(path) as shell:
        tables = shell.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        shape = {
            name: {row[1:5] for row in shell.execute(f"PRAGMA table_info ({name})")}
            for (name,) in tables
        }
    shell.close()
    return shape


async def test_an_earlier_database_gains_the_columns_of_a_new_one(path, tmp_path):
    async with Database.opened(path), Database.opened(tmp_path / "new.db"):
        pass
    assert shape(path) == shape(tmp_path / "new.db")
    with sqlite3.connect(path) as shell:
        assert shell.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    shell.close()


async def test_an_earlier_order_is_read_and_goes_on(path):
    async with Database.opened(path) as database:
        orders = Orders(database)
        kept = await orders.get(UUID(int=7))
        assert (kept.status, str(kept.executed_quote)) == (
            OrderStatus.PARTIALLY_FILLED,
            "4650.005",
        )
        assert (kept.fees, kept.latency_ms, kept.foreign) == ((), None, False)
        assert await orders.by_key("key", "d") == kept


async def test_earlier_steps_are_chained_and_never_change_from_then_on(path):
    for _ in range(2):  # the second time it is a database of today
        async with Database.opened(path):
            pass
        found = await audit(path)
        assert (found.count, found.fault) == (2, None)
    async with Database.opened(path) as database:
        with pytest.raises(sqlite3.IntegrityError, match="only ever added to"):
            async with database.transaction() as connection:
                await connection.execute("UPDATE order_transitions SET source = 'x'")


async def test_blanked_hashes_are_not_made_up_again(path):
    async with Database.opened(path):
        pass
    with sqlite3.connect(path) as shell:
        shell.execute("DROP TRIGGER steps_never_change")
        shell.execute("UPDATE order_transitions SET hash = ''")
    shell.close()
    async with Database.opened(path):
        pass
    assert (await audit(path)).fault.startswith("row 1 was changed")


async def test_an_earlier_database_without_orders_opens_too(tmp_path):
    path = tmp_path / "empty.db"
    with sqlite3.connect(path) as old:
        old.executescript(FIRST.split("INSERT", maxsplit=1)[0] + "PRAGMA user_version = 1")
    old.close()
    async with Database.opened(path):
        pass
    assert (await audit(path)).fault is None


STRATEGY = """
INSERT INTO mandates (
    id, strategy, symbols, timeframe, parameters, capital, size_kind, size, state, begins, started,
    warmup, flatten, waiting, created_at, updated_at
) VALUES (
    '00000000-0000-0000-0000-000000000009', 'sma_cross', '["BTC/USDT"]', '1m', '{}', '1000',
    'equity', '100', 'running', 60000, 70000, 3, 0, '{}', 1, 2
)
"""


@pytest.mark.parametrize(
    ("states", "seen"),
    [
        ([], 0),
        (["KILLED", "RUNNING"], 1),
        (["KILLED", "RUNNING", "KILLED", "KILLED", "PAUSED"], 3),
        (["KILLED", "RUNNING", "KILLED"], 1),
        (["KILLED"], 0),
    ],
)
async def test_a_strategy_that_went_on_after_kills_of_then_is_stopped_by_the_next_alone(
    tmp_path, states, seen
):
    path = tmp_path / "third.db"
    with sqlite3.connect(path) as old:
        old.executescript(schema())
        old.execute("ALTER TABLE mandates DROP COLUMN kills")
        old.executescript("DROP TRIGGER terms_are_kept; DROP TABLE mandate_terms; DROP TABLE home")
        old.execute(STRATEGY)
        rows = [(state,) for state in states]
        log = "INSERT INTO control_log (state, flatten, reason, who, at) VALUES (?, 0, 'r', 'w', 5)"
        old.executemany(log, rows)
        old.execute("PRAGMA user_version = 3")
    old.close()
    for _ in range(2):  # the second time it is a database of today
        async with Database.opened(path, "VENUE=live MARKET_TYPE=spot") as database:
            mandates = Mandates(database)
            (strategy,) = await mandates.all()
            assert (strategy.kills, strategy.state) == (seen, MandateState.RUNNING)
            assert await database.integrity() == []
            await mandates.save(replace(strategy, capital=strategy.capital - 1))
            first, *_ = await mandates.terms(strategy.id)
            assert first.capital == 1000


def test_no_column_is_required_that_an_earlier_row_could_not_have():
    """Or it could not be added; this is where a new column of schema.sql is noticed that cannot."""
    with sqlite3.connect(":memory:") as shell:
        shell.executescript(FIRST)
        known = {row[1] for row in shell.execute("PRAGMA table_info (orders)")}
        shell.execute("DROP TABLE orders")
        shell.execute("DROP TABLE order_transitions")
        shell.executescript(schema())
        new = [row for row in shell.execute("PRAGMA table_info (orders)") if row[1] not in known]
    shell.close()
    assert new
    assert all(not required or default is not None for _, _, _, required, default, _ in new)
