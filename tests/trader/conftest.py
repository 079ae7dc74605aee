"""A trader over a real database, between a venue on paper, strategies run in place and fake stops.

Time stands still but for the clock's own moving; a restart is a new bench over the same file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from types import SimpleNamespace

import pytest

from tests.conftest import ManualClock
from tests.fakes.strategies import Brains
from tests.fakes.trader import (
    AT_NOON,
    BTC,
    ETH,
    NOON,
    D,
    Listing,
    PaperDesk,
    PaperStops,
    PaperVenue,
    bar,
    mandate,
)
from trading_system.bus import Bus
from trading_system.domain.candles import MINUTE
from trading_system.domain.errors import InvalidRequest
from trading_system.domain.instruments import Symbol
from trading_system.domain.mandates import Mandate
from trading_system.domain.reports import Balance, VenuePosition
from trading_system.execution.control import Arming, Control
from trading_system.execution.oms import OrderManager
from trading_system.execution.valuation import Priced
from trading_system.storage.control import ControlEntries
from trading_system.storage.database import Database
from trading_system.storage.decisions import Decisions
from trading_system.storage.mandates import Grids, Mandates
from trading_system.storage.orders import Orders
from trading_system.storage.own_orders import OwnOrders
from trading_system.storage.prices import Prices
from trading_system.storage.symbols import Symbols
from trading_system.trader.acting import Actor
from trading_system.trader.assembly import objection
from trading_system.trader.capital import Capital
from trading_system.trader.deciding import Decider
from trading_system.trader.grids import GridKeeper
from trading_system.trader.guards import Guards
from trading_system.trader.pauses import Pauses
from trading_system.trader.stakes import Stakes
from trading_system.trader.strategies import Strategies
from trading_system.trader.trader import Trader
from trading_system.trader.views import Views
from trading_system.trader.wallets import Wallets


def as_it_is(_name, port):
    return port


@dataclass
class World:
    """What a restart leaves alone: the venue, the stops it keeps, and the file."""

    clock: object
    path: object
    venue: PaperVenue
    stops: PaperStops
    free: Decimal = field(default=Decimal(10_000))
    taken: Decimal = field(default=Decimal(0))
    margin: dict[Symbol, Decimal] = field(default_factory=dict)


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
        self.control = Control(
            log=ControlEntries(database), clock=self.clock, bus=self.bus, arming=Arming.FREE
        )
        self.listing = Listing()
        self.brains = Brains()
        self.backfills: list[tuple[Symbol, object]] = []
        self.manager = OrderManager(
            trading=world.venue,
            orders=self.orders,
            clock=self.clock,
            bus=self.bus,
            may_send=self.control.may_send,
        )
        self.desk = PaperDesk(self.manager, self.orders)
        own, decisions = wrap("own", self.own), wrap("decisions", self.decisions)
        mandates, desk = wrap("mandates", self.mandates), wrap("desk", self.desk)
        listing, prices = wrap("listing", self.listing), wrap("prices", self.prices)
        self.wallets = Wallets(own, may_short=may_short)
        self.stakes = Stakes(mandates=self.mandates, own=self.own, wallets=self.wallets)
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
            may_trade=lambda mandate: self.objection or objection(self.control, mandate),
            ready=self.ready,
        )
        brains = wrap("brains", self.brains)
        self.grids = GridKeeper(
            grids=wrap("grids", Grids(database)),
            decisions=decisions,
            own=own,
            wallets=self.wallets,
            desk=desk,
            actor=self.actor,
            market_data=listing,
            pauses=self.pauses,
        )
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
            grids=self.grids,
            control=self.control,
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
            capital=Capital(
                mandates=self.mandates,
                stakes=self.stakes,
                balances=self.balances,
                positions=self.positions if may_short else None,
                ready=self.ready,
            ),
            trader=self.trader,
            grids=self.grids,
            brains=brains,
            symbols=self.registered,
            prices=self.prices,
            market_data=self.listing,
            backfill=self.backfill,
            control=self.control,
            clock=self.clock,
            bus=self.bus,
            may_short=may_short,
        )

    async def ready(self):
        if self.not_ready is not None:
            raise self.not_ready

    async def balances(self):
        """All that was bought is there, less what was `taken`."""
        bought = defaultdict(Decimal)
        _, fills = await self.own.fills()
        for row in fills:
            sign = 1 if row.recorded.side == "BUY" else -1
            base, fill = row.recorded.symbol.base, row.recorded.fill
            bought[base] += sign * fill.quantity - (fill.fee if fill.fee_asset == base else 0)
        return [
            Balance(asset="USDT", free=self.world.free, locked=D(0)),
            *(
                Balance(asset=asset, free=quantity - self.world.taken, locked=D(0))
                for asset, quantity in bought.items()
            ),
        ]

    async def positions(self):
        """What the venue says is held on margin."""
        return [
            VenuePosition(symbol=each, quantity=held, entry_price=D(100), unrealised=D(0))
            for each, held in self.world.margin.items()
        ]

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

    async def fills_told(self) -> None:
        """The venue tells what it kept to itself, and the trader goes as far as it can."""
        self.venue.tell_fills = True
        while self.venue.untold:
            await self.manager.on_report(self.venue.untold.pop())
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
        await bench.control.load()
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
