"""What portfolio and stops lean on, kept in memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from uuid import UUID, uuid5

from trading_system.domain.candles import Candle
from trading_system.domain.errors import NotFound
from trading_system.domain.instruments import Instrument, Symbol
from trading_system.domain.market import LivePrice
from trading_system.domain.orders import Order, OrderStatus, client_order_id
from trading_system.domain.positions import Equity, Position
from trading_system.domain.reports import Balance, Fill
from trading_system.domain.stops import Stop, StopStatus
from trading_system.ports import RecordedFill

BTC, ETH = Symbol("BTC", "USDT"), Symbol("ETH", "USDT")
NAMES = UUID("9f5c3c0e-2f5b-4c53-9d0b-0a6f2f8c1f11")


def booked(number, side, quantity, price, at, *, symbol=BTC, order=1, fee="0", asset="BNB"):
    """A fill on record."""
    return RecordedFill(
        order_id=UUID(int=order),
        symbol=symbol,
        side=side,
        fill=Fill(
            trade_id=str(number),
            price=Decimal(price),
            quantity=Decimal(quantity),
            quote_quantity=Decimal(quantity) * Decimal(price),
            fee=Decimal(fee),
            fee_asset=asset,
            maker=None,
            time=at,
        ),
    )


class FakeRecord:
    """The fills and orders of an OrderRepository; `failures` are raised first."""

    def __init__(self) -> None:
        self.rows: list[RecordedFill] = []
        self.orders: dict[UUID, Order] = {}
        self.keys: dict[str, UUID] = {}
        self.failures: list[Exception] = []
        self.while_reading = lambda: None

    async def fills(self, *, symbol=None, order_id=None, limit=500):
        if self.failures:
            raise self.failures.pop(0)
        found = [
            row
            for row in self.rows[::-1]
            if symbol in {None, row.symbol} and order_id in {None, row.order_id}
        ]
        self.while_reading()
        return found[:limit]

    async def fill_counts(self):
        if self.failures:
            raise self.failures.pop(0)
        return dict(Counter(row.symbol for row in self.rows))

    async def by_key(self, key, digest):
        return self.orders.get(self.keys.get(key))

    async def get(self, order_id):
        if order_id not in self.orders:
            raise NotFound(f"there is no order {order_id}")
        return self.orders[order_id]


class FakeMarks:
    """EquityRepository in memory."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, int], Equity] = {}
        self.thinned = []

    async def record(self, mark):
        self.rows[mark.quote, _ms(mark.at)] = mark

    async def last(self, quote):
        return max(
            (mark for mark in self.rows.values() if mark.quote == quote),
            key=lambda mark: mark.at,
            default=None,
        )

    async def between(self, quote, start, end, *, points):
        found = [
            self.rows[key]
            for key in sorted(self.rows)
            if key[0] == quote and (start or 0) <= key[1] < (2**62 if end is None else end)
        ]
        if not found:
            return []
        first, last = _ms(found[0].at), _ms(found[-1].at)
        part = (last - first) // points + 1
        return list({(_ms(mark.at) - first) // part: mark for mark in found}.values())

    async def thin(self, before):
        self.thinned.append(before)
        hours = {}
        for key in sorted(key for key in self.rows if key[1] < _ms(before)):
            self.rows.pop(hours.get((key[0], key[1] // 3_600_000)), None)
            hours[key[0], key[1] // 3_600_000] = key


class FakeStopRepository:
    """StopRepository in memory; `saved` is every state it was given."""

    def __init__(self) -> None:
        self.rows: dict[UUID, Stop] = {}
        self.saved: list[Stop] = []

    async def save(self, stop):
        self.rows[stop.id] = stop
        self.saved.append(stop)

    async def get(self, stop_id):
        if stop_id not in self.rows:
            raise NotFound(f"there is no stop {stop_id}")
        return self.rows[stop_id]

    async def all(self, *, symbol=None, limit=500):
        found = sorted(self.rows.values(), key=lambda stop: (-_ms(stop.created_at), str(stop.id)))
        return [stop for stop in found if symbol in {None, stop.symbol}][:limit]

    async def unfinished(self):
        return [stop for stop in self.rows.values() if not stop.status.is_final]

    async def failed(self):
        return [stop for stop in self.rows.values() if stop.status is StopStatus.FAILED]


class FakeLive:
    """The last prices a test has set, each some ms old."""

    def __init__(self, **last) -> None:
        self.last = {Symbol(name, "USDT"): price for name, price in last.items()}
        self.age_ms = 5

    def prices(self):
        return [
            LivePrice(
                symbol=symbol, last=price, price_age_ms=None if price is None else self.age_ms
            )
            for symbol, price in self.last.items()
        ]


class FakeCandles:
    """The last stored candle of some symbols: its open time and close."""

    def __init__(self) -> None:
        self.closes: dict[Symbol, tuple[int, float]] = {}

    async def last_open_times(self):
        return {symbol: minute for symbol, (minute, _) in self.closes.items()}

    async def candles(self, symbol, span, timeframe, limit=None):
        minute, close = self.closes[symbol]
        assert span.start == minute
        assert span.minutes == 1
        return [Candle(minute, close, close, close, close, 1.0)]


class FakeAccount:
    """Balances and the venue's own positions; counts how often it is asked."""

    def __init__(self, **free) -> None:
        self.rows = [
            Balance(asset=asset, free=Decimal(amount), locked=Decimal(0))
            for asset, amount in free.items()
        ]
        self.margin = []
        self.asked = 0
        self.failure: Exception | None = None

    async def balances(self):
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        return self.rows

    async def positions(self):
        return self.margin


class FakeHoldings:
    """Positions as a test has set them."""

    def __init__(self, **held) -> None:
        self.rows = {Symbol(name, "USDT"): Decimal(amount) for name, amount in held.items()}

    def hold(self, quantity, symbol=BTC):
        self.rows[symbol] = Decimal(quantity)

    async def positions(self):
        return [
            Position(symbol=symbol, quantity=quantity, cost=quantity * 100)
            for symbol, quantity in self.rows.items()
        ]


class FakeListed:
    """MarketData that lists BTC/USDT by these order types."""

    def __init__(self, *types) -> None:
        self.instrument = Instrument(
            symbol=BTC,
            venue_id="BTCUSDT",
            tradable=True,
            order_types=frozenset(types),
            tick_size=Decimal("0.5"),
            step_size=Decimal("0.1"),
            min_quantity=Decimal("0.1"),
            max_quantity=Decimal(1000),
            min_notional=None,
            max_notional=None,
            trailing_below=(10, 2_000),
            trailing_above=(20, 1_000),
        )

    async def instruments(self):
        return {BTC: self.instrument}


class FakeDealing:
    """Desk and order manager over a FakeRecord: one order a key, its fate by `script`.

    An item of `script` is an error to raise, or the changes the venue's answer makes; without one
    an order rests. `crash` is raised once the order is on record: nobody hears that it is.
    `objections` are raised by checks of what would be placed.
    """

    def __init__(self, record: FakeRecord, clock) -> None:
        self.record = record
        self.clock = clock
        self.script: list = []
        self.keys: dict[str, Order] = {}
        self.placed: list = []
        self.cancelled: list[UUID] = []
        self.cancel_answers: list = []
        self.checked: list = []
        self.objections: list[Exception] = []
        self.crash: BaseException | None = None

    async def place(self, request, idempotency_key=None):
        if idempotency_key in self.keys:
            order = self.keys[idempotency_key]
            assert order.request == request
            return await self.record.get(order.id)
        answer = self.script.pop(0) if self.script else {}
        if isinstance(answer, Exception):
            raise answer
        order_id = uuid5(NAMES, str(idempotency_key))
        order = Order(
            id=order_id,
            client_order_id=client_order_id(order_id),
            request=request,
            status=OrderStatus.NEW,
            created_at=self.clock.now(),
            updated_at=self.clock.now(),
        )
        self.placed.append(request)
        self.record.keys[idempotency_key] = order_id
        self.keys[idempotency_key] = self.record.orders[order_id] = replace(order, **answer)
        if self.crash is not None:
            crash, self.crash = self.crash, None
            raise crash
        return self.record.orders[order_id]

    async def check(self, request, *, instead_of):
        """As the desk's; an item of `objections` is raised."""
        self.checked.append((request, instead_of))
        if self.objections:
            raise self.objections.pop(0)

    def set(self, order_id, **changes):
        """What has become of an order."""
        self.record.orders[order_id] = replace(self.record.orders[order_id], **changes)
        return self.record.orders[order_id]

    async def cancel(self, order_id):
        self.cancelled.append(order_id)
        answer = self.cancel_answers.pop(0) if self.cancel_answers else OrderStatus.CANCELED
        if isinstance(answer, Exception):
            raise answer
        return self.set(order_id, status=answer)


def _ms(moment) -> int:
    return round(moment.timestamp() * 1000)
