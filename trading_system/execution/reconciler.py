"""Keeps asking the venue about every order that has not ended, so that none is lost or guessed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import structlog

from trading_system.domain.errors import (
    CircuitOpen,
    OrderNotFound,
    RateLimited,
    StorageError,
    TradingError,
    Unreachable,
)
from trading_system.domain.orders import Order, OrderStatus
from trading_system.domain.reports import Report
from trading_system.execution.oms import OrderManager
from trading_system.ports import Clock, OrderRepository

log = structlog.get_logger(__name__)

_ENOUGH = 3  # times "does not exist" before it is believed
_NOBODY_ANSWERS = (Unreachable, RateLimited, CircuitOpen)
_LOOKS_BACK = timedelta(days=1)
_OPEN = frozenset(status for status in OrderStatus if not status.is_final)
_UNSURE = frozenset({OrderStatus.PENDING_NEW, OrderStatus.UNKNOWN, OrderStatus.PENDING_CANCEL})


class Reconciler:
    """Looks up doubtful orders every `interval` seconds, those of an earlier run at once.

    Doubtful are orders without an answer and those of which a fill has gone unheard; all other open
    ones are looked up every `every()` seconds, which may be long while pushes arrive.
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
        every: Callable[[], float] = lambda: 0.0,
        patience: float = 60.0,
    ) -> None:
        self._manager = manager
        self._orders = orders
        self._clock = clock
        self._interval = interval
        self._every = every
        self._patience = patience
        self._absent: dict[UUID, tuple[float, int]] = {}  # first said at, how often
        self._asked_all = float("-inf")
        self._woken = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            woken = self._woken.is_set()
            self._woken.clear()
            due = self._asked_all + self._every() <= self._clock.monotonic()
            try:
                await self.reconcile(only_doubtful=not (woken or due))
            except StorageError as error:
                log.warning("orders could not be read or written", error=str(error))
            await self._pause()

    def wake(self) -> None:
        """Reconcile now, or once more when it is about it: news may have been missed."""
        self._woken.set()

    async def reconcile(self, *, only_doubtful: bool = False) -> None:
        """Ask about every open order once; a venue that cannot be asked is asked next time."""
        if not only_doubtful:
            self._asked_all = self._clock.monotonic()
        statuses = _UNSURE if only_doubtful else _OPEN
        suspects = await self._orders.all(statuses=statuses, limit=10_000)
        short = await self._orders.short_of_fills(self._clock.now() - _LOOKS_BACK)
        for order in {each.id: each for each in suspects + short}.values():
            if self._manager.is_sending(order.id):
                continue
            try:
                await self._manager.look_up(order)
                self._absent.pop(order.id, None)
            except OrderNotFound as absent:
                await self._weigh(order, absent)
            except _NOBODY_ANSWERS as error:
                log.debug("could not look up", order_id=str(order.id), error=str(error))
                return
            except TradingError as error:
                # It is about this order alone, such as one of a symbol that was delisted.
                log.warning("look-up refused", order_id=str(order.id), error=str(error))

    async def _pause(self) -> None:
        waits = [
            asyncio.ensure_future(self._clock.sleep(self._interval)),
            asyncio.ensure_future(self._woken.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

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
