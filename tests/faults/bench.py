"""One exchange and ways to it, for calls that fail one by one."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from tests.faults.rules import rule
from trading_system.domain.candles import MINUTE, Span, floor_minute
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import (
    Order,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    client_order_id,
)
from trading_system.exchange.gateway import Gateway
from trading_system.exchange.listing import Listing
from trading_system.exchange.market_data import BinanceMarketData
from trading_system.exchange.trading import BinanceTrading
from trading_system.resilience.retry import RetryPolicy
from trading_system.simulator.model import Refused

BTC = Symbol("BTC", "USDT")
BEGIN = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)
TIMEOUT_MS = {"once": 300, "always": 80}  # of calls that are answered late, and of no others


class LeapingClock:
    """Time passes only while somebody sleeps, and then at once: for one caller at a time."""

    def __init__(self) -> None:
        self._slept = 0.0

    def now(self):
        return BEGIN + timedelta(seconds=self._slept)

    def milliseconds(self):
        return round(self.now().timestamp() * 1000)

    def monotonic(self):
        return self._slept

    async def sleep(self, seconds):
        self._slept += max(0.0, seconds)
        await asyncio.sleep(0)


@dataclass(frozen=True)
class Ports:
    """What the system speaks to the exchange with."""

    data: BinanceMarketData
    trading: BinanceTrading


class Bench:
    """An exchange, ways to it, and an order that has filled."""

    def __init__(self, running, clock, client):
        self.running, self.clock = running, clock
        self.mischief, self.venue = running.mischief, running.exchange.venue
        self.client = client
        self.listing = Listing(self.gateway(), clock)
        self.bought = self.order(type=OrderType.MARKET, price=None)
        now = clock.milliseconds()
        self.span = Span(floor_minute(now) - 5 * MINUTE, floor_minute(now))
        self.last_trade = running.exchange.feed.last_trade("BTCUSDT", now=now).id

    def gateway(self):
        """One of its own, for which nothing has failed yet."""
        return Gateway(client=self.client, clock=self.clock, retry=RetryPolicy())

    def ports(self, *, listed=True):
        """Both; they know already what is listed unless that is what they are to ask for."""
        gateway = self.gateway()
        listing = self.listing if listed else Listing(gateway, self.clock)
        return Ports(
            data=BinanceMarketData(gateway, self.clock, listing=listing),
            trading=BinanceTrading(gateway, listing),
        )

    @contextmanager
    def struck(self, fault, calls, often="once"):
        """What these calls meet while the block lasts, and what they are sure to meet."""
        wanted = rule(fault, calls=calls, **({"times": 1} if often == "once" else {}))
        patience, before = self.client.timeout, self.mischief.done[wanted.kind]
        if wanted.kind == "answer-late":
            self.client.timeout = TIMEOUT_MS[often]
        self.mischief.add([wanted])
        try:
            yield
        finally:
            self.mischief.remove()
            self.client.timeout = patience
        assert self.mischief.done[wanted.kind] > before

    def order(self, **fields):
        """One that rests far below the market unless told otherwise."""
        wanted = {"type": OrderType.LIMIT, "price": Decimal(20_000)} | fields
        id_, now = uuid4(), self.clock.now()
        return Order(
            id=id_,
            client_order_id=client_order_id(id_),
            request=OrderRequest(symbol=BTC, side=Side.BUY, quantity=Decimal("0.001"), **wanted),
            status=OrderStatus.PENDING_NEW,
            created_at=now,
            updated_at=now,
        )

    def status(self, order):
        """How the order stands at the exchange; None where it never arrived."""
        try:
            found = self.venue.order(
                "main", "BTCUSDT", order_id=None, client_order_id=order.client_order_id
            )
        except Refused:
            return None
        return str(found.status)
