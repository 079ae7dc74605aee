"""The part of the composition root that trades by itself: one line an object, in reading order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from trading_system.bus import Bus
from trading_system.domain.candles import Span
from trading_system.domain.control import ControlState
from trading_system.domain.instruments import Symbol
from trading_system.domain.mandates import Mandate
from trading_system.execution.control import Control
from trading_system.execution.desk import Desk
from trading_system.execution.oms import OrderManager
from trading_system.execution.reconciler import Reconciler
from trading_system.execution.safety import Safety
from trading_system.execution.stops import StopKeeper
from trading_system.execution.valuation import Valuation
from trading_system.ports import (
    Clock,
    Derivatives,
    Live,
    MarketData,
    OrderRepository,
    PriceRepository,
    SymbolRepository,
    Trading,
)
from trading_system.storage.database import Database
from trading_system.storage.decisions import Decisions
from trading_system.storage.mandates import Grids, Mandates
from trading_system.storage.own_orders import OwnOrders
from trading_system.trader.acting import Actor
from trading_system.trader.capital import Capital
from trading_system.trader.deciding import Decider
from trading_system.trader.grids import GridKeeper
from trading_system.trader.guards import Guards
from trading_system.trader.parities import Parities
from trading_system.trader.pauses import Pauses
from trading_system.trader.stakes import Stakes
from trading_system.trader.strategies import Strategies
from trading_system.trader.trader import Trader
from trading_system.trader.views import Views
from trading_system.trader.wallets import Wallets
from trading_system.trader.workers import Workers


class Dealing(Protocol):
    """The part of the system that makes orders of wishes."""

    @property
    def desk(self) -> Desk: ...
    @property
    def manager(self) -> OrderManager: ...
    @property
    def stops(self) -> StopKeeper: ...
    @property
    def safety(self) -> Safety: ...
    @property
    def reconciler(self) -> Reconciler: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TraderSide:
    """The loop, and what may be asked of it."""

    trader: Trader
    strategies: Strategies
    parities: Parities


def account_stakes(database: Database, *, may_short: bool) -> Stakes:
    """Build what knows whose the account's positions are."""
    own = OwnOrders(database)
    wallets = Wallets(own, may_short=may_short)
    return Stakes(mandates=Mandates(database), own=own, wallets=wallets)


def trader_side(
    database: Database,
    dealing: Dealing,
    trading: Trading,
    market_data: MarketData,
    *,
    orders: OrderRepository,
    symbols: SymbolRepository,
    prices: PriceRepository,
    live: Live,
    stakes: Stakes,
    margin: Derivatives,
    backfill: Callable[[Symbol, Span], Awaitable[object]],
    may_short: bool,
    folder: Path | None,
    limit_seconds: float,
    clock: Clock,
    bus: Bus,
) -> TraderSide:
    """Build it; `folder` has users' strategies, one decides within `limit_seconds` or fails."""
    desk, manager, control = dealing.desk, dealing.manager, dealing.safety.control
    mandates = Mandates(database)
    decisions = Decisions(database)
    own, wallets = OwnOrders(database), stakes.wallets
    pauses = Pauses(clock)
    brains = Workers(folder=folder, limit=limit_seconds)
    guards = Guards(
        stops=dealing.stops, own=own, wallets=wallets, market_data=market_data, pauses=pauses
    )
    actor = Actor(
        desk=desk,
        canceller=manager,
        own=own,
        decisions=decisions,
        wallets=wallets,
        guards=guards,
        market_data=market_data,
        pauses=pauses,
        may_short=may_short,
        may_trade=lambda mandate: objection(control, mandate),
        ready=dealing.reconciler.ready,
    )
    grids = GridKeeper(
        grids=Grids(database),
        decisions=decisions,
        own=own,
        wallets=wallets,
        desk=desk,
        actor=actor,
        market_data=market_data,
        pauses=pauses,
    )
    trader = Trader(
        mandates=mandates,
        brains=brains,
        decider=Decider(decisions=decisions, prices=prices, orders=orders, clock=clock),
        actor=actor,
        guards=guards,
        grids=grids,
        control=control,
        clock=clock,
        bus=bus,
    )
    strategies = Strategies(
        mandates=mandates,
        views=Views(
            mandates=mandates,
            decisions=decisions,
            own=own,
            wallets=wallets,
            valuation=Valuation(live=live, candles=prices, clock=clock),
        ),
        capital=Capital(
            mandates=mandates,
            stakes=stakes,
            balances=trading.balances,
            positions=margin.positions if may_short else None,
            ready=dealing.reconciler.ready,
        ),
        trader=trader,
        grids=grids,
        brains=brains,
        symbols=symbols,
        prices=prices,
        market_data=market_data,
        backfill=backfill,
        control=control,
        clock=clock,
        bus=bus,
        may_short=may_short,
    )
    parities = Parities(
        mandates=mandates,
        decisions=decisions,
        own=own,
        grids=Grids(database),
        orders=orders,
        market_data=market_data,
        brains=brains,
        may_short=may_short,
    )
    return TraderSide(trader=trader, strategies=strategies, parities=parities)


def objection(control: Control, mandate: Mandate) -> str | None:
    """Why nothing may be traded for a mandate, if so."""
    if control.state is not ControlState.RUNNING:
        return f"trading is {control.state}: {control.entry.reason}"
    if control.kill_after(mandate.kills) is not None:  # and it is armed again already
        return "trading was killed since it was started"
    return None if control.armed else "live trading is not armed"
