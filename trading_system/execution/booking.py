"""The one door for reports: the answer, the push, the look-up and our own verdicts end here.

In any order and any number of times; every change of one order happens one after the other.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from uuid import UUID
from weakref import WeakValueDictionary

import structlog

from trading_system.bus import Bus
from trading_system.domain.errors import NotFound, TradingError
from trading_system.domain.events import OrderChanged
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import InvalidTransition, Order, OrderStatus, apply
from trading_system.domain.reports import Report
from trading_system.execution import steps
from trading_system.execution.steps import OnStep
from trading_system.ports import Clock, OrderRepository

log = structlog.get_logger(__name__)


class Booking:
    """Books reports and tells of what changed; the only one who changes a saved order."""

    def __init__(
        self, *, orders: OrderRepository, clock: Clock, bus: Bus, on_step: OnStep = steps.ignore
    ) -> None:
        self._orders = orders
        self._clock = clock
        self._bus = bus
        self._on_step = on_step
        self.under_way: dict[UUID, Symbol] = {}
        """Orders that the disk may know more of than anybody was told yet."""
        # A lock lives as long as somebody holds or awaits it.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def on_report(
        self,
        report: Report,
        received_at: datetime | None = None,
        latency_ms: int | None = None,
        *,
        acknowledged_ms: int | None = None,
    ) -> Order:
        """Book what a venue says of an order; the same report twice changes nothing.

        A step that orders never take is logged and kept, and leaves the order as it is. When a
        pushed report reached us, and how long after the venue's own time, is passed on;
        `acknowledged_ms` is how long an order took to be answered. Raises NotFound.
        """
        self._on_step(steps.REPORT_READ)
        lock = self._locks.setdefault(report.client_order_id, asyncio.Lock())
        async with lock:
            before = await self._orders.by_client_order_id(report.client_order_id)
            if before.foreign and report.venue_order_id not in {None, before.venue_order_id}:
                # Others use their ids again once an order has ended.
                raise NotFound(f"{report.client_order_id} names another order by now")
            try:
                after = apply(before, report)
            except InvalidTransition as invalid:
                log.exception("impossible report", error=str(invalid), source=report.source)
                await self._orders.keep_impossible(before, report, at=self._clock.now())
                return before
            if acknowledged_ms is not None:
                after = replace(after, latency_ms=acknowledged_ms)
            self.under_way[before.id] = before.request.symbol
            fills_more = False
            if after != before or report.fills:
                now = self._clock.now()
                after, fills_more = await self._orders.record(before, after, report, at=now)
            self._on_step(steps.REPORT_BOOKED)
            if after != before or fills_more:
                self._announce(after, report.source, received_at, latency_ms)
            # Where anything broke off before this the next report of it is waited for.
            self.under_way.pop(before.id, None)
        return after

    async def verdict(
        self, order: Order, status: OrderStatus, why: str | TradingError, code: int | None = None
    ) -> Order:
        """Book our own word on an order: what we are about to do, or what an error means for it."""
        return await self.on_report(
            Report(
                client_order_id=order.client_order_id,
                status=status,
                source="desk",
                time=self._clock.now(),
                reject_code=getattr(why, "code", code),
                reject_reason=getattr(why, "reason", str(why)),
            )
        )

    def _announce(
        self, order: Order, source: str, received_at: datetime | None, latency_ms: int | None
    ) -> None:
        log.info(
            "order",
            order_id=str(order.id),
            symbol=str(order.request.symbol),
            side=order.request.side,
            status=order.status,
            executed=str(order.executed_quantity),
            source=source,
            received_at=None if received_at is None else received_at.isoformat(),
            latency_ms=latency_ms,
        )
        self._bus.publish(OrderChanged(order=order, source=source, latency_ms=latency_ms))
