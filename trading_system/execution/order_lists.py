"""Sends each order list once, by the rules of single orders; its legs are booked as any order is.

A list and all its legs are on disk before the venue hears of them. After a lost answer, or a crash
at any moment, each leg is looked up by its own id; nothing is ever sent a second time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from uuid import UUID, uuid4

import structlog

from trading_system.domain.errors import (
    DuplicateOrder,
    OrderNotFound,
    OutcomeUnknown,
    TradingError,
)
from trading_system.domain.instruments import Symbol
from trading_system.domain.order_lists import OrderList, OrderListRequest, drafted
from trading_system.domain.orders import Order, OrderStatus
from trading_system.domain.reports import Report
from trading_system.execution import steps
from trading_system.execution.calls import guard
from trading_system.execution.oms import OrderManager
from trading_system.execution.steps import OnStep
from trading_system.ports import Clock, OrderListRepository, OrderLists

log = structlog.get_logger(__name__)


class ListManager:
    """Sends and cancels whole lists; a call about a leg ends before one about its list begins.

    `middle`, `on_step` and `may_send` are as of the order manager, whose record it shares.
    """

    def __init__(
        self,
        *,
        venue: OrderLists,
        lists: OrderListRepository,
        manager: OrderManager,
        clock: Clock,
        middle: Callable[[Symbol], Decimal | None] = lambda _: None,
        on_step: OnStep = steps.ignore,
        may_send: Callable[[Order], str | None] = lambda _: None,
    ) -> None:
        self._venue = venue
        self._lists = lists
        self._manager = manager
        self._calls = manager.calls
        self._booking = manager.booking
        self._clock = clock
        self._middle = middle
        self._on_step = on_step
        self._may_send = may_send

    async def saved(self, idempotency_key: str | None, digest: str) -> OrderList | None:
        """The list that this key stands for already; raises KeyReused."""
        if idempotency_key is None:
            return None
        return await self._lists.by_key(idempotency_key, digest)

    async def save(
        self, request: OrderListRequest, *, idempotency_key: str | None, digest: str
    ) -> tuple[OrderList, bool]:
        """Write the intention down before anybody is told; the list, and whether it is new.

        A list saved earlier under the same key is returned instead. Whoever saves a new one sends
        it at once: until then its legs count as being sent. Raises KeyReused.
        """
        new = drafted(
            uuid4(), request, at=self._clock.now(), mid_price=self._middle(request.symbol)
        )
        for order in new.orders:
            self._calls.begin(order.id)
        try:
            self._on_step(steps.BEFORE_SAVE)
            saved = await self._lists.create(new, idempotency_key=idempotency_key, digest=digest)
            self._on_step(steps.AFTER_SAVE)
        except BaseException:
            self._end(new)
            raise
        if saved is None:
            return new, True
        self._end(new)  # it is another that stands for the key
        return saved, False

    async def send(self, order_list: OrderList) -> OrderList:
        """Send what was just saved and book the answer; the list as far as it got."""
        return await self._calls.to_its_end(self._send(order_list))

    async def get(self, list_id: UUID) -> OrderList:
        """The list with its legs as they stand now; raises NotFound."""
        return await self._lists.get(list_id)

    async def answered(self, order_list: OrderList) -> OrderList:
        """The list after what is just being asked about it was answered."""
        for order in order_list.orders:
            await self._calls.ended(order.id)
        return await self._lists.get(order_list.id)

    async def cancel(self, list_id: UUID) -> OrderList:
        """Ask the venue to cancel what is open of it; the list as it stands afterwards.

        A list that ended before is returned as it ended. Raises NotFound, OrderNotFound while a leg
        is not there yet, OutcomeUnknown (its legs are looked up), and whatever else kept it from
        being done: its legs are then back where they were.
        """
        return await self._calls.to_its_end(self._cancel(list_id))

    async def _send(self, order_list: OrderList) -> OrderList:
        try:
            await self._place(order_list)
        finally:
            self._end(order_list)
        return await self._lists.get(order_list.id)

    async def _place(self, order_list: OrderList) -> None:
        self._on_step(steps.BEFORE_SEND)
        sent = self._clock.monotonic()
        try:
            reports = await self._venue.place_list(
                order_list, still_wanted=guard(self._may_send, *order_list.orders)
            )
        except (OutcomeUnknown, DuplicateOrder) as unknown:
            # Our ids are never used twice, so a duplicate of this list is this list.
            log.warning("list outcome unknown", list_id=str(order_list.id), error=str(unknown))
            await self._verdict(order_list.orders, OrderStatus.UNKNOWN, str(unknown))
            return
        except TradingError as refused:
            # Everything else says that nothing happened there: all legs end here.
            await self._verdict(order_list.orders, OrderStatus.REJECTED, refused)
            return
        self._on_step(steps.ANSWERED)
        latency_ms = round((self._clock.monotonic() - sent) * 1000)
        for report in reports:
            await self._booking.on_report(report, acknowledged_ms=latency_ms)
        self._on_step(steps.AFTER_BOOKING)

    async def _cancel(self, list_id: UUID) -> OrderList:
        order_list = await self._lists.get(list_id)
        async with self._alone(order_list):
            for order in (await self._lists.get(list_id)).orders:
                if order.venue_order_id is None and not order.status.is_final:
                    await self._manager.look_up(order)
            order_list = await self._lists.get(list_id)
            still_open = [order for order in order_list.orders if not order.status.is_final]
            if still_open:
                self._on_step(steps.BEFORE_SAVE)
                await self._verdict(still_open, OrderStatus.PENDING_CANCEL, "asked to cancel")
                self._on_step(steps.AFTER_SAVE)
                await self._cancel_there(order_list, still_open)
        return await self._lists.get(list_id)

    async def _cancel_there(self, order_list: OrderList, still_open: list[Order]) -> None:
        """Ask and book the answer; where nothing was done, legs go back to where they were."""
        self._on_step(steps.BEFORE_SEND)
        reports: list[Report] = []
        try:
            reports = await self._venue.cancel_list(order_list)
        except OrderNotFound:
            log.info("the list has ended", list_id=str(order_list.id))
        except OutcomeUnknown:
            raise  # nobody knows: PENDING_CANCEL, until look-ups tell
        except TradingError as refused:
            for order in still_open:
                await self._verdict([order], order.status, f"not cancelled: {refused}")
            raise
        self._on_step(steps.ANSWERED)
        for report in reports:
            await self._booking.on_report(report)
        told = {report.client_order_id for report in reports}
        for order in still_open:
            if order.client_order_id not in told:
                await self._manager.look_up(order)
        self._on_step(steps.AFTER_BOOKING)

    async def _verdict(
        self, orders: list[Order] | tuple[Order, ...], status: OrderStatus, why: str | TradingError
    ) -> None:
        for order in orders:
            await self._booking.verdict(order, status, why)

    def _end(self, order_list: OrderList) -> None:
        for order in order_list.orders:
            self._calls.end(order.id)

    @asynccontextmanager
    async def _alone(self, order_list: OrderList) -> AsyncIterator[None]:
        """The only call about any leg; always taken in the order of the legs."""
        async with AsyncExitStack() as stack:
            for order in order_list.orders:
                await stack.enter_async_context(self._calls.alone(order.id))
            yield
