"""The composition root: settings in, one running system out. Read it down: one line an object.

What gets candles is built in `collecting`, what keeps it live to the second in `streaming`, what
trades in `dealing` and, by itself, in `trader`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from trading_system import collecting, dealing, reaching, streaming
from trading_system.bus import Bus
from trading_system.config import Settings
from trading_system.domain.venues import VenueReport
from trading_system.event_log import EventLog
from trading_system.exchange.market_data import BinanceMarketData
from trading_system.exchange.markets import MARKETS
from trading_system.exchange.streams.signing import HmacSigner
from trading_system.exchange.streams.user_stream import UserStream
from trading_system.exchange.venue import Streams, Venue
from trading_system.execution.adviser import Adviser
from trading_system.execution.control import Arming
from trading_system.execution.desk import Desk
from trading_system.execution.oms import OrderManager
from trading_system.execution.order_lists import ListManager
from trading_system.execution.portfolio import Portfolio
from trading_system.execution.reconciler import Reconciler
from trading_system.execution.safety import Safety
from trading_system.execution.steps import OnStep, ignore
from trading_system.execution.stops import StopKeeper
from trading_system.health import Health
from trading_system.market.backfill import BackfillService
from trading_system.market.heartbeat import HeartbeatScheduler
from trading_system.market.live import LiveMarket
from trading_system.market.registry import SymbolRegistry
from trading_system.market.states import read_thresholds
from trading_system.metrics import Metrics
from trading_system.ports import Clock, ComponentHealth, Derivatives, MarketData, Trading
from trading_system.research.backtest_queue import BacktestQueue
from trading_system.resilience.limits import Priority
from trading_system.resilience.retry import RetryPolicy
from trading_system.risk.limits import read_limits
from trading_system.storage.backfills import Backfills
from trading_system.storage.beats import Beats
from trading_system.storage.database import Database
from trading_system.storage.orders import Orders
from trading_system.storage.prices import Prices
from trading_system.storage.reconciliations import Reconciliations
from trading_system.storage.symbols import Symbols
from trading_system.trader.assembly import account_stakes, trader_side
from trading_system.trader.parities import Parities
from trading_system.trader.strategies import Strategies


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
    trading: Trading
    derivatives: Derivatives
    registry: SymbolRegistry
    backfills: BackfillService
    backtests: BacktestQueue
    heartbeat: HeartbeatScheduler
    listing: MarketData
    desk: Desk
    adviser: Adviser
    order_manager: OrderManager
    order_lists: ListManager
    reconciler: Reconciler
    reconciliations: Reconciliations
    portfolio: Portfolio
    stops: StopKeeper
    safety: Safety
    strategies: Strategies
    parities: Parities
    live: LiveMarket
    user_stream: UserStream | None
    event_log: EventLog
    bus: Bus
    _venues: Mapping[Venue, tuple[Streams, ...]]
    _tasks: Mapping[str, streaming.Run]
    _health: Health
    _metrics: Metrics

    async def run(self) -> None:
        """Live until cancelled; the first part that fails for good ends all the others."""
        async with asyncio.TaskGroup() as tasks:
            for name, run in self._tasks.items():
                tasks.create_task(run(), name=name)

    async def health(self) -> Mapping[str, ComponentHealth]:
        """Each part's state by name."""
        return await self._health.report()

    def metrics(self) -> bytes:
        """Prometheus text."""
        return self._metrics.render()

    def venue_reports(self) -> list[VenueReport]:
        """The venue that trades, then the one that tells prices where that is another."""
        return [venue.report(streams) for venue, streams in self._venues.items()]


