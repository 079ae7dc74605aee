"""Which orders, and symbols of orders, are found on a real disk without reading all of them."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from trading_system.domain.errors import NotFound
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import Order, OrderRequest, OrderStatus, OrderType, Side
from trading_system.storage.commitments import Commitments
from trading_system.storage.database import Database
from trading_system.storage.orders import Orders

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
BTC, ETH, SOL = (Symbol(base, "USDT") for base in ("BTC", "ETH", "SOL"))


@pytest.fixture
async def orders(tmp_path):
    """One of each symbol: of BTC old and ended, of ETH old and open, of SOL new and ended."""
    async with Database.opened(tmp_path / "orders.db") as database:
        orders = Orders(database)
        for number, (symbol, age, status) in enumerate(
            [
                (BTC, 9, OrderStatus.FILLED),
                (ETH, 9, OrderStatus.NEW),
                (SOL, 0, OrderStatus.FILLED),
            ]
        ):
            at = NOON - timedelta(days=age)
            order = Order(
                id=UUID(int=number),
                client_order_id=f"c{number}",
                venue_order_id="7",
                request=OrderRequest(
                    symbol=symbol, side=Side.BUY, type=OrderType.MARKET, quantity=Decimal(1)
                ),
                status=status,
                created_at=at,
                updated_at=at,
            )
            await orders.create(order, idempotency_key=None, digest="")
        yield orders


async def test_symbols_are_those_of_open_orders_and_of_orders_from_then_on(orders):
    assert await orders.symbols() == {BTC, ETH, SOL}
    assert await orders.symbols(NOON) == {ETH, SOL}
    assert await orders.symbols(NOON + timedelta(days=1)) == {ETH}


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({}, set()),
        ({"ids": [UUID(int=0), UUID(int=9)]}, {0}),
        ({"client_order_ids": ["c1", "c2", "?"]}, {1, 2}),
        ({"venue_order_ids": [(ETH, "7"), (BTC, "8")]}, {1}),
        ({"ids": [UUID(int=1)], "client_order_ids": ["c1"]}, {1}),
        ({"client_order_ids": [f"c{number}" for number in range(2_000)]}, {0, 1, 2}),
    ],
)
async def test_orders_are_found_by_any_of_their_names(orders, keys, found):
    told = await orders.among(**keys)
    assert sorted(order.id.int for order in told) == sorted(found)


class Explaining:
    """A Database that notes how SQLite goes about each reading."""

    def __init__(self, database):
        self.plans, self._database = [], database

    async def read(self, work):
        def explained(connection):
            return work(Explained(connection, self.plans))

        return await self._database.read(explained)


class Explained:
    def __init__(self, connection, plans):
        self._connection, self._plans = connection, plans

    def execute(self, query, values):
        plan = self._connection.execute(f"EXPLAIN QUERY PLAN {query}", values)
        self._plans += [row[3] for row in plan]
        return self._connection.execute(query, values)


@pytest.mark.parametrize(
    "look",
    [
        lambda database: Commitments(database).committed(since=NOON, also=[UUID(int=1)]),
        lambda database: Orders(database).all(statuses=frozenset({OrderStatus.NEW})),
        lambda database: Orders(database).all(statuses=frozenset({OrderStatus.NEW}), symbol=ETH),
        lambda database: Orders(database).get(UUID(int=1)),
        lambda database: Orders(database).short_of_fills(NOON),
    ],
)
async def test_what_is_asked_for_all_the_time_reads_no_orders_of_the_past(tmp_path, look):
    async with Database.opened(tmp_path / "orders.db") as database:
        explaining = Explaining(database)
        with suppress(NotFound):
            await look(explaining)
    assert explaining.plans
    assert not [step for step in explaining.plans if step.startswith("SCAN orders")]
