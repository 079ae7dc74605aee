"""A system made of dictionaries, and a client that speaks to the API over it without a network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Decimal
from types import SimpleNamespace
from uuid import UUID, uuid5

import httpx
import numpy as np
import pytest

from trading_system.api.application import create_app
from trading_system.api.security import ApiOptions
from trading_system.api.server import bind, serve, url
from trading_system.bus import Bus
from trading_system.domain.candles import MINUTE, Candle, Span
from trading_system.domain.errors import AlreadyRegistered, NotFound, NotRegistered, UnknownSymbol
from trading_system.domain.instruments import Instrument, Symbol
from trading_system.domain.market import LivePrice, OrderBook
from trading_system.domain.order_lists import OrderList, OrderListRequest, drafted
from trading_system.domain.orders import Order, OrderRequest, OrderStatus, Side, client_order_id
from trading_system.domain.portfolio import Portfolio, Valued
from trading_system.domain.positions import Equity
from trading_system.domain.reports import Balance, VenuePosition
from trading_system.domain.stops import Keeper, Stop, StopStatus, StopWish
from trading_system.domain.timeframes import Timeframe
from trading_system.domain.venues import VenueReport
from trading_system.event_log import EventLog
from trading_system.ports import (
    Backfill,
    ComponentHealth,
    Coverage,
    JobState,
    RecordedFill,
    RegisteredSymbol,
)
from trading_system.trader.views import StrategyView

NAMES = UUID("9f5c3c0e-2f5b-4c53-9d0b-0a6f2f8c1f10")


def candles_at(*open_times: int) -> list[Candle]:
    """One candle a minute, each telling from its prices which minute it is."""
    return [
        Candle(at, 100 + at / MINUTE % 1000, 2000.5, 1.25, 101.125 + at / MINUTE % 1000, 0.1)
        for at in open_times
    ]


class FakeSymbols:
    def __init__(self, clock) -> None:
        self.clock = clock
        self.rows: dict[Symbol, RegisteredSymbol] = {}

    async def add(self, symbol, at):
        known = self.rows.get(symbol)
        if known and known.active:
            raise AlreadyRegistered(f"{symbol} is registered already")
        row = RegisteredSymbol(symbol=symbol, active=True, registered_at=at)
        self.rows[symbol] = row
        return row

    async def deactivate(self, symbol):
        row = replace(await self.get(symbol), active=False)
        self.rows[symbol] = row
        return row

    async def get(self, symbol):
        if symbol not in self.rows:
            raise NotRegistered(f"{symbol} is not registered here")
        return self.rows[symbol]

    async def all(self, *, active=None):
        rows = [self.rows[symbol] for symbol in sorted(self.rows)]
        return [row for row in rows if active is None or row.active is active]


@dataclass
class Registered:
    registered: RegisteredSymbol
    backfill: Backfill


class FakeRegistry:
    def __init__(self, symbols: FakeSymbols, jobs: FakeJobs, clock) -> None:
        self.symbols, self.jobs, self.clock = symbols, jobs, clock
        self.listed = {Symbol("BTC", "USDT"), Symbol("ETH", "USDT")}

    async def register(self, symbol):
        if symbol not in self.listed:
            raise UnknownSymbol(f"the venue lists no {symbol}")
        row = await self.symbols.add(symbol, self.clock.now())
        now = self.clock.milliseconds() // MINUTE * MINUTE
        return Registered(row, await self.backfill(symbol, Span(now - 1440 * MINUTE, now)))

    async def deactivate(self, symbol):
        return await self.symbols.deactivate(symbol)

    async def backfill(self, symbol, span):
        await self.symbols.get(symbol)
        return self.jobs.add(symbol, span, self.clock.now())


class FakeJobs:
    def __init__(self) -> None:
        self.rows: dict[UUID, Backfill] = {}

    def add(self, symbol, span, now) -> Backfill:
        job = Backfill(
            id=uuid5(NAMES, f"job {len(self.rows)}"),
            symbol=symbol,
            span=span,
            state=JobState.PENDING,
            expected=span.minutes,
            created_at=now,
            updated_at=now,
        )
        self.rows[job.id] = job
        return job

    async def get(self, job_id):
        if job_id not in self.rows:
            raise NotFound(f"there is no backfill {job_id}")
        return self.rows[job_id]


class FakePrices:
    def __init__(self, symbols: FakeSymbols) -> None:
        self.symbols = symbols
        self.rows: dict[Symbol, list[Candle]] = {}
        self.reads: list[Span] = []
        self.holes: tuple[Span, ...] = ()

    async def bounds(self, symbol):
        await self.symbols.get(symbol)
        rows = self.rows.get(symbol)
        return Span(rows[0].open_time, rows[-1].open_time + MINUTE) if rows else None

    async def candles(self, symbol, span, timeframe, limit=None):
        await self.symbols.get(symbol)
        self.reads.append(span)
        groups: dict[int, list[Candle]] = {}
        for row in self.rows.get(symbol, []):
            if span.start <= row.open_time < span.end:
                groups.setdefault(timeframe.floor(row.open_time), []).append(row)
        return [
            Candle(
                at,
                rows[0].open,
                max(row.high for row in rows),
                min(row.low for row in rows),
                rows[-1].close,
                sum(row.volume for row in rows),
            )
            for at, rows in groups.items()
        ][:limit]

    async def columns(self, symbol, span, timeframe):
        rows = await self.candles(symbol, span, timeframe)
        return np.array(rows, dtype=np.float64).reshape(-1, 6)

    async def coverage(self, symbol, span):
        rows = await self.candles(symbol, span, Timeframe.parse("1m"))
        have = {row.open_time for row in rows}
        absent = [at for at in range(span.start, span.end, MINUTE) if at not in have]
        missing = [
            Span(at, at + MINUTE)
            for at in absent
            if not any(hole.start <= at < hole.end for hole in self.holes)
        ]
        return Coverage(
            span=span,
            stored=len(rows),
            holes=tuple(hole for hole in self.holes if span.start <= hole.start < span.end),
            missing=tuple(missing),
            digest="ab" * 32,
        )


class FakeOrders:
    """The repository, the desk and the order manager in one; `script` is what comes of the next."""

    def __init__(self, clock) -> None:
        self.clock = clock
        self.rows: dict[UUID, Order] = {}
        self.recorded: list[RecordedFill] = []
        self.keys: dict[str, UUID] = {}
        self.script: Callable[[Order], Order] | Exception | None = None
        self.asked: dict[str, object] = {}
        self.requests: list[OrderRequest] = []
        self.lists = FakeOrderLists(clock)

    async def place(self, request, idempotency_key=None, *, conform=False):
        if idempotency_key in self.keys:
            return self.rows[self.keys[idempotency_key]]
        self.requests.append(request)
        if conform:
            rounded = request.quantity.quantize(Decimal("0.001"), ROUND_FLOOR)
            request = replace(request, quantity=rounded)
        number = uuid5(NAMES, f"order {len(self.rows)}")
        order = Order(
            id=number,
            client_order_id=client_order_id(number),
            request=request,
            status=OrderStatus.NEW,
            created_at=self.clock.now(),
            updated_at=self.clock.now(),
        )
        order = self._play(order)
        self.rows[order.id] = order
        if idempotency_key is not None:
            self.keys[idempotency_key] = order.id
        return order

    async def place_list(self, request, idempotency_key=None):
        return await self.lists.place_list(request, idempotency_key)

    async def cancel(self, order_id):
        order = await self.get(order_id)
        after = self._play(replace(order, status=OrderStatus.CANCELED))
        self.rows[order_id] = after
        return after

    async def modify(self, order_id, *, price=None, quantity=None):
        order = await self.get(order_id)
        asked = {"price": price, "quantity": quantity}
        wanted = {name: value for name, value in asked.items() if value is not None}
        after = self._play(replace(order, request=replace(order.request, **wanted)))
        self.rows[after.id] = after
        return after

    def _play(self, order: Order) -> Order:
        if isinstance(self.script, Exception):
            raise self.script
        return self.script(order) if self.script else order

    async def get(self, order_id):
        if order_id not in self.rows:
            raise NotFound(f"there is no order {order_id}")
        return self.rows[order_id]

    async def all(self, *, statuses=None, symbol=None, limit=500):
        self.asked = {"statuses": statuses, "symbol": symbol, "limit": limit}
        return [
            order
            for order in reversed(self.rows.values())
            if (statuses is None or order.status in statuses)
            and (symbol is None or order.request.symbol == symbol)
        ][:limit]

    async def fills(self, *, symbol=None, order_id=None, limit=500):
        return [row for row in self.recorded if symbol in {None, row.symbol}][:limit]


class FakeOrderLists:
    """The desk's and the list manager's part in lists; `script` is what comes of the next."""

    def __init__(self, clock) -> None:
        self.clock = clock
        self.rows: dict[UUID, OrderList] = {}
        self.requests: list[OrderListRequest] = []
        self.script: Callable[[Order], Order] | Exception | None = None

    async def place_list(self, request, idempotency_key=None):
        self.requests.append(request)
        number = uuid5(NAMES, f"list {len(self.rows)}")
        new = drafted(number, request, at=self.clock.now(), mid_price=None)
        self.rows[number] = self._play(new, OrderStatus.NEW)
        return self.rows[number]

    async def get(self, list_id):
        if list_id not in self.rows:
            raise NotFound(f"there is no order list {list_id}")
        return self.rows[list_id]

    async def cancel(self, list_id):
        self.rows[list_id] = self._play(await self.get(list_id), OrderStatus.CANCELED)
        return self.rows[list_id]

    def _play(self, order_list, status):
        if isinstance(self.script, Exception):
            raise self.script
        legs = {
            leg: replace(order, status=status, venue_order_id="7")
            for leg, order in order_list.legs.items()
        }
        played = {leg: self.script(order) if self.script else order for leg, order in legs.items()}
        return replace(order_list, legs=played)


class FakeListing:
    """What a test lists."""

    def __init__(self) -> None:
        self.rows: dict[Symbol, Instrument] = {}

    async def instruments(self):
        return self.rows


class FakeAdviser:
    """The same advice on every order that was refused."""

    async def advice(self, order):
        return "send less" if order.reject_code else None


class FakeTrading:
    def __init__(self) -> None:
        self.held: list[Balance] = [
            Balance(asset="USDT", free=Decimal("9962.80"), locked=Decimal("55.8")),
            Balance(asset="BTC", free=Decimal("0.00000001"), locked=Decimal(0)),
        ]
        self.failure: Exception | None = None

    async def balances(self) -> Sequence[Balance]:
        if self.failure is not None:
            raise self.failure
        return self.held


class FakeDerivatives:
    """A margin account: positions as a test has set them, and the leverages asked for."""

    def __init__(self) -> None:
        self.held: list[VenuePosition] = []
        self.leverages: dict[Symbol, int] = {}
        self.failure: Exception | None = None

    async def positions(self):
        if self.failure is not None:
            raise self.failure
        return self.held

    async def set_leverage(self, symbol, leverage):
        if self.failure is not None:
            raise self.failure
        self.leverages[symbol] = leverage
        return leverage


class FakeLive:
    """Prices and books as a test has set them; other symbols the venue does not list."""

    def __init__(self) -> None:
        self.rows: list[LivePrice] = []
        self.books: dict[Symbol, OrderBook] = {}
        self.failure: Exception | None = None
        self.asked: list[tuple[Symbol, int]] = []

    def prices(self):
        return self.rows

    async def book(self, symbol, *, levels):
        self.asked.append((symbol, levels))
        if self.failure is not None:
            raise self.failure
        if symbol not in self.books:
            raise UnknownSymbol(f"the venue lists no {symbol}")
        book = self.books[symbol]
        return replace(book, bids=book.bids[:levels], asks=book.asks[:levels])


class FakePortfolio:
    """Values and marks as a test has set them."""

    def __init__(self) -> None:
        self.rows: list[Valued] = []
        self.whole: Portfolio | None = None
        self.marks: list[Equity] = []
        self.asked: list[tuple[int | None, int | None, int]] = []

    async def valued(self):
        return self.rows

    async def summary(self):
        return self.whole

    async def history(self, start, end, *, points):
        self.asked.append((start, end, points))
        return self.marks


class FakeStops:
    """Stop losses of whatever is asked for, numbered."""

    def __init__(self) -> None:
        self.rows: dict[UUID, Stop] = {}
        self.wishes: list[StopWish] = []

    async def guard(self, wish):
        self.wishes.append(wish)
        noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
        stop = Stop(
            id=uuid5(NAMES, f"stop {len(self.rows)}"),
            symbol=wish.symbol or Symbol("BTC", "USDT"),
            side=Side.SELL,
            kind=wish.kind,
            kept_by=Keeper.SYSTEM,
            created_at=noon,
            updated_at=noon,
            quantity=wish.quantity,
            trigger_price=wish.trigger_price,
            deadline=wish.deadline,
        )
        self.rows[stop.id] = stop
        return stop

    async def get(self, stop_id):
        if stop_id not in self.rows:
            raise NotFound(f"there is no stop {stop_id}")
        return self.rows[stop_id]

    async def cancel(self, stop_id):
        self.rows[stop_id] = replace(await self.get(stop_id), status=StopStatus.CANCELLED)
        return self.rows[stop_id]

    async def all(self, *, symbol=None, limit=500):
        return [row for row in self.rows.values() if symbol in {None, row.symbol}][:limit]


class FakeViews:
    """Strategies as they are, by nothing but what each was given."""

    def __init__(self) -> None:
        self.rows: list[StrategyView] = []

    async def all(self):
        return self.rows


@dataclass
class FakeSystem:
    """Every part the API speaks to, kept in memory."""

    clock: object
    symbols: FakeSymbols
    registry: FakeRegistry
    backfills: FakeJobs
    prices: FakePrices
    orders: FakeOrders
    desk: FakeOrders
    order_manager: FakeOrders
    trading: FakeTrading
    components: Mapping[str, ComponentHealth] = field(
        default_factory=lambda: {
            "venue": ComponentHealth(ok=True, figures={"since": "2026-01-01T12:00:00+00:00"}),
            "database": ComponentHealth(ok=True, figures={"answer_ms": 0.4}),
        }
    )

    order_lists: FakeOrderLists | None = None
    listing: FakeListing = field(default_factory=FakeListing)
    adviser: FakeAdviser = field(default_factory=FakeAdviser)
    live: FakeLive = field(default_factory=FakeLive)
    portfolio: FakePortfolio = field(default_factory=FakePortfolio)
    stops: FakeStops = field(default_factory=FakeStops)
    strategies: object = field(default_factory=lambda: SimpleNamespace(views=FakeViews()))
    derivatives: FakeDerivatives = field(default_factory=FakeDerivatives)
    bus: Bus = field(default_factory=Bus)
    reports: list[VenueReport] = field(default_factory=list)
    event_log: EventLog = field(init=False)

    def __post_init__(self) -> None:
        self.event_log = EventLog(self.bus)

    def venue_reports(self):
        return self.reports

    async def health(self):
        return self.components

    def metrics(self):
        return b"# TYPE trading_beats gauge\ntrading_beats 42.0\n"

    async def store(self, symbol: Symbol, *open_times: int) -> None:
        """Register a symbol with candles at these minutes."""
        if symbol not in self.symbols.rows:
            await self.symbols.add(symbol, datetime(2026, 1, 1, tzinfo=UTC))
        self.prices.rows[symbol] = candles_at(*open_times)


@pytest.fixture
def system(clock) -> FakeSystem:
    symbols, jobs, orders = FakeSymbols(clock), FakeJobs(), FakeOrders(clock)
    return FakeSystem(
        clock=clock,
        symbols=symbols,
        registry=FakeRegistry(symbols, jobs, clock),
        backfills=jobs,
        prices=FakePrices(symbols),
        orders=orders,
        desk=orders,
        order_manager=orders,
        order_lists=orders.lists,
        trading=FakeTrading(),
    )


Connect = Callable[..., httpx.AsyncClient]


@pytest.fixture
async def connect(system) -> AsyncIterator[Connect]:
    """Make a client of an app with these options; `base_url` is where it believes to be."""
    clients: list[httpx.AsyncClient] = []

    def make(options: ApiOptions | None = None, base_url: str = "http://127.0.0.1:8000"):
        app = create_app(system, options or ApiOptions())
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        clients.append(httpx.AsyncClient(transport=transport, base_url=base_url))
        return clients[-1]

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture
def client(connect) -> httpx.AsyncClient:
    """Speaks to an app on 127.0.0.1:8000 that needs no token."""
    return connect()


Post = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def place(client) -> Post:
    """POST a limit order, some members changed; None leaves one out."""

    async def post(headers: Mapping[str, str] | None = None, **changes: object) -> httpx.Response:
        body = {
            "symbol": "BTC/USDT",
            "side": "buy",
            "type": "limit",
            "quantity": "0.001",
            "price": "93000.00",
        } | changes
        body = {name: value for name, value in body.items() if value is not None}
        return await client.post("/orders", json=body, headers=headers)

    return post


ANY_PORT = ApiOptions(port=0)


async def forever() -> None:
    """Run as a system does."""
    await asyncio.Event().wait()


@asynccontextmanager
async def serving(app, run=forever):
    """The running server's task and a client of it."""
    listener = bind(ANY_PORT)
    task = asyncio.create_task(serve(app, ANY_PORT, run=run, listener=listener))
    async with httpx.AsyncClient(base_url=url(listener)) as client:
        yield task, client
    if not task.done():  # only when a test failed half way
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
