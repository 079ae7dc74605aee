"""The composition root: settings in, one running system out. Read it down: one line an object."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog

from trading_system.bus import Bus
from trading_system.config import Settings
from trading_system.exchange.client import Client
from trading_system.exchange.endpoints import data_endpoints, trading_endpoints
from trading_system.exchange.gateway import Gateway
from trading_system.exchange.market_data import BinanceMarketData
from trading_system.exchange.trading import BinanceTrading
from trading_system.exchange.watch import VenueWatch
from trading_system.execution.desk import Desk, approve, refuse_unarmed
from trading_system.execution.oms import OrderManager
from trading_system.execution.reconciler import Reconciler
from trading_system.health import Health
from trading_system.market.backfill import BackfillService
from trading_system.market.fetcher import PriceFetcher
from trading_system.market.heartbeat import HeartbeatScheduler
from trading_system.market.registry import SymbolRegistry
from trading_system.market.repair import GapRepair
from trading_system.metrics import Metrics
from trading_system.ports import Clock, ComponentHealth
from trading_system.resilience.retry import RetryPolicy
from trading_system.storage.backfills import Backfills
from trading_system.storage.beats import Beats
from trading_system.storage.database import Database
from trading_system.storage.orders import Orders
from trading_system.storage.prices import Prices
from trading_system.storage.symbols import Symbols

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """Every part that somebody outside may speak to, and the tasks that make it live."""

    clock: Clock
    database: Database
    symbols: Symbols
    prices: Prices
    beats: Beats
    orders: Orders
    market_data: BinanceMarketData
    trading: BinanceTrading
    registry: SymbolRegistry
    backfills: BackfillService
    repair: GapRepair
    heartbeat: HeartbeatScheduler
    desk: Desk
    order_manager: OrderManager
    reconciler: Reconciler
    watches: tuple[VenueWatch, ...]
    bus: Bus
    _health: Health
    _metrics: Metrics

    async def run(self) -> None:
        """Live until cancelled; the first part that fails for good ends all the others."""
        async with asyncio.TaskGroup() as tasks:
            for watch in self.watches:
                tasks.create_task(watch.run(), name="venue watch")
            tasks.create_task(self.reconciler.run(), name="reconciler")
            tasks.create_task(self.backfills.run(), name="backfills")
            tasks.create_task(self.repair.run(), name="gap repair")
            tasks.create_task(self.heartbeat.run(), name="heartbeat")

    async def health(self) -> Mapping[str, ComponentHealth]:
        """Each part's state by name."""
        return await self._health.report()

    def metrics(self) -> bytes:
        """Prometheus text."""
        return self._metrics.render()


@asynccontextmanager
async def opened(settings: Settings, clock: Clock) -> AsyncIterator[System]:
    """Build everything, in order, and close it again in reverse; nothing runs yet."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database.opened(settings.db_path))
        symbols = Symbols(database)
        prices = Prices(database)
        beats = Beats(database)
        jobs = Backfills(database)
        orders = Orders(database)
        bus = Bus()

        gateway = _gateway(settings, clock)
        stack.push_async_callback(gateway.close)
        data_gateway = _data_gateway(settings, clock, gateway)
        stack.push_async_callback(data_gateway.close)
        listing = BinanceMarketData(gateway, clock)
        market_data = listing if data_gateway is gateway else BinanceMarketData(data_gateway, clock)
        trading = BinanceTrading(gateway, listing)

        backfills = BackfillService(market_data=market_data, prices=prices, jobs=jobs, clock=clock)
        registry = SymbolRegistry(
            symbols=symbols,
            market_data=market_data,
            backfills=backfills,
            clock=clock,
            backfill_minutes=settings.backfill_minutes,
        )
        repair = GapRepair(symbols=symbols, prices=prices, backfills=backfills, clock=clock)
        fetcher = PriceFetcher(
            market_data=market_data,
            symbols=symbols,
            prices=prices,
            clock=clock,
            first_minutes=settings.backfill_minutes,
        )
        heartbeat = HeartbeatScheduler(
            clock=clock,
            beats=beats,
            collect=fetcher.collect,
            buffer_seconds=settings.heartbeat_buffer_seconds,
        )
        manager = OrderManager(trading=trading, orders=orders, clock=clock, bus=bus)
        unarmed = settings.venue == "live" and settings.live_trading_armed == "no"
        desk = Desk(
            review=refuse_unarmed if unarmed else approve,
            orders=manager,
            market_data=listing,
            bus=bus,
        )
        reconciler = Reconciler(manager=manager, orders=orders, clock=clock)
        health = Health(
            clock=clock,
            gateway=gateway,
            data_gateway=data_gateway,
            heartbeat=heartbeat,
            database=database,
        )
        yield System(
            clock=clock,
            database=database,
            symbols=symbols,
            prices=prices,
            beats=beats,
            orders=orders,
            market_data=market_data,
            trading=trading,
            registry=registry,
            backfills=backfills,
            repair=repair,
            heartbeat=heartbeat,
            desk=desk,
            order_manager=manager,
            reconciler=reconciler,
            watches=tuple(
                VenueWatch(gateway=each, clock=clock) for each in {gateway, data_gateway}
            ),
            bus=bus,
            _health=health,
            _metrics=Metrics(bus=bus, gauges=health.gauges),
        )


def _gateway(settings: Settings, clock: Clock) -> Gateway:
    """The way to the venue that trades."""
    client = Client(
        endpoints=trading_endpoints(settings.venue),
        clock=clock,
        api_key=settings.binance_api_key,
        secret=settings.binance_secret_key,
        recv_window=settings.recv_window,
    )
    return Gateway(client=client, clock=clock, retry=RetryPolicy())


def _data_gateway(settings: Settings, clock: Clock, trading: Gateway) -> Gateway:
    """The way to the venue that tells prices: the same one, or another without any keys."""
    if settings.data_venue in {None, settings.venue}:
        return trading
    client = Client(endpoints=data_endpoints(str(settings.data_venue)), clock=clock)
    return Gateway(client=client, clock=clock, retry=RetryPolicy())
