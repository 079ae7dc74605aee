"""A trader over a real database, between a venue on paper, strategies run in place and fake stops.

Time stands still but for the clock's own moving; a restart is a new bench over the same file.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from types import SimpleNamespace
from typing import ClassVar
from uuid import UUID

import numpy as np
import pytest

from tests.conftest import ManualClock
from trading_system.bus import Bus
from trading_system.domain.candles import MINUTE, Candle
from trading_system.domain.errors import InvalidRequest, NotFound, OrderNotFound
from trading_system.domain.instruments import Instrument, Symbol
from trading_system.domain.mandates import Mandate
from trading_system.domain.orders import OrderType, Side
from trading_system.domain.reports import Balance, Fill, Report
from trading_system.domain.stops import Keeper, Stop, StopStatus
from trading_system.domain.timeframes import Timeframe
from trading_system.execution.desk import digest
from trading_system.execution.oms import OrderManager
from trading_system.execution.valuation import Priced
from trading_system.frames import Frame
from trading_system.storage.database import Database
from trading_system.storage.decisions import Decisions
from trading_system.storage.mandates import Grids, Mandates
from trading_system.storage.orders import Orders
from trading_system.storage.own_orders import OwnOrders
from trading_system.storage.prices import Prices
from trading_system.storage.symbols import Symbols
from trading_system.strategies.base import build
from trading_system.strategies.grid import Grid
from trading_system.trader.acting import Actor
from trading_system.trader.capital import Capital
from trading_system.trader.deciding import Decider
from trading_system.trader.grids import GridKeeper
from trading_system.trader.guards import Guards
from trading_system.trader.pauses import Pauses
from trading_system.trader.strategies import Strategies
from trading_system.trader.trader import Trader
from trading_system.trader.views import Views
from trading_system.trader.wallets import Wallets
from trading_system.trader.worker import Growing, decided
from trading_system.trader.workers import StrategyFailed, Targets

D = Decimal
BTC, ETH = Symbol("BTC", "USDT"), Symbol("ETH", "USDT")
NOON = 1_767_268_800_000  # 2026-01-01T12:00Z
AT_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTES = Timeframe.parse("1m")


@dataclass(frozen=True, slots=True, kw_only=True)
class Above:
    """All long while the close is above 100, half long at 99 and flat below; -1 at 50."""

    name: ClassVar[str] = "above"

    @property
    def warmup(self) -> int:
        return 2

    def targets(self, frame: Frame):
        long = np.where(frame.close > 100, 1.0, np.where(frame.close == 99, 0.5, 0.0))
        return np.where(frame.close == 50, -1.0, long)

    def lines(self, frame: Frame):
        return {"twice": 2 * frame.close}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """Raises at 13, is no number at 14 and has no shape at 15."""

    name: ClassVar[str] = "wrong"
    warmup: ClassVar[int] = 0

    def targets(self, frame: Frame):
        last = frame.close[-1]
        if last == 13:
            raise RuntimeError("unlucky")
        if last == 15:
            return np.zeros(1)
        return np.where(frame.close == 14, np.nan, 0.0)


KINDS = {kind.name: kind for kind in (Above, Wrong, Grid)}


class Brain:
    """What a worker does, in this process; `failure` is raised instead."""

    def __init__(self, strategy) -> None:
        self.strategy = strategy
        self.warmup = strategy.warmup
        self.frames: dict[Symbol, Growing] = {}
        self.closed = False

    async def decide(self, bars):
        assert not self.closed
        try:
            answers = {
                symbol: decided(
                    self.strategy,
                    self.frames.setdefault(symbol, Growing()).append(new.rows),
                    new.decide,
                )
                for symbol, new in bars.items()
            }
        except Exception as error:
            self.closed = True
            raise StrategyFailed(f"{type(error).__name__}: {error}") from error
        return {
            symbol: Targets(
                targets=answer["targets"],
                lines=[
                    {name: line[at] for name, line in answer["lines"].items()}
                    for at in range(len(answer["targets"]))
                ],
            )
            for symbol, answer in answers.items()
        }

    async def close(self):
        self.closed = True


@dataclass
class Brains:
    """Every brain opened, in order."""

    opened: list[Brain] = field(default_factory=list)

    async def open(self, strategy, parameters):
        if strategy not in KINDS:
            raise StrategyFailed(f"InvalidRequest: there is no strategy {strategy!r}")
        self.opened.append(Brain(build(KINDS[strategy], parameters)))
        return self.opened[-1]


class PaperVenue:
    """Fills what crosses its price at once, at that price; all else rests until `trade`.

    A fee of 0.1 % is taken from what is received. `script` answers instead, once.
    """

    def __init__(self, clock) -> None:
        self.clock = clock
        self.price: dict[Symbol, Decimal] = {}
        self.orders: dict[str, object] = {}
        self.executed: dict[str, Decimal] = {}
        self.cancelled: set[str] = set()
        self.script: list[object] = []

    async def place(self, order, *, still_wanted):
        still_wanted()
        assert order.client_order_id not in self.orders, "sent twice"
        if self.script:
            answer = self.script.pop(0)
            if isinstance(answer, Exception):
                raise answer
        self.orders[order.client_order_id] = order
        self.executed[order.client_order_id] = D(0)
        return self.matched(order)

    async def cancel(self, order):
        if order.client_order_id not in self.orders:
            raise OrderNotFound(-2013, "none")
        self.cancelled.add(order.client_order_id)
        return self.report(order)

    async def find(self, order):
        if order.client_order_id not in self.orders:
            raise OrderNotFound(-2013, "none")
        return self.report(order)

    def matched(self, order):
        if self.crosses(order):
            price = self.price[order.request.symbol]
            return self.filled(order, order.request.quantity, price)
        return self.report(order)

    def filled(self, order, quantity, price):
        """Some of it, at that price."""
        done = self.executed[order.client_order_id]
        self.executed[order.client_order_id] = done + quantity
        buys = order.request.side is Side.BUY
        symbol, worth = order.request.symbol, quantity * price
        fill = Fill(
            trade_id=f"{list(self.orders).index(order.client_order_id)}-{done}",
            price=price,
            quantity=quantity,
            quote_quantity=worth,
            fee=(quantity if buys else worth) / 1000,
            fee_asset=symbol.base if buys else symbol.quote,
            maker=False,
            time=self.clock.now(),
        )
        return self.report(order, (fill,))

    def report(self, order, fills=()):
        name = order.client_order_id
        executed, asked = self.executed[name], order.request.quantity
        if executed == asked:
            status = "FILLED"
        elif name in self.cancelled:
            status = "CANCELED"
        elif order.request.time_in_force == "IOC":
            status = "EXPIRED"
        else:
            status = "PARTIALLY_FILLED" if executed else "NEW"
        return Report(
            client_order_id=name,
            venue_order_id=str(list(self.orders).index(name)),
            status=status,
            source="lookup",
            time=self.clock.now(),
            executed_quantity=executed,
            executed_quote=executed * self.price[order.request.symbol],
            fills=fills,
        )

    def crossed(self, symbol):
        """What rests and would fill at this price."""
        return [
            order
            for name, order in self.orders.items()
            if name not in self.cancelled
            and order.request.symbol == symbol
            and order.request.time_in_force == "GTC"
            and not self.executed[name]
            and self.crosses(order)
        ]

    def crosses(self, order):
        limit, price = order.request.price, self.price[order.request.symbol]
        if limit is None:
            return True
        return price <= limit if order.request.side is Side.BUY else price >= limit

    @property
    def sent(self):
        """What was sent: side, quantity and limit, in order."""
        return [
            (str(each.request.side), each.request.quantity, each.request.price)
            for each in self.orders.values()
        ]


class PaperStops:
    """Stops that do nothing but be there; `refuses` is raised instead of a new one."""

    def __init__(self) -> None:
        self.rows: dict[UUID, Stop] = {}
        self.refuses: Exception | None = None
        self.lingers = False

    async def guard(self, wish):
        if wish.id in self.rows:
            return self.rows[wish.id]
        if self.refuses is not None:
            raise self.refuses
        self.rows[wish.id] = Stop(
            id=wish.id,
            symbol=wish.symbol,
            side=Side.SELL,
            kind=wish.kind,
            kept_by=Keeper.SYSTEM,
            created_at=AT_NOON,
            updated_at=AT_NOON,
            quantity=wish.quantity,
            trigger_price=wish.trigger_price,
            distance_bps=wish.distance_percent and int(wish.distance_percent * 100),
        )
        return self.rows[wish.id]

    async def cancel(self, stop_id):
        after = StopStatus.CANCELLING if self.lingers else StopStatus.CANCELLED
        self.rows[stop_id] = replace(self.rows[stop_id], status=after)
        return self.rows[stop_id]

    async def get(self, stop_id):
        if stop_id not in self.rows:
            raise NotFound(str(stop_id))
        return self.rows[stop_id]

    @property
    def active(self):
        return [each for each in self.rows.values() if not each.status.is_final]


@dataclass
class PaperDesk:
    """The desk without a gate; `refusals` are raised first, one for each call."""

    manager: OrderManager
    orders: Orders
    refusals: list[Exception] = field(default_factory=list)

    async def place(self, request, idempotency_key=None):
        if self.refusals:
            raise self.refusals.pop(0)
        order, is_new = await self.manager.save(
            request, idempotency_key=idempotency_key, digest=digest(request)
        )
        return await (self.manager.send(order) if is_new else self.manager.answered(order))


class Listing:
    """What the venue lists: two pairs with steps of 0.001 and ticks of 0.01."""

    def __init__(self) -> None:
        self.rows = {symbol: instrument(symbol) for symbol in (BTC, ETH)}

    async def instruments(self):
        return self.rows


def instrument(symbol: Symbol) -> Instrument:
    return Instrument(
        symbol=symbol,
        venue_id=symbol.base + symbol.quote,
        tradable=True,
        order_types=frozenset(OrderType),
        tick_size=D("0.01"),
        step_size=D("0.001"),
        min_quantity=D("0.001"),
        max_quantity=D(9000),
        min_notional=D(5),
        max_notional=None,
    )


@dataclass
class World:
    """What a restart leaves alone: the venue, the stops it keeps, and the file."""

    clock: object
    path: object
    venue: PaperVenue
    stops: PaperStops
    free: Decimal = field(default=Decimal(10_000))


class Bench:
    """One run of the program; `wrap` is put around each port, by name."""

    def __init__(self, world: World, database: Database, wrap: Callable, *, may_short: bool):
        self.world, self.clock, self.venue = world, world.clock, world.venue
        self.bus = Bus()
        self.objection: str | None = None
        self.not_ready: Exception | None = None
        self.registered = Symbols(database)
        self.prices = Prices(database)
        self.orders = Orders(database)
        self.mandates = Mandates(database)
        self.decisions = Decisions(database)
        self.own = OwnOrders(database)
        self.listing = Listing()
        self.brains = Brains()
        self.backfills: list[tuple[Symbol, object]] = []
        self.manager = OrderManager(
            trading=world.venue, orders=self.orders, clock=self.clock, bus=self.bus
        )
        self.desk = PaperDesk(self.manager, self.orders)
        own, decisions = wrap("own", self.own), wrap("decisions", self.decisions)
        mandates, desk = wrap("mandates", self.mandates), wrap("desk", self.desk)
        listing, prices = wrap("listing", self.listing), wrap("prices", self.prices)
        self.wallets = Wallets(own, may_short=may_short)
        self.pauses = Pauses(self.clock)
        self.guards = Guards(
            stops=wrap("stops", world.stops),
            own=own,
            wallets=self.wallets,
            market_data=listing,
            pauses=self.pauses,
        )
        self.actor = Actor(
            desk=desk,
            canceller=wrap("canceller", self.manager),
            own=own,
            decisions=decisions,
            wallets=self.wallets,
            guards=self.guards,
            market_data=listing,
            pauses=self.pauses,
            may_short=may_short,
            may_trade=lambda: self.objection,
            ready=self.ready,
        )
        brains = wrap("brains", self.brains)
        self.trader = Trader(
            mandates=mandates,
            brains=brains,
            decider=Decider(
                decisions=decisions,
                prices=prices,
                orders=wrap("orders", self.orders),
                clock=self.clock,
            ),
            actor=self.actor,
            guards=self.guards,
            grids=GridKeeper(
                grids=wrap("grids", Grids(database)),
                decisions=decisions,
                own=own,
                desk=desk,
                actor=self.actor,
                market_data=listing,
                pauses=self.pauses,
            ),
            clock=self.clock,
            bus=self.bus,
        )
        self.views = Views(
            mandates=self.mandates,
            decisions=self.decisions,
            own=self.own,
            wallets=self.wallets,
            valuation=SimpleNamespace(prices=self.known_prices),
        )
        self.strategies = Strategies(
            mandates=self.mandates,
            views=self.views,
            capital=Capital(mandates=self.mandates, wallets=self.wallets, balances=self.balances),
            trader=self.trader,
            brains=brains,
            symbols=self.registered,
            prices=self.prices,
            market_data=self.listing,
            backfill=self.backfill,
            clock=self.clock,
            bus=self.bus,
            may_short=may_short,
        )

    async def ready(self):
        if self.not_ready is not None:
            raise self.not_ready

    async def balances(self):
        return [Balance(asset="USDT", free=self.world.free, locked=D(0))]

    async def backfill(self, symbol, span):
        self.backfills.append((symbol, span))

    async def known_prices(self):
        return {each: Priced(price, 0) for each, price in self.venue.price.items()}

    async def closes(self, *prices: float, symbol: Symbol = BTC) -> None:
        """So many minutes pass, the closes of which are stored; nobody is told yet."""
        for price in prices:
            await self.clock.advance(60)
            open_time = self.clock.milliseconds() // MINUTE * MINUTE - MINUTE
            await self.prices.upsert({symbol: [bar(open_time, price)]})
            self.venue.price[symbol] = D(str(price))
            for order in self.venue.crossed(symbol):
                report = self.venue.filled(order, order.request.quantity, order.request.price)
                await self.manager.on_report(report)

    async def beat(self, price: float, symbol: Symbol = BTC) -> None:
        """A minute passes, its close is stored, and the trader does what there is to do."""
        await self.closes(price, symbol=symbol)
        await self.told(symbol)

    async def told(self, *symbols: Symbol) -> None:
        """A beat tells of the newest minute, and the trader goes as far as it can."""
        last = self.clock.milliseconds() // MINUTE * MINUTE - MINUTE
        self.trader.on_candles({symbol: [bar(last, 1.0)] for symbol in symbols or (BTC,)})
        await self.settle()

    async def settle(self) -> None:
        for _ in range(20):
            if not self.trader._woken.is_set():
                return
            await self.trader.step()
        raise AssertionError("the loop wakes itself without end")

    async def outcomes(self, symbol: Symbol = BTC) -> list[str]:
        """Of all decisions, oldest first."""
        found = await self.decisions.all(symbol=symbol)
        return [str(each.outcome) for each in reversed(found)]

    async def trading(self, **more) -> Mandate:
        """A mandate that was made and started; its warm-up is stored."""
        made = await self.strategies.create(mandate(self.clock.now(), **more))
        started = await self.strategies.start(made.id)
        await self.settle()
        return started

    async def mandate(self) -> Mandate:
        (only,) = await self.mandates.all()
        return only


def bar(open_time: int, price: float) -> Candle:
    return Candle(open_time, price, price, price, price, 1.0)


def mandate(now, **more) -> Mandate:
    known = {
        "id": UUID(int=77),
        "strategy": "above",
        "symbols": (BTC,),
        "timeframe": MINUTES,
        "parameters": {},
        "capital": D(1000),
        "created_at": now,
        "updated_at": now,
    }
    return Mandate(**(known | more))


def as_it_is(_name, port):
    return port


@pytest.fixture
def make_world(tmp_path):
    """A world where nothing has ever happened, of that name, and how to start the program in it."""

    def build(name: str = "trader", clock: ManualClock | None = None):
        clock = clock or ManualClock()
        world = World(clock, tmp_path / f"{name}.db", PaperVenue(clock), PaperStops())
        return world, partial(running, world)

    return build


@asynccontextmanager
async def running(
    world: World, wrap: Callable = as_it_is, *, may_short: bool = False
) -> AsyncIterator[Bench]:
    """The program; over the same file it is the program started again."""
    async with Database.opened(world.path) as database:
        bench = Bench(world, database, wrap, may_short=may_short)
        for symbol in (BTC, ETH):
            with suppress(InvalidRequest):  # it was started before
                await bench.registered.add(symbol, AT_NOON)
                past = [bar(NOON - back * MINUTE, 90.0) for back in range(5, 0, -1)]
                await bench.prices.upsert({symbol: past})
                world.venue.price[symbol] = D(90)
        yield bench


@pytest.fixture
def world(make_world, clock) -> World:
    """Nothing has ever happened in it."""
    return make_world(clock=clock)[0]


@pytest.fixture
def opened(world):
    """Start the program, or start it again."""
    return partial(running, world)


@pytest.fixture
async def bench(opened):
    """The program, begun at 12:00:30 with candles up to 12:00."""
    async with opened() as program:
        yield program
