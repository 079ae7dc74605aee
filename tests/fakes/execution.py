"""A venue and an order record on paper: fakes of Trading, OrderRepository and MarketData."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field, replace
from decimal import Decimal
from uuid import UUID

from trading_system.domain.errors import KeyReused, NotFound, OrderNotFound
from trading_system.domain.instruments import Instrument, Symbol
from trading_system.domain.order_lists import ListKind
from trading_system.domain.orders import Order, OrderStatus, OrderType
from trading_system.domain.reports import Balance, Report
from trading_system.ports import RecordedFill


@dataclass
class FakeTrading:
    """Answers each call with the next scripted answer: a report, an error, or an awaitable gate."""

    answers: deque = field(default_factory=deque)
    sent: list = field(default_factory=list)
    amended: list = field(default_factory=list)
    queue: Future | None = None

    async def _next(self, call, order, still_wanted=lambda: None):
        if self.queue is not None:  # for the venue's limits
            await self.queue
        still_wanted()
        self.sent.append((call, order.client_order_id))
        answer = self.answers.popleft() if self.answers else OrderNotFound(-2013, "none")
        if hasattr(answer, "__await__"):
            answer = await answer
        if isinstance(answer, Exception):
            raise answer
        return answer(order) if callable(answer) else answer

    async def place(self, order, *, still_wanted):
        return await self._next("place", order, still_wanted)

    async def cancel(self, order):
        return await self._next("cancel", order)

    async def find(self, order):
        return await self._next("find", order)

    async def amend(self, order, quantity):
        self.amended.append(quantity)
        return await self._next("amend", order)

    async def replace(self, old, new, *, still_wanted):
        self.sent.append(("replaced", old.client_order_id))
        return await self._next("replace", new, still_wanted)

    async def balances(self):
        return [Balance(asset="USDT", free=Decimal(1), locked=Decimal(0))]


class FakeOrders:
    """OrderRepository in memory."""

    def __init__(self) -> None:
        self.rows: dict[UUID, Order] = {}
        self.keys: dict[str, tuple[UUID, str]] = {}
        self.booked: dict[tuple[str, UUID], RecordedFill] = {}
        self.transitions: list[tuple[str, str]] = []
        self.impossible: list[Report] = []
        self.short: set[UUID] = set()  # of fills, as far as reports have told

    async def create(self, order, *, idempotency_key, digest):
        if saved := await self.by_key(idempotency_key, digest):
            return saved
        if idempotency_key is not None:
            self.keys[idempotency_key] = (order.id, digest)
        self.rows[order.id] = order
        return None

    async def adopt(self, order):
        if order.id in self.rows:
            return self.rows[order.id]
        for known in list(self.rows.values()):
            if known.client_order_id == order.client_order_id:
                if not known.foreign:
                    return known
                renamed = f"{known.client_order_id}#{known.venue_order_id}"
                self.rows[known.id] = replace(known, client_order_id=renamed)
        self.rows[order.id] = order
        return order

    async def by_key(self, key, digest):
        if key not in self.keys:
            return None
        saved, known = self.keys[key]
        if known != digest:
            raise KeyReused("used")
        return self.rows[saved]

    async def record(self, before, after, report, *, at):
        if after.status is not before.status:
            self.transitions.append((before.status, after.status))
        known = len(self.booked)
        for fill in report.fills:
            self.booked.setdefault(
                (fill.trade_id, after.id),
                RecordedFill(
                    order_id=after.id,
                    symbol=after.request.symbol,
                    side=after.request.side,
                    fill=fill,
                ),
            )
        fees = defaultdict(Decimal)
        is_short = await self.booked_of(after) < after.executed_quantity
        self.short = self.short | {after.id} if is_short else self.short - {after.id}
        for row in await self.fills(order_id=after.id):
            fees[row.fill.fee_asset] += row.fill.fee
        paid = tuple((asset, fees[asset]) for asset in sorted(fees) if fees[asset])
        self.rows[after.id] = replace(after, fees=paid)
        return self.rows[after.id], len(self.booked) > known

    async def keep_impossible(self, order, report, *, at):
        if report not in self.impossible:
            self.impossible.append(report)

    async def get(self, order_id):
        if order_id not in self.rows:
            raise NotFound(f"no {order_id}")
        return self.rows[order_id]

    async def by_client_order_id(self, client_order_id):
        for order in self.rows.values():
            if order.client_order_id == client_order_id:
                return order
        raise NotFound(client_order_id)

    async def all(self, *, statuses=None, symbol=None, limit=500):
        found = [
            order
            for order in self.rows.values()
            if (statuses is None or order.status in statuses)
            and (symbol is None or order.request.symbol == symbol)
        ]
        return found[::-1][:limit]

    async def symbols(self, since=None):
        return {
            order.request.symbol
            for order in self.rows.values()
            if since is None or order.created_at >= since or not order.status.is_final
        }

    async def among(self, *, ids=(), client_order_ids=(), venue_order_ids=()):
        await asyncio.sleep(0)  # as a disk would
        return [
            order
            for order in self.rows.values()
            if order.id in ids
            or order.client_order_id in client_order_ids
            or (order.request.symbol, order.venue_order_id) in venue_order_ids
        ]

    async def fills(self, *, symbol=None, order_id=None, limit=500):
        return [
            row
            for row in self.booked.values()
            if (symbol is None or row.symbol == symbol)
            and (order_id is None or row.order_id == order_id)
        ][:limit]

    async def booked_of(self, order):
        rows = await self.fills(order_id=order.id)
        return sum((row.fill.quantity for row in rows), Decimal(0))

    async def fill_counts(self):
        return dict(Counter(row.symbol for row in self.booked.values()))

    async def short_of_fills(self, since):
        booked = defaultdict(Decimal)
        for row in self.booked.values():
            booked[row.order_id] += row.fill.quantity
        return [
            order
            for order in self.rows.values()
            if order.updated_at >= since and booked[order.id] < order.executed_quantity
        ]

    async def replacements(self):
        resting = {OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED}
        return [
            order
            for order in self.rows.values()
            if order.status in resting and order.wanted_in_all is not None
        ]


class FakeListing:
    """MarketData that lists BTC/USDT."""

    async def instruments(self):
        symbol = Symbol("BTC", "USDT")
        step = Decimal("0.01")
        return {
            symbol: Instrument(
                symbol=symbol,
                venue_id="BTCUSDT",
                tradable=True,
                order_types=frozenset(OrderType),
                list_kinds=frozenset(ListKind),
                tick_size=step,
                step_size=step,
                min_quantity=step,
                max_quantity=Decimal(9),
                min_notional=None,
                max_notional=None,
            )
        }
