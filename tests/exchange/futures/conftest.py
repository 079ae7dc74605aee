"""The embedded exchange's futures, and every part that speaks to them."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from uuid import UUID

import pytest
from pydantic import SecretStr

from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import Order, OrderRequest, OrderStatus, OrderType, Side
from trading_system.exchange.client import Client
from trading_system.exchange.endpoints import FUTURES_HOSTS, trading_endpoints
from trading_system.exchange.gateway import Gateway
from trading_system.exchange.markets import FUTURES
from trading_system.exchange.venue import Venue
from trading_system.resilience.limits import Priority
from trading_system.resilience.retry import RetryPolicy
from trading_system.simulator.server import SimulatorOptions, serve

BTC = Symbol("BTC", "USDT")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Parts:
    """Everything a market is made of, over one gateway."""

    venue: Venue
    clock: object

    def __post_init__(self) -> None:
        way = self.venue.gateway, self.venue.listing
        self.trading = FUTURES.trading(*way)
        self.records = FUTURES.records(*way)
        self.derivatives = FUTURES.derivatives(*way)
        self.market_data = FUTURES.market_data(self.venue, self.clock, Priority.CANDLES)

    async def price(self) -> Decimal:
        """Where the market is now."""
        return (await self.market_data.book(BTC, levels=5)).asks[0].price


@pytest.fixture
async def exchange(clock):
    """One whose market moves when the clock is told to, and always the same way."""
    async with serve(SimulatorOptions(port=0, clock=clock.milliseconds)) as running:
        yield running


@pytest.fixture
async def venue(exchange, clock):
    endpoints = trading_endpoints(exchange.url, FUTURES_HOSTS)
    gateway = Gateway(
        client=Client(
            endpoints=endpoints,
            clock=clock,
            rest_api=FUTURES.rest_api,
            api_key=SecretStr(exchange.api_key),
            secret=SecretStr(exchange.secret),
        ),
        clock=clock,
        retry=RetryPolicy(first=0.01, cap=0.1),
    )
    yield Venue(endpoints=endpoints, gateway=gateway, listing=FUTURES.listing(gateway, clock))
    await gateway.close()


@pytest.fixture
def parts(venue, clock):
    return Parts(venue, clock)


@pytest.fixture
async def running():
    """Start something that runs until the test ends."""
    async with AsyncExitStack() as stack:

        def start(part):
            task = asyncio.create_task(part.run())

            async def stop():
                assert not task.done()
                task.cancel()
                await asyncio.wait([task])

            stack.push_async_callback(stop)
            return part

        yield start


@pytest.fixture
def order():
    """Make orders, each with a client order id of its own."""
    numbers = count(1)

    def make(kind=OrderType.MARKET, *, side=Side.BUY, quantity="0.01", **fields) -> Order:
        number = next(numbers)
        request = OrderRequest(
            symbol=fields.pop("symbol", BTC),
            side=side,
            type=kind,
            quantity=None if quantity is None else Decimal(quantity),
            **fields,
        )
        return Order(
            id=UUID(int=number),
            client_order_id=f"ts-{number}",
            request=request,
            status=OrderStatus.PENDING_NEW,
            created_at=NOW,
            updated_at=NOW,
        )

    return make
