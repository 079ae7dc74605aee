"""The first part of the composition root: the way to a venue, and what it may cost."""

from __future__ import annotations

from contextlib import AsyncExitStack

from trading_system.bus import Bus
from trading_system.config import Settings
from trading_system.exchange.budget import SharedBudget
from trading_system.exchange.client import Client
from trading_system.exchange.endpoints import Endpoints, data_endpoints, trading_endpoints
from trading_system.exchange.gateway import Gateway
from trading_system.exchange.markets import Market
from trading_system.exchange.venue import Venue
from trading_system.ports import Clock
from trading_system.resilience.limiter import Limiter
from trading_system.resilience.limits import (
    ORDERS_PER_10_SECONDS,
    ORDERS_PER_DAY,
    WEIGHT_PER_MINUTE,
    Priority,
)
from trading_system.resilience.retry import RetryPolicy


def venues(
    settings: Settings, market: Market, *, clock: Clock, bus: Bus, stack: AsyncExitStack
) -> tuple[Venue, Venue]:
    """The venue that trades, and the one that tells prices: the same unless the settings say so."""
    there = trading_endpoints(settings.venue, market.hosts)
    trades = _reached(settings, market, there, clock=clock, bus=bus, stack=stack)
    if settings.data_venue in {None, settings.venue}:
        return trades, trades
    there = data_endpoints(str(settings.data_venue), market.hosts)
    return trades, _reached(settings, market, there, clock=clock, bus=bus, stack=stack)


def _reached(
    settings: Settings,
    market: Market,
    endpoints: Endpoints,
    *,
    clock: Clock,
    bus: Bus,
    stack: AsyncExitStack,
) -> Venue:
    """The way to a venue; keys only where something signed may be sent."""
    budget = SharedBudget.opened(settings.budget_dir, f"{endpoints.public} {market.rest_api.name}")
    stack.callback(budget.close)
    trades = endpoints.private is not None
    gateway = Gateway(
        client=Client(
            endpoints=endpoints,
            clock=clock,
            rest_api=market.rest_api,
            api_key=settings.binance_api_key if trades else None,
            secret=settings.binance_secret_key if trades else None,
            recv_window=settings.recv_window,
        ),
        clock=clock,
        retry=RetryPolicy(cap=settings.retry_cap_seconds),
        limiter=_limiter(settings, budget),
        publish=bus.publish,
    )
    stack.push_async_callback(gateway.close)
    return Venue(endpoints=endpoints, gateway=gateway, listing=market.listing(gateway, clock))


def _limiter(settings: Settings, budget: SharedBudget) -> Limiter:
    """The venue's limits, as soon as it has told them, cut to our own smaller ones."""
    own = {
        WEIGHT_PER_MINUTE: settings.limit_weight_per_minute,
        ORDERS_PER_10_SECONDS: settings.limit_orders_per_10_seconds,
        ORDERS_PER_DAY: settings.limit_orders_per_day,
    }
    return Limiter(
        own={window: limit for window, limit in own.items() if limit is not None},
        shares={
            Priority.BACKFILL: settings.budget_share_backfill,
            Priority.CANDLES: settings.budget_share_candles,
            Priority.ORDERS: 1.0,
        },
        neighbours=budget,
    )