@asynccontextmanager
async def opened(
    settings: Settings, clock: Clock, *, on_step: OnStep = ignore
) -> AsyncIterator[System]:
    """Build everything, in order, and close it again in reverse; nothing runs yet.

    `on_step` hears of every step of an order's way, in the middle of it.
    """
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database.opened(settings.db_path, settings.home))
        symbols = Symbols(database)
        prices = Prices(database)
        beats = Beats(database)
        orders = Orders(database)
        bus = Bus()
        event_log = EventLog(bus)

        market = MARKETS[settings.market_type]
        venue, data_venue = reaching.venues(settings, market, clock=clock, bus=bus, stack=stack)
        listing = market.market_data(venue, clock, Priority.ORDERS)  # orders wait for it
        market_data = market.market_data(data_venue, clock, Priority.CANDLES)
        history = market.market_data(data_venue, clock, Priority.BACKFILL)
        account = market.account(venue, Priority.ORDERS)
        derivatives = market.derivatives(venue.gateway, venue.listing)

        collector = collecting.collecting(
            market_data,
            history,
            symbols=symbols,
            prices=prices,
            beats=beats,
            jobs=Backfills(database),
            on_candles=lambda stored: traders.trader.on_candles(stored),  # noqa: PLW0108 -- built below
            clock=clock,
            bus=bus,
            options=collecting.CollectingOptions(
                first_minutes=settings.backfill_minutes,
                buffer_seconds=settings.heartbeat_buffer_seconds,
                results=settings.results_dir,
                cache=settings.cache_dir,
                strategies=settings.strategies_dir,
            ),
        )
        stream_retry = RetryPolicy(cap=settings.stream_retry_cap_seconds)
        live_prices = streaming.live_prices(
            data_venue,
            market_data,
            history,
            collector.fetcher,
            collector.candles,
            roads=market.roads,
            symbols=symbols,
            prices=prices,
            orders=orders,
            clock=clock,
            bus=bus,
            retry=stream_retry,
            thresholds=read_thresholds(settings.market_states),
            held=lambda: orders_side.held,
        )

        stakes = account_stakes(database, may_short=market.on_margin)
        orders_side = dealing.dealing(
            account,
            market.account(venue, Priority.CANDLES),
            listing,
            lists=market.order_lists(venue.gateway, venue.listing),
            margin=derivatives,
            orders=orders,
            symbols=symbols,
            database=database,
            candles=prices,
            live=live_prices.live,
            clock=clock,
            bus=bus,
            is_pushed=lambda: _is_up(user_stream),
            resting=venue.resting,
            limits=read_limits(settings.risk),
            arming=_arming(settings),
            quote=settings.portfolio_quote,
            may_short=market.on_margin,
            stakes=stakes,
            on_step=on_step,
            reconciling=dealing.ReconcilingOptions(
                seconds=settings.reconcile_seconds,
                patience=settings.reconcile_patience_seconds,
                resend=settings.resend_proven_absent == "yes",
            ),
        )
        await orders_side.safety.control.load()
        traders = trader_side(
            database,
            orders_side,
            account.trading,
            listing,
            orders=orders,
            symbols=symbols,
            prices=prices,
            live=live_prices.live,
            stakes=stakes,
            margin=derivatives,
            backfill=collector.registry.backfill,
            may_short=market.on_margin,
            folder=settings.strategies_dir,
            limit_seconds=settings.strategy_seconds,
            clock=clock,
            bus=bus,
        )
        user_stream: UserStream | None = None
        if settings.binance_api_key is not None and settings.binance_secret_key is not None:
            signer = HmacSigner(settings.binance_api_key, settings.binance_secret_key)
            user_stream = streaming.user_stream(
                venue,
                market.hearing(venue, clock, signer, settings.recv_window),
                orders_side.reconciler.hear,
                on_gap=orders_side.reconciler.wake,
                clock=clock,
                bus=bus,
                retry=stream_retry,
            )

        streams: dict[Venue, tuple[Streams, ...]] = {venue: (), data_venue: ()}
        if settings.streams == "on":
            streams[data_venue] = live_prices.streams
            streams[venue] += () if user_stream is None else (user_stream,)
        health = Health(
            clock=clock,
            venues=streams,
            live=live_prices.live,
            heartbeat=collector.heartbeat,
            stops=orders_side.stops,
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
            trading=account.trading,
            derivatives=derivatives,
            registry=collector.registry,
            backfills=collector.backfills,
            backtests=collector.backtests,
            heartbeat=collector.heartbeat,
            listing=listing,
            desk=orders_side.desk,
            adviser=orders_side.adviser,
            order_manager=orders_side.manager,
            order_lists=orders_side.lists,
            reconciler=orders_side.reconciler,
            reconciliations=orders_side.reconciliations,
            portfolio=orders_side.portfolio,
            stops=orders_side.stops,
            safety=orders_side.safety,
            strategies=traders.strategies,
            parities=traders.parities,
            live=live_prices.live,
            user_stream=user_stream,
            event_log=event_log,
            bus=bus,
            _venues=streams,
            _tasks={
                **orders_side.tasks,
                "trader": traders.trader.run,
                **collector.tasks,
                **live_prices.tasks,
                **streaming.tasks(streams, clock),
            },
            _health=health,
            _metrics=Metrics(bus=bus, gauges=health.gauges),
        )


def _arming(settings: Settings) -> Arming:
    """Real money alone needs more than to start."""
    if settings.venue != "live":
        return Arming.FREE
    return Arming.CODE if settings.live_trading_armed == "yes" else Arming.SETTING


def _is_up(stream: UserStream | None) -> bool:
    return stream is not None and all(line.state == "connected" for line in stream.status())
