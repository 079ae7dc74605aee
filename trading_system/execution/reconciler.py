"""Keeps asking the venue about every order that has not ended, so that none is lost or guessed."""

from __future__ import annotations

from uuid import UUID

import structlog

from trading_system.domain.errors import ExchangeError, OrderNotFound
from trading_system.domain.orders import Order, OrderStatus
from trading_system.domain.reports import Report
from trading_system.execution.oms import OrderManager
from trading_system.ports import Clock, OrderRepository

log = structlog.get_logger(__name__)

_ENOUGH = 3  # times "does not exist" before it is believed
_OPEN = frozenset(status for status in OrderStatus if not status.is_final)


class Reconciler:
    """Looks up open orders every `interval` seconds, those of an earlier run at once.

    "Does not exist" is no proof while the venue's caches may lag: only after having said so for
    `patience` seconds, at least three times, is an order that never answered booked as REJECTED.
    """

    def __init__(
        self,
        *,
        manager: OrderManager,
        orders: OrderRepository,
        clock: Clock,
        interval: float = 5.0,
        patience: float = 60.0,
    ) -> None:
        self._manager = manager
        self._orders = orders
        self._clock = clock
        self._interval = interval
        self._patience = patience
        self._absent: dict[UUID, tuple[float, int]] = {}  # first said at, how often

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.reconcile()
            await self._clock.sleep(self._interval)

    async def reconcile(self) -> None:
        """Ask about every open order once; a venue that cannot be asked is asked next time."""
        for order in await self._orders.all(statuses=_OPEN, limit=10_000):
            if self._manager.is_sending(order.id):
                continue
            try:
                await self._manager.look_up(order)
                self._absent.pop(order.id, None)
            except OrderNotFound as absent:
                await self._weigh(order, absent)
            except ExchangeError as error:
                log.debug("could not look up", order_id=str(order.id), error=str(error))
                return

    async def _weigh(self, order: Order, absent: OrderNotFound) -> None:
        """One more "does not exist"; enough of them end the order."""
        now = self._clock.monotonic()
        first, times = self._absent.get(order.id, (now, 0))
        self._absent[order.id] = (first, times + 1)
        if now - first < self._patience or times + 1 < _ENOUGH:
            return
        if order.status not in {OrderStatus.PENDING_NEW, OrderStatus.UNKNOWN}:
            log.error("the venue has forgotten an order", order_id=str(order.id))
            return
        await self._manager.on_report(
            Report(
                client_order_id=order.client_order_id,
                status=OrderStatus.REJECTED,
                source="reconciler",
                time=self._clock.now(),
                reject_code=absent.code,
                reject_reason="the venue never got it",
            )
        )
        del self._absent[order.id]
