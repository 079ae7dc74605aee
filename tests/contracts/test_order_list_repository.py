"""What an OrderListRepository promises, held by the fake of the tests and by SQLite alike."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from tests.fakes.execution import FakeOrders
from tests.fakes.order_lists import FakeOrderListRepository
from trading_system.domain.errors import KeyReused, NotFound
from trading_system.domain.instruments import Symbol
from trading_system.domain.order_lists import Leg, ListKind, OrderListRequest, drafted
from trading_system.domain.orders import OrderRequest, OrderStatus, OrderType, Side, apply
from trading_system.domain.reports import Report
from trading_system.storage.database import Database
from trading_system.storage.order_lists import OrderLists
from trading_system.storage.orders import Orders

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def wish(kind, **numbers) -> OrderRequest:
    amounts = {name: Decimal(value) for name, value in numbers.items()}
    return OrderRequest(
        symbol=Symbol("BTC", "USDT"),
        side=Side.SELL,
        type=OrderType(kind),
        quantity=Decimal("0.10"),
        **amounts,
    )


MAKER, STOP = wish("LIMIT_MAKER", price="110.0"), wish("STOP_LOSS", stop_price="90.0")
FIRST = wish("LIMIT", price="100.0")
KINDS = {
    ListKind.OCO: {Leg.ABOVE: MAKER, Leg.BELOW: STOP},
    ListKind.OTO: {Leg.WORKING: FIRST, Leg.PENDING: STOP},
    ListKind.OTOCO: {Leg.WORKING: FIRST, Leg.ABOVE: MAKER, Leg.BELOW: STOP},
}


@pytest.fixture(params=["fake", "sqlite"])
async def kept(request, tmp_path):
    """The orders and the lists."""
    if request.param == "fake":
        orders = FakeOrders()
        yield orders, FakeOrderListRepository(orders)
        return
    async with Database.opened(tmp_path / "lists.db") as database:
        yield Orders(database), OrderLists(database)


def new(kind=ListKind.OCO):
    request = OrderListRequest(kind=kind, legs=KINDS[kind])
    return drafted(uuid4(), request, at=NOON, mid_price=Decimal("99.5"))


@pytest.mark.parametrize("kind", list(ListKind))
async def test_a_list_comes_back_as_it_was_saved_and_its_legs_are_orders(kept, kind):
    orders, lists = kept
    saved = new(kind)
    assert await lists.create(saved, idempotency_key=None, digest="d") is None
    found = await lists.get(saved.id)
    assert found == saved
    assert list(found.legs) == list(saved.legs)
    for order in saved.orders:
        assert await orders.get(order.id) == order
        assert await orders.by_client_order_id(order.client_order_id) == order


async def test_a_list_shows_its_legs_as_they_stand_now(kept):
    orders, lists = kept
    saved = new()
    await lists.create(saved, idempotency_key=None, digest="d")
    leg = saved.legs[Leg.BELOW]
    report = Report(
        client_order_id=leg.client_order_id,
        venue_order_id="7",
        status="EXPIRED",
        source="stream",
        time=NOON,
    )
    await orders.record(leg, apply(leg, report), report, at=NOON)
    found = await lists.get(saved.id)
    assert found.legs[Leg.BELOW].status is OrderStatus.EXPIRED
    assert found.legs[Leg.ABOVE] == saved.legs[Leg.ABOVE]


async def test_one_key_is_one_list_and_no_order(kept):
    orders, lists = kept
    saved = new()
    assert await lists.by_key("key", "d") is None
    assert await lists.create(saved, idempotency_key="key", digest="d") is None
    assert await lists.by_key("key", "d") == saved
    assert await lists.create(new(ListKind.OTO), idempotency_key="key", digest="d") == saved
    for call in (lists.by_key("key", "x"), lists.create(new(), idempotency_key="key", digest="x")):
        with pytest.raises(KeyReused):
            await call
    with pytest.raises(KeyReused):
        await orders.by_key("key", "of an order")
    assert len(await orders.all()) == 2


async def test_there_is_no_list_under_the_id_of_an_order(kept):
    _, lists = kept
    saved = new()
    await lists.create(saved, idempotency_key=None, digest="d")
    for number in (saved.orders[0].id, UUID(int=1)):
        with pytest.raises(NotFound):
            await lists.get(number)


async def test_a_list_is_saved_with_all_its_legs_or_not_at_all(tmp_path):
    """The second leg's id is taken: nothing of the list stays."""
    async with Database.opened(tmp_path / "lists.db") as database:
        orders, lists = Orders(database), OrderLists(database)
        saved = new()
        await orders.create(saved.orders[1], idempotency_key=None, digest="d")
        with pytest.raises(sqlite3.IntegrityError):
            await lists.create(saved, idempotency_key="key", digest="d")
        assert [order.id for order in await orders.all()] == [saved.orders[1].id]
        assert await lists.by_key("key", "d") is None
        with pytest.raises(NotFound):
            await lists.get(saved.id)
