"""What the venue said we hold: rows when something changed, and the fills booked in between."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import (
    Order,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    apply,
    client_order_id,
)
from trading_system.domain.reports import Balance, Fill, Report
from trading_system.storage.balances import Balances
from trading_system.storage.database import Database
from trading_system.storage.orders import Orders

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def held(asset="BTC", free="1", locked="0") -> Balance:
    return Balance(asset=asset, free=Decimal(free), locked=Decimal(locked))


@pytest.fixture
async def database(tmp_path):
    async with Database.opened(tmp_path / "balances.db") as database:
        yield database


@pytest.fixture
def balances(database):
    return Balances(database)


@pytest.fixture
def book(database):
    """Book fills of an order, as they come."""
    orders = Orders(database)
    order_id = uuid4()
    order = Order(
        id=order_id,
        client_order_id=client_order_id(order_id),
        request=OrderRequest(
            symbol=Symbol("BTC", "USDT"), side=Side.BUY, type=OrderType.LIMIT, quantity=Decimal(9)
        ),
        status=OrderStatus.NEW,
        created_at=NOON,
        updated_at=NOON,
    )

    async def record(*names, minutes=0):
        if not await orders.all():
            await orders.create(order, idempotency_key=None, digest="")
        fills = tuple(
            Fill(
                trade_id=name,
                price=Decimal(100),
                quantity=Decimal(1),
                quote_quantity=Decimal(100),
                fee=Decimal(0),
                fee_asset="BTC",
                maker=True,
                time=NOON + timedelta(minutes=minutes),
            )
            for name in names
        )
        report = Report(
            client_order_id=order.client_order_id,
            status="PARTIALLY_FILLED",
            source="stream",
            time=NOON,
            executed_quantity=Decimal(len(names)),
            fills=fills,
        )
        before = await orders.get(order.id)
        await orders.record(before, apply(before, report), report, at=NOON)

    return record


async def test_only_what_changed_is_appended(balances):
    await balances.append([held(), held("USDT", "5")], at=NOON, source="stream")
    await balances.append([held(), held("USDT", "4", "1")], at=NOON, source="stream")
    await balances.append([held(free="1.00")], at=NOON, source="stream")
    assert await balances.history("BTC") == [held()]
    assert await balances.history("USDT") == [held("USDT", "4", "1"), held("USDT", "5")]


async def test_a_check_is_read_back_as_it_was_made(balances):
    assert await balances.last_check() is None
    await balances.check([held("A", "0.10", "3")], at=NOON, source="reconciler", fills=7)
    check = await balances.last_check()
    assert (check.at, check.fills, check.balances) == (NOON, 7, (held("A", "0.10", "3"),))


async def test_what_a_check_does_not_name_is_held_no_more(balances):
    await balances.check([held("A"), held("B")], at=NOON, source="reconciler", fills=0)
    await balances.check([held("B")], at=NOON, source="reconciler", fills=0)
    assert await balances.history("A") == [held("A", "0"), held("A")]
    assert await balances.history("B") == [held("B")]


async def test_fills_are_numbered_as_they_are_booked_whatever_their_time(balances, book):
    assert await balances.fills_booked() == 0
    await book("t9", minutes=5)
    await book("t9", "t1")  # the first again, and one from before it
    assert await balances.fills_booked() == 2
    assert [row.fill.trade_id for row in await balances.fills_between(0, 2)] == ["t9", "t1"]
    assert [row.fill.trade_id for row in await balances.fills_between(1, 2)] == ["t1"]
    assert await balances.fills_between(0, 0) == []
