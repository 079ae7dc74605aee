"""What an OrderRepository promises about orders of others, held by the fake and by SQLite alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from tests.fakes.execution import FakeOrders
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import Order, OrderRequest, OrderStatus, OrderType, Side
from trading_system.storage.database import Database
from trading_system.storage.orders import Orders

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(params=["fake", "sqlite"])
async def repository(request, tmp_path):
    if request.param == "fake":
        yield FakeOrders()
        return
    async with Database.opened(tmp_path / "orders.db") as database:
        yield Orders(database)


def foreign(number=1, client="web") -> Order:
    return Order(
        id=UUID(int=number),
        client_order_id=client,
        venue_order_id=str(number),
        request=OrderRequest(
            symbol=Symbol("BTC", "USDT"), side=Side.SELL, type=OrderType.LIMIT, quantity=Decimal(1)
        ),
        status=OrderStatus.PENDING_NEW,
        created_at=NOON,
        updated_at=NOON,
        foreign=True,
    )


async def test_an_adopted_order_is_kept_and_marked(repository):
    order = foreign()
    assert await repository.adopt(order) == order
    assert await repository.get(order.id) == order
    assert await repository.by_client_order_id("web") == order


async def test_adopting_again_gives_what_became_of_it(repository):
    await repository.adopt(foreign())
    again = replace(foreign(), status=OrderStatus.CANCELED)
    assert (await repository.adopt(again)).status is OrderStatus.PENDING_NEW
    assert len(await repository.all()) == 1


async def test_the_newest_order_has_a_client_id_that_is_used_again(repository):
    await repository.adopt(foreign(1))
    newer = await repository.adopt(foreign(2))
    assert await repository.by_client_order_id("web") == newer
    assert (await repository.get(UUID(int=1))).client_order_id == "web#1"
    assert (await repository.adopt(foreign(1))).client_order_id == "web#1"
    assert await repository.by_client_order_id("web") == newer


async def test_an_order_of_ours_is_never_taken_over(repository):
    ours = replace(
        foreign(), id=uuid4(), client_order_id="ts-1", venue_order_id=None, foreign=False
    )
    await repository.create(ours, idempotency_key=None, digest="")
    assert await repository.adopt(foreign(9, client="ts-1")) == ours
    assert await repository.all() == [ours]
