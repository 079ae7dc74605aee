"""The record of steps: what is done to it afterwards does not go unnoticed."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from trading_system.domain.errors import StorageError
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import (
    Order,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    apply,
)
from trading_system.domain.reports import Fill, Report
from trading_system.storage.database import Database
from trading_system.storage.orders import Orders
from trading_system.storage.transitions import audit, seal

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def order(number) -> Order:
    return Order(
        id=UUID(int=number),
        client_order_id=f"ts-{number}",
        request=OrderRequest(
            symbol=Symbol("BTC", "USDT"),
            side=Side.BUY,
            type=OrderType.LIMIT,
            quantity=Decimal(2),
            price=Decimal(100),
        ),
        status=OrderStatus.PENDING_NEW,
        created_at=NOW,
        updated_at=NOW,
    )


def report(made, status, executed="0", **more) -> Report:
    return Report(
        client_order_id=made.client_order_id,
        status=status,
        source="stream",
        time=NOW + timedelta(seconds=1),
        executed_quantity=Decimal(executed),
        executed_quote=Decimal(executed) * 100,
        **more,
    )


async def step(repository, made, said) -> Order:
    at = NOW + timedelta(seconds=2)
    stored, _ = await repository.record(made, apply(made, said), said, at=at)
    return stored


@pytest.fixture
async def path(tmp_path):
    """A database of two orders: the first goes NEW, half and wholly filled, the second expires."""
    path = tmp_path / "orders.db"
    async with Database.opened(path) as database:
        orders = Orders(database)
        first, second = order(1), order(2)
        for each in (first, second):
            await orders.create(each, idempotency_key=None, digest="d")
        for status, executed in (("NEW", "0"), ("PARTIALLY_FILLED", "1"), ("FILLED", "2")):
            first = await step(orders, first, report(first, status, executed))
        await step(orders, second, report(second, "EXPIRED", reject_reason="too late"))
    return path


def write(path, *statements):
    """As somebody with a shell would, who has dropped what forbids it."""
    with sqlite3.connect(path) as shell:
        names = "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
        for (name,) in shell.execute(names).fetchall():
            shell.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            shell.execute(statement)
    shell.close()


async def test_an_untouched_record_is_whole(path):
    found = await audit(path)
    assert (found.count, found.fault) == (6, None)
    assert len(found.head) == 64
    assert (await audit(path)).head == found.head


async def test_a_record_without_rows_is_whole(tmp_path):
    async with Database.opened(tmp_path / "t.db"):
        pass
    found = await audit(tmp_path / "t.db")
    assert (found.count, found.head, found.fault) == (0, "", None)


async def test_every_row_tells_both_states_times_source_reason_and_totals(path):
    with sqlite3.connect(path) as shell:
        rows = shell.execute(
            "SELECT id, from_status, to_status, booked, source, reason, venue_time, at, "
            "executed_quantity, executed_quote FROM order_transitions"
        ).fetchall()
    shell.close()
    start = int(NOW.timestamp() * 1000)
    told, ours = start + 1_000, start + 2_000
    assert rows[0] == (1, None, "PENDING_NEW", 1, "desk", None, None, start, "0", "0")
    assert rows[3] == (4, "NEW", "PARTIALLY_FILLED", 1, "stream", None, told, ours, "1", "100")
    assert rows[5][1:6] == ("PENDING_NEW", "EXPIRED", 1, "stream", "too late")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("order_id", "'00000000-0000-0000-0000-000000000002'"),
        ("from_status", "NULL"),
        ("to_status", "'CANCELED'"),
        ("booked", "0"),
        ("source", "'desk'"),
        ("reason", "'nothing'"),
        ("venue_time", "venue_time + 1"),
        ("at", "at - 1"),
        ("executed_quantity", "'1.0'"),
        ("executed_quote", "'99'"),
        ("hash", "upper(hash)"),
    ],
)
async def test_a_changed_cell_is_named_by_its_row(path, column, value):
    write(path, f"UPDATE order_transitions SET {column} = {value} WHERE id = 4")  # noqa: S608 -- ours
    found = await audit(path)
    assert found.fault.startswith("row 4 was changed or does not follow row 3: order 00000000-")
    assert found.count == 3


@pytest.mark.parametrize(
    ("statements", "fault"),
    [
        (["DELETE FROM order_transitions WHERE id = 3"], "row 3 is missing"),
        (["DELETE FROM order_transitions WHERE id = 1"], "row 1 is missing"),
        (["DELETE FROM order_transitions WHERE id > 4"], "row 5 is missing: there were 6"),
        (["DELETE FROM order_transitions"], "row 1 is missing: there were 6"),
        (
            [
                "DELETE FROM order_transitions WHERE id = 6",
                "UPDATE transition_head SET count = 5",
            ],
            "row 5 is not the one that was added last",
        ),
        (["DELETE FROM transition_head"], "row 6 is not the one that was added last"),
        (
            [
                "DELETE FROM order_transitions WHERE id = 6",
                (
                    "UPDATE transition_head SET count = 5, "
                    "hash = (SELECT hash FROM order_transitions WHERE id = 5)"
                ),
            ],
            (
                "order 00000000-0000-0000-0000-000000000002 is EXPIRED with 0 executed for 0; "
                "its last row says PENDING_NEW with 0 for 0"
            ),
        ),
        (
            ["UPDATE orders SET executed_quantity = '1.5' WHERE status = 'FILLED'"],
            (
                "order 00000000-0000-0000-0000-000000000001 is FILLED with 1.5 executed for 200; "
                "its last row says FILLED with 2 for 200"
            ),
        ),
    ],
)
async def test_missing_rows_are_noticed_wherever_they_were(path, statements, fault):
    write(path, *statements)
    assert (await audit(path)).fault == fault


@pytest.fixture
async def filled(tmp_path):
    """A database of two orders, each with a fill that its own answer told."""
    path = tmp_path / "filled.db"
    async with Database.opened(path) as database:
        orders = Orders(database)
        for number in (1, 2):
            made = order(number)
            await orders.create(made, idempotency_key=None, digest="d")
            fill = Fill(
                trade_id=f"t{number}",
                price=Decimal(100),
                quantity=Decimal(2),
                quote_quantity=Decimal(200),
                fee=Decimal("0.1"),
                fee_asset="BTC",
                maker=False,
                time=NOW,
            )
            await step(orders, made, report(made, "FILLED", "2", fills=(fill,)))
    return path


FIRST, SECOND = (UUID(int=number) for number in (1, 2))


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("DELETE FROM orders WHERE id LIKE '%2'", f"order {SECOND} of row 3 is missing"),
        ("DELETE FROM fills WHERE order_id LIKE '%2'", f"order {SECOND} or its fills"),
        ("UPDATE fills SET price = '1' WHERE trade_id = 't1'", f"order {FIRST} or its fills"),
        ("UPDATE fills SET fee = '0' WHERE trade_id = 't1'", f"order {FIRST} or its fills"),
        ("UPDATE fills SET maker = 1 WHERE trade_id = 't1'", f"order {FIRST} or its fills"),
        *(
            (f"UPDATE orders SET {change} WHERE rowid = 1", f"order {FIRST} or its fills")  # noqa: S608 -- constants
            for change in (
                "side = 'SELL'",
                "quantity = '200'",
                "price = '1'",
                "symbol = 'ETH/USDT'",
                "client_order_id = 'x'",
                "reduce_only = 1",
                "mid_price = '7'",
                "venue_order_id = '9'",
            )
        ),
    ],
)
async def test_an_order_or_a_fill_that_is_gone_or_changed_is_noticed(filled, statement, fault):
    assert (await audit(filled)).fault is None
    write(filled, statement)
    assert fault in (await audit(filled)).fault


async def test_steps_of_before_contents_were_sealed_stay_proven_as_they_were(path):
    """Their orders are counted: of those only state and totals are proven."""
    write(path, "UPDATE order_transitions SET contents = ''")
    with sqlite3.connect(path) as shell:
        previous = ""
        steps = shell.execute(
            "SELECT id, order_id, from_status, to_status, booked, source, reason, venue_time, at, "
            "executed_quantity, executed_quote FROM order_transitions ORDER BY id"
        ).fetchall()
        for row in steps:
            previous = seal(previous, row)
            shell.execute("UPDATE order_transitions SET hash = ? WHERE id = ?", (previous, row[0]))
        shell.execute("UPDATE transition_head SET hash = ?", (previous,))
    shell.close()
    found = await audit(path)
    assert (found.fault, found.unproven) == (None, 2)


async def test_an_order_whose_client_id_another_has_by_now_stays_proven(path):
    async with Database.opened(path) as database:
        orders = Orders(database)
        theirs = replace(order(5), foreign=True, venue_order_id="5", client_order_id="web")
        await orders.adopt(theirs)
        await orders.adopt(replace(theirs, id=UUID(int=6), venue_order_id="6"))
        assert (await orders.get(theirs.id)).client_order_id == "web#5"
    assert (await audit(path)).fault is None


async def test_a_row_nobody_of_us_added_is_noticed(path):
    write(
        path,
        "INSERT INTO order_transitions SELECT 7, order_id, from_status, to_status, booked, source, "
        "reason, venue_time, at, executed_quantity, executed_quote, contents, hash "
        "FROM order_transitions WHERE id = 6",
    )
    assert (await audit(path)).fault.startswith("row 7 was changed")


async def test_a_row_that_was_changed_and_sealed_again_no_longer_leads_to_the_next(path):
    write(path, "UPDATE order_transitions SET reason = 'another' WHERE id = 4")
    with sqlite3.connect(path) as shell:
        before, row = shell.execute("SELECT * FROM order_transitions WHERE id IN (3, 4)").fetchall()
        shell.execute(
            "UPDATE order_transitions SET hash = ? WHERE id = 4", (seal(before[-1], row[:-1]),)
        )
    shell.close()
    assert (await audit(path)).fault.startswith("row 5 was changed or does not follow row 4")


async def test_a_record_written_wholly_anew_lacks_the_head_that_was_noted(path):
    """What an attacker with the whole file can do; only a head kept elsewhere tells."""
    noted = (await audit(path)).head
    assert (await audit(path, noted=noted)).fault is None
    with sqlite3.connect(path) as shell:
        shell.executescript(
            "DROP TRIGGER steps_never_change; DROP TRIGGER head_only_advances;"
            "UPDATE order_transitions SET reason = 'as it should have been' WHERE id = 6"
        )
        previous = ""
        for row in shell.execute("SELECT * FROM order_transitions ORDER BY id").fetchall():
            previous = seal(previous, row[:-1])
            shell.execute("UPDATE order_transitions SET hash = ? WHERE id = ?", (previous, row[0]))
        shell.execute("UPDATE transition_head SET hash = ?", (previous,))
    shell.close()
    assert (await audit(path)).fault is None
    assert "was noted" in (await audit(path, noted=noted)).fault


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE order_transitions SET reason = 'x' WHERE id = 1",
        "DELETE FROM order_transitions WHERE id = 6",
        "UPDATE transition_head SET count = 5",
        "UPDATE transition_head SET count = 6",
        "DELETE FROM transition_head",
    ],
)
async def test_the_database_itself_refuses_to_change_what_happened(path, statement):
    async with Database.opened(path) as database:
        with pytest.raises(sqlite3.IntegrityError, match=r"only ever added to|never gets shorter"):
            async with database.transaction() as connection:
                await connection.execute(statement)
    assert (await audit(path)).fault is None


async def test_an_impossible_report_is_kept_once_and_changes_no_order(path):
    async with Database.opened(path) as database:
        orders = Orders(database)
        filled = await orders.get(UUID(int=1))
        impossible = report(filled, "REJECTED", reject_reason="never got it")
        for _ in range(3):
            await orders.keep_impossible(filled, impossible, at=NOW)
        await orders.keep_impossible(filled, replace(impossible, source="lookup"), at=NOW)
        assert await orders.get(filled.id) == filled
        async with database.reading() as connection:
            rows = await connection.execute_fetchall(
                "SELECT from_status, to_status, source, reason, executed_quantity "
                "FROM order_transitions WHERE NOT booked"
            )
    assert [tuple(row) for row in rows] == [
        ("FILLED", "REJECTED", "stream", "never got it", "0"),
        ("FILLED", "REJECTED", "lookup", "never got it", "0"),
    ]
    found = await audit(path)
    assert (found.count, found.fault) == (8, None)


async def test_the_record_is_proven_while_the_system_writes_it(path):
    async with Database.opened(path) as database:
        await Orders(database).create(order(3), idempotency_key=None, digest="d")
        assert (await audit(path)).count == 7


async def test_a_database_that_is_not_there_is_told(tmp_path):
    with pytest.raises(StorageError, match="no such file"):
        await audit(tmp_path / "t.db")
