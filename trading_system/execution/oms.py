"""Sends each order once and keeps its record true; the only writer of orders.

The intention is on disk before the venue hears of it. What comes back ends in `on_report`, in any
order and any number of times.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID, uuid4

import structlog

from trading_system.bus import Bus
from trading_system.domain.errors import (
    DuplicateOrder,
    OrderNotFound,
    OutcomeUnknown,
    TradingError,
)
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import Order, OrderRequest, OrderStatus, client_order_id
from trading_system.domain.reports import Report
from trading_system.execution import steps
from trading_system.execution.booking import Booking
from trading_system.execution.calls import Calls, guard
from trading_system.execution.excess import Excess
from trading_system.execution.modification import Modification, Modifier, planned
from trading_system.execution.steps import OnStep
from trading_system.ports import Clock, OrderRepository, Trading

log = structlog.get_logger(__name__)

_OPEN = frozenset(status for status in OrderStatus if not status.is_final)


class OrderManager:
    """Send, cancel, modify and report; one call about an order ends before the next begins.

    `middle` tells the middle of a symbol's book without waiting, None where it is not known.
    `on_step` is called with each of `steps` as it is reached. `may_send` says why an order must
    not go out; it is asked last thing, after whatever the order had to wait for. Who sends orders
    in another way shares `calls` and `booking`.
    """

    def __init__(
        self,
        *,
        trading: Trading,
        orders: OrderRepository,
        clock: Clock,
        bus: Bus,
        middle: Callable[[Symbol], Decimal | None] = lambda _: None,
        on_step: OnStep = steps.ignore,
        may_send: Callable[[Order], str | None] = lambda _: None,
    ) -> None:
        self._trading = trading
        self._orders = orders
        self._clock = clock
        self._middle = middle
        self._may_send = may_send
        self._on_step = on_step
        self.calls = Calls()
        self.booking = Booking(orders=orders, clock=clock, bus=bus, on_step=on_step)
        self.excess = Excess(
            trading=trading,
            orders=orders,
            booking=self.booking,
            calls=self.calls,
            on_step=on_step,
        )
        self._modifier = Modifier(
            trading=trading,
            orders=orders,
            booking=self.booking,
            excess=self.excess,
            calls=self.calls,
            clock=clock,
            on_step=on_step,
            may_send=may_send,
        )

    async def save(
        self, request: OrderRequest, *, idempotency_key: str | None, digest: str
    ) -> tuple[Order, bool]:
        """Write the intention down before anybody is told; the order, and whether it is new.

        An order saved earlier under the same key is returned instead. Whoever saves a new one
        sends it at once: until then it counts as being sent. Raises KeyReused.
        """
        order = self._new(request)
        saved = await self._create(order, idempotency_key=idempotency_key, digest=digest)
        return (order, True) if saved is None else (saved, False)

    async def send(self, order: Order) -> Order:
        """Send what was just saved and book the answer; returns the order as far as it got."""
        return await self.calls.to_its_end(self._send(order))

    async def send_again(self, order: Order) -> Order:
        """Send what is proven to have never arrived, under the id it has; as `send` does.

        One that was to take another's place is not, for that other may stand, nor is a leg, whose
        list it would not be in: they end here. Nor is one of which something was heard after all;
        the venue takes an id twice once it has filled.
        """
        await self.calls.ended(order.id)
        self.calls.begin(order.id)
        try:
            order = await self._orders.get(order.id)
        except BaseException:
            self.calls.end(order.id)
            raise
        if order.is_unseen and order.replaces is None and order.list_id is None:
            return await self.send(order)
        self.calls.end(order.id)
        if not order.is_unseen:
            return order
        return await self.booking.verdict(order, OrderStatus.REJECTED, "the venue never got it")

    async def answered(self, order: Order) -> Order:
        """The order after what is just being asked about it was answered."""
        await self.calls.ended(order.id)
        return await self._orders.get(order.id)

    async def cancel(self, order_id: UUID) -> Order:
        """Ask the venue to cancel; returns the order as it stands afterwards.

        It waits for the order's own answer. Where another order is just taking its place, that one
        is cancelled too, and returned if the venue got it. An order that ended before is returned
        as it ended, one of which the venue has not told yet is looked up first. Raises NotFound,
        OrderNotFound while it is not there yet, OutcomeUnknown (it stays PENDING_CANCEL and is
        looked up), and whatever else kept the cancel from being done: the order is then back where
        it was.
        """
        return await self.calls.to_its_end(self._cancel_with_successors(order_id))

    async def cancel_all(
        self, symbol: Symbol | None = None, *, foreign: bool = False
    ) -> list[Order]:
        """Cancel every open order, all at once; how each stands now.

        Whatever could not be cancelled is still open there: nothing is raised, for the others must
        not wait for it. Orders of others only with `foreign`.
        """
        opened = await self._orders.all(statuses=_OPEN, symbol=symbol, limit=10_000)
        ours = [order for order in opened if foreign or not order.foreign]
        return await asyncio.gather(*(self._try_to_cancel(order) for order in ours))

    async def modify(
        self, order_id: UUID, *, price: Decimal | None = None, quantity: Decimal | None = None
    ) -> Order:
        """Plan, prepare and carry out; see there for what is raised."""
        change = await self.plan(order_id, price=price, quantity=quantity)
        return await self.carry_out(await self.prepare(change))

    async def plan(
        self, order_id: UUID, *, price: Decimal | None, quantity: Decimal | None
    ) -> Modification:
        """How this order comes to this price, and to this quantity open, as it stands now.

        Raises NotFound, InvalidRequest when it cannot be modified, and what Excess.gone does.
        """
        order = await self.answered(await self._orders.get(order_id))
        return planned(await self.excess.gone(order), price=price, quantity=quantity)

    async def prepare(self, change: Modification) -> Modification:
        """Write down the order that is to take the place; whoever prepares carries out at once."""
        if change.keeps_place:
            return change
        new = replace(
            self._new(change.request), replaces=change.old.id, wanted_in_all=change.wanted_in_all
        )
        await self._create(new, idempotency_key=None, digest="")
        return replace(change, new=new)

    async def carry_out(self, change: Modification) -> Order:
        """The order that stands for the modified one now: itself, or the one in its place.

        Raises NotModified when it was refused, and OutcomeUnknown.
        """
        modifier = self._modifier
        work = modifier.amend(change) if change.keeps_place else modifier.replace(change)
        return await self.calls.to_its_end(work)

    async def look_up(self, order: Order) -> Order:
        """Ask the venue what became of it and book the answer; raises OrderNotFound."""
        return await self.on_report(await self._trading.find(order))

    async def on_report(
        self, report: Report, received_at: datetime | None = None, latency_ms: int | None = None
    ) -> Order:
        """Book what a venue says of an order: see Booking."""
        return await self.booking.on_report(report, received_at, latency_ms)

    def is_sending(self, order_id: UUID) -> bool:
        """A call about it is under way, which tells how it stands when it ends."""
        return order_id in self.calls

    async def _create(
        self, order: Order, *, idempotency_key: str | None, digest: str
    ) -> Order | None:
        # From before it can be found on disk: a cancel or a look-up must not overtake the sending.
        self.calls.begin(order.id)
        try:
            self._on_step(steps.BEFORE_SAVE)
            saved = await self._orders.create(order, idempotency_key=idempotency_key, digest=digest)
            self._on_step(steps.AFTER_SAVE)
        except BaseException:
            self.calls.end(order.id)
            raise
        if saved is not None:
            self.calls.end(order.id)  # it is another that stands for the key
        return saved

    async def _send(self, order: Order) -> Order:
        try:
            self._on_step(steps.BEFORE_SEND)
            sent = self._clock.monotonic()
            try:
                report = await self._trading.place(order, still_wanted=guard(self._may_send, order))
            except (OutcomeUnknown, DuplicateOrder) as unknown:
                # Our ids are never used twice, so a duplicate of this one is this one.
                log.warning("order outcome unknown", order_id=str(order.id), error=str(unknown))
                return await self.booking.verdict(order, OrderStatus.UNKNOWN, str(unknown))
            except TradingError as refused:
                # Everything else says that nothing happened there: the order ends here.
                return await self.booking.verdict(order, OrderStatus.REJECTED, refused)
            self._on_step(steps.ANSWERED)
            latency_ms = round((self._clock.monotonic() - sent) * 1000)
            after = await self.booking.on_report(report, acknowledged_ms=latency_ms)
            self._on_step(steps.AFTER_BOOKING)
            return after
        finally:
            self.calls.end(order.id)

    async def _cancel_with_successors(self, order_id: UUID) -> Order:
        successors = self._modifier.successors(order_id)
        order = await self._cancel(order_id)
        for successor in successors:
            new = await self._cancel(successor)
            order = order if new.status is OrderStatus.REJECTED else new
        return order

    async def _cancel(self, order_id: UUID) -> Order:
        await self._orders.get(order_id)
        async with self.calls.alone(order_id):
            order = await self._orders.get(order_id)
            if order.is_unseen:
                order = await self.look_up(order)
            if order.status.is_final:
                return order
            stood = OrderStatus.PENDING_NEW if order.is_waiting else OrderStatus.NEW
            self._on_step(steps.BEFORE_SAVE)
            order = await self.booking.verdict(order, OrderStatus.PENDING_CANCEL, "asked to cancel")
            self._on_step(steps.AFTER_SAVE)
            if order.status.is_final:
                return order
            report = await self._cancelled(order, stood)
            self._on_step(steps.ANSWERED)
            order = await self.on_report(report)
            self._on_step(steps.AFTER_BOOKING)
            return order

    async def _cancelled(self, order: Order, stood: OrderStatus) -> Report:
        """What the venue answers; where nothing was done, the order goes back to where it was."""
        self._on_step(steps.BEFORE_SEND)
        try:
            return await self._trading.cancel(order)
        except OrderNotFound:
            return await self._trading.find(order)  # it has ended, most likely
        except OutcomeUnknown:
            raise  # nobody knows: PENDING_CANCEL, until a look-up tells
        except TradingError as refused:
            await self.booking.verdict(order, stood, f"not cancelled: {refused}")
            raise

    async def _try_to_cancel(self, order: Order) -> Order:
        try:
            return await self.cancel(order.id)
        except TradingError as error:
            log.warning("not cancelled", order_id=str(order.id), error=str(error))
            return await self._orders.get(order.id)

    def _new(self, request: OrderRequest) -> Order:
        order_id, now = uuid4(), self._clock.now()
        return Order(
            id=order_id,
            client_order_id=client_order_id(order_id),
            request=request,
            status=OrderStatus.PENDING_NEW,
            mid_price=self._middle(request.symbol),
            created_at=now,
            updated_at=now,
        )
