"""The third part of the composition root: from a wish to an order, and how it is kept true."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trading_system.bus import Bus
from trading_system.execution.desk import Desk, approve, refuse_unarmed
from trading_system.execution.oms import OrderManager
from trading_system.execution.reconciler import Reconciler
from trading_system.ports import Clock, MarketData, OrderRepository, Trading
from trading_system.streaming import Run

_RECONCILE_SECONDS = 60.0  # all open orders are asked about this often while pushes arrive


@dataclass(frozen=True, slots=True, kw_only=True)
class Dealing:
    """Everything an order passes through, and the tasks that keep it true."""

    desk: Desk
    manager: OrderManager
    reconciler: Reconciler

    @property
    def tasks(self) -> Mapping[str, Run]:
        """What must run."""
        return {"reconciler": self.reconciler.run}


def dealing(
    trading: Trading,
    market_data: MarketData,
    *,
    orders: OrderRepository,
    clock: Clock,
    bus: Bus,
    is_pushed: Callable[[], bool],
    armed: bool,
) -> Dealing:
    """Build it; `is_pushed` tells whether order events arrive by themselves at the moment."""
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
    return Dealing(desk=desk, manager=manager, reconciler=reconciler)
