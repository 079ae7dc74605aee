"""Sends each order once and keeps its record true; the only writer of orders.

The intention is on disk before the venue hears of it. What comes back, from the answer, a look-up
or the reconciler, ends in `on_report`, in any order and any number of times.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from uuid import UUID, uuid4
from weakref import WeakValueDictionary

import structlog

from trading_system.bus import Bus
from trading_system.domain.errors import (
    DuplicateOrder,
    OrderNotFound,
    OutcomeUnknown,
    TradingError,
)
from trading_system.domain.events import OrderChanged
from trading_system.domain.orders import (
    InvalidTransition,
    Order,
    OrderRequest,
    OrderStatus,
    apply,
    client_order_id,
)
from trading_system.domain.reports import Report
from trading_system.ports import Clock, OrderRepository, Trading

log = structlog.get_logger(__name__)


class OrderManager:
    """Submit, cancel and report; every change of one order happens one after the other."""

    def __init__(
        self, *, trading: Trading, orders: OrderRepository, clock: Clock, bus: Bus
    ) -> None:
        self._trading = trading
        self._orders = orders
        self._clock = clock
        self._bus = bus
        self._sending: dict[UUID, asyncio.Task[Order]] = {}
        # A lock lives as long as somebody holds or awaits it.
        self._locks: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    async def save(
        self, request: OrderRequest, *, idempotency_key: str | None, digest: str
    ) -> tuple[Order, bool]:
        """Write the intention down before anybody is told; the order, and whether it is new.

        An order saved earlier under the same key is returned instead. Whoever saves a new one
        sends it. Raises KeyReused.
        """
        order = self._new(request)
        saved = await self._orders.create(order, idempotency_key=idempotency_key, digest=digest)
        return (order, True) if saved is None else (saved, False)

    async def send(self, order: Order) -> Order:
        """Send what was just saved and book the answer; returns the order as far as it got."""
        # A caller that goes away must not tear the sending apart from the booking of its answer.
        task = asyncio.create_task(self._send(order), name=f"send {order.id}")
        self._sending[order.id] = task
        task.add_done_callback(lambda _: self._sending.pop(order.id, None))
        return await asyncio.shield(task)

    async def answered(self, order: Order) -> Order:
        """The order after its own answer, where that is still awaited."""
        sending = self._sending.get(order.id)
        return await asyncio.shield(sending) if sending else order

    async def cancel(self, order_id: UUID) -> Order:
        """Ask the venue to cancel; returns the order as it stands afterwards.

        An order that ended before is returned as it ended. Raises NotFound, and OutcomeUnknown or
        Unreachable when the venue could not be asked: the order then keeps its state and the
        reconciler goes on asking.
        """
        order = await self._orders.get(order_id)
        if order.status.is_final:
            return order
        try:
            report = await self._trading.cancel(order)
        except OrderNotFound:
            report = await self._trading.find(order)
        return await self.on_report(report)

    async def look_up(self, order: Order) -> Order:
        """Ask the venue what became of it and book the answer; raises OrderNotFound."""
        return await self.on_report(await self._trading.find(order))

    async def on_report(
        self, report: Report, received_at: datetime | None = None, latency_ms: int | None = None
    ) -> Order:
        """Book what a venue says of an order; the same report twice changes nothing.

        A step that orders never take is logged and leaves what is stored as it is. When a pushed
        report reached us, and how long after the venue's own time, is passed on. Raises NotFound.
        """
        known = await self._orders.by_client_order_id(report.client_order_id)
        lock = self._locks.setdefault(known.id, asyncio.Lock())
        async with lock:
            before = await self._orders.get(known.id)
            try:
                after = apply(before, report)
            except InvalidTransition as invalid:
                log.exception("impossible report", error=str(invalid), source=report.source)
                return before
            if after != before or report.fills:
                await self._orders.record(before, after, report)
        if after != before:
            self._announce(after, report.source, received_at, latency_ms)
        return after

    def is_sending(self, order_id: UUID) -> bool:
        """Its answer is still awaited by the call that sent it."""
        return order_id in self._sending

    async def _send(self, order: Order) -> Order:
        try:
            report = await self._trading.place(order)
        except (OutcomeUnknown, DuplicateOrder) as unknown:
            # Our ids are never used twice, so a duplicate of this one is this one.
            log.warning("order outcome unknown", order_id=str(order.id), error=str(unknown))
            report = self._verdict(order, OrderStatus.UNKNOWN, str(unknown))
        except TradingError as refused:
            # Everything else says that nothing happened there: the order ends here.
            report = self._verdict(
                order,
                OrderStatus.REJECTED,
                getattr(refused, "reason", str(refused)),
                getattr(refused, "code", None),
            )
        return await self.on_report(report)

    def _new(self, request: OrderRequest) -> Order:
        order_id, now = uuid4(), self._clock.now()
        return Order(
            id=order_id,
            client_order_id=client_order_id(order_id),
            request=request,
            status=OrderStatus.PENDING_NEW,
            created_at=now,
            updated_at=now,
        )

    def _verdict(
        self, order: Order, status: OrderStatus, reason: str, code: int | None = None
    ) -> Report:
        now: datetime = self._clock.now()
        return Report(
            client_order_id=order.client_order_id,
            status=status,
            source="desk",
            time=now,
            reject_code=code,
            reject_reason=reason,
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
