"""What orders are judged by, on paper: fakes of the ports in ports/risk, of Holdings and Live."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from trading_system.domain.instruments import Symbol
from trading_system.domain.market import LivePrice, OrderBook, PriceLevel
from trading_system.domain.order_lists import pair_of
from trading_system.domain.positions import Equity, Position
from trading_system.domain.reports import Balance
from trading_system.ports import Commitment, Committed, RecordedRefusal

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class FakeCommitments:
    """CommitmentRepository over the rows of a FakeOrders."""

    def __init__(self, orders) -> None:
        self.orders = orders

    async def committed(self, *, since, also=()):
        rows = self.orders.rows.values()
        looked_for = since - timedelta(days=1)
        return Committed(
            orders=[
                await self._commitment(order)
                for order in rows
                if not order.status.is_final
                or order.id in also
                or (order.id in self.orders.short and order.updated_at >= looked_for)
            ],
            recent=sum(order.created_at > since for order in rows),
        )

    async def _commitment(self, order):
        is_short = order.id in self.orders.short
        booked = await self.orders.booked_of(order) if is_short else order.executed_quantity
        return Commitment(
            id=order.id,
            symbol=order.request.symbol,
            side=order.request.side,
            status=order.status,
            quantity=order.request.quantity,
            quote_quantity=order.request.quote_quantity,
            price=order.request.price,
            stop_price=order.request.stop_price,
            executed_quantity=order.executed_quantity,
            executed_quote=order.executed_quote,
            list_id=order.list_id and pair_of(order.list_id, order.id),
            waits=order.is_waiting,
            unbooked=order.executed_quantity - booked,
        )


@dataclass
class FakeRefusals:
    """RefusalRepository in memory."""

    rows: list = field(default_factory=list)
    failure: Exception | None = None

    async def add(self, request, *, check, reason, figures, at):
        if self.failure:
            raise self.failure
        self.rows.append(
            RecordedRefusal(
                id=len(self.rows) + 1,
                at=at,
                request=request,
                check=check,
                reason=reason,
                figures=dict(figures),
            )
        )

    async def latest(self, *, symbol=None, limit=500):
        return [row for row in self.rows[::-1] if symbol in {None, row.request.symbol}][:limit]


@dataclass
class FakeControlLog:
    """ControlLog in memory; `gate` is awaited before anything is written."""

    rows: list = field(default_factory=list)
    failure: Exception | None = None
    gate: object = None

    async def append(self, entry):
        if self.gate is not None:
            await self.gate.wait()
        if self.failure:
            raise self.failure
        self.rows.append(entry)

    async def latest(self, limit=100):
        return self.rows[::-1][:limit]

    async def kills(self):
        return [entry for entry in self.rows if entry.state == "KILLED"]


@dataclass
class FakeDrawdown:
    """DrawdownRecord in memory; `saves` counts."""

    kept: object = None
    saves: int = 0

    async def save(self, drawdown):
        self.kept = drawdown
        self.saves += 1

    async def load(self):
        return self.kept


@dataclass
class FakeHoldings:
    """Holdings as a test has set them."""

    quantities: dict = field(default_factory=dict)
    total: Decimal = Decimal(1000)
    day_start: Decimal = Decimal(1000)
    unvalued: tuple = ()
    uncounted: tuple = ()
    failure: Exception | None = None
    asked: int = 0

    async def positions(self):
        return [
            Position(symbol=symbol, quantity=quantity, cost=quantity * 100)
            for symbol, quantity in self.quantities.items()
        ]

    async def equity(self):
        self.asked += 1
        if self.failure:
            raise self.failure
        return Equity(
            total=self.total,
            quote="USDT",
            day_start=self.day_start,
            peak=self.total,
            at=NOON,
            unvalued=self.unvalued,
            uncounted=self.uncounted,
        )


@dataclass
class FakePrices:
    """Live: last prices by symbol with their age in ms, and books by symbol."""

    known: dict = field(default_factory=dict)
    books: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)
    failure: Exception | None = None

    def tell(self, symbol: Symbol, price: float, age_ms: int = 0, state=None) -> None:
        self.known[symbol] = LivePrice(symbol=symbol, last=price, price_age_ms=age_ms, state=state)

    def offer(self, symbol: Symbol, bid: str | None, ask: str | None) -> None:
        bids, asks = (
            () if price is None else (PriceLevel(Decimal(price), Decimal(1)),)
            for price in (bid, ask)
        )
        self.books[symbol] = OrderBook(
            symbol=symbol, update_id=1, bids=bids, asks=asks, received_at=0
        )

    def price(self, symbol):
        return self.known.get(symbol)

    async def book(self, symbol, *, levels):
        self.asked.append(symbol)
        if self.failure:
            raise self.failure
        return self.books[symbol]


@dataclass
class FakeWallet:
    """The venue's word on balances; `asked` counts, `failure` is raised instead of an answer."""

    free: dict = field(default_factory=lambda: {"USDT": Decimal(1000), "BTC": Decimal(5)})
    asked: int = 0
    failure: Exception | None = None
    on_ask: object = None

    async def balances(self):
        self.asked += 1
        await asyncio.sleep(0)
        if self.on_ask:
            self.on_ask()
        if self.failure:
            raise self.failure
        return [
            Balance(asset=asset, free=free, locked=Decimal(0)) for asset, free in self.free.items()
        ]
