"""The third part of the composition root: from a wish to an order, and how it is kept true."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trading_system.bus import Bus
from trading_system.execution.desk import Desk, approve, refuse_unarmed
from trading_system.execution.ledger import Ledger
from trading_system.execution.oms import OrderManager
from trading_system.execution.portfolio import Portfolio
from trading_system.execution.reconciler import Reconciler
from trading_system.execution.valuation import Valuation
from trading_system.ports import (
    Clock,
    Live,
    MarketData,
    OrderRepository,
    PriceRepository,
    Trading,
)
from trading_system.storage.database import Database
from trading_system.storage.equity import EquityMarks
from trading_system.streaming import Run

_RECONCILE_SECONDS = 60.0  # all open orders are asked about this often while pushes arrive


@dataclass(frozen=True, slots=True, kw_only=True)
class Dealing:
    """Everything an order passes through, and the tasks that keep it true."""

    desk: Desk
    manager: OrderManager
    reconciler: Reconciler
    ledger: Ledger
    portfolio: Portfolio

    @property
    def tasks(self) -> Mapping[str, Run]:
        """What must run."""
        return {
            "reconciler": self.reconciler.run,
            "ledger": self.ledger.run,
            "portfolio": self.portfolio.run,
        }


def dealing(
    trading: Trading,
    market_data: MarketData,
    *,
    orders: OrderRepository,
    database: Database,
    candles: PriceRepository,
    live: Live,
    clock: Clock,
    bus: Bus,
    is_pushed: Callable[[], bool],
    armed: bool,
    quote: str,
    may_short: bool,
) -> Dealing:
    """Build it; `is_pushed` tells whether order events arrive by themselves at the moment.

    The portfolio is valued in `quote`; `may_short` where more can be sold than is held.
    """
    ledger = Ledger(orders=orders, clock=clock, bus=bus, may_short=may_short)
    portfolio = Portfolio(
        ledger=ledger,
        trading=trading,
        valuation=Valuation(live=live, candles=candles, clock=clock),
        marks=EquityMarks(database),
        clock=clock,
        bus=bus,
        quote=quote,
    )
    manager = OrderManager(trading=trading, orders=orders, clock=clock, bus=bus)
    desk = Desk(
        review=approve if armed else refuse_unarmed,
        orders=manager,
        market_data=market_data,
        bus=bus,
    )
    reconciler = Reconciler(
        manager=manager,
        orders=orders,
        clock=clock,
        every=lambda: _RECONCILE_SECONDS if is_pushed() else 0.0,
    )
    return Dealing(
        desk=desk, manager=manager, reconciler=reconciler, ledger=ledger, portfolio=portfolio
    )
