"""Change the price or quantity of a resting order, in its place where possible, else by another.

Price and quantity mean what is to be open afterwards. Both orders together are to execute no more
than was executed before and is asked for now: what the old one fills meanwhile is cut off the new
one, which may be too large for a moment only where the old one had filled in part. What changed
between plan and call is noticed while nothing else may change it, and refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

import structlog

from trading_system.domain.errors import (
    InvalidRequest,
    OutcomeUnknown,
    Rejected,
    TradingError,
)
from trading_system.domain.orders import NotModified, Order, OrderRequest, OrderStatus
from trading_system.domain.reports import Replacement
from trading_system.execution import steps
from trading_system.execution.booking import Booking
from trading_system.execution.calls import Calls, guard
from trading_system.execution.excess import Excess
from trading_system.execution.steps import OnStep
from trading_system.ports import Clock, OrderRepository, Trading

log = structlog.get_logger(__name__)

_RESTING = frozenset({OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Modification:
    """What is to become of `old`: `request` in its own place, or in that of the order `new`.

    `new` is None while it is not saved, and where the order keeps its place: it is amended then.
    """

    old: Order
    request: OrderRequest
    keeps_place: bool
    new: Order | None = None

    @property
    def wanted_in_all(self) -> Decimal:
        """What the old order and the one in its place are to execute together."""
        assert self.request.quantity is not None  # noqa: S101 -- planned
        return self.old.executed_quantity + self.request.quantity


def planned(order: Order, *, price: Decimal | None, quantity: Decimal | None) -> Modification:
    """How an order comes to this price and to this quantity open; None leaves either as it is.

    Only less of it keeps its place in the queue. Raises InvalidRequest when nothing of it can be,
    or is to be, changed.
    """
    request, opened = order.request, order.open_quantity
    if order.status not in _RESTING or opened is None:
        raise InvalidRequest(f"order {order.id} is {order.status}: only what rests can be modified")
    if order.list_id is not None:
        raise InvalidRequest(f"order {order.id} is a leg of an order list: cancel the list instead")
    if price is not None and request.price is None:
        raise InvalidRequest(f"a {request.type} order has no price to change")
    wanted = opened if quantity is None else quantity
    if price in {None, request.price}:
        if wanted == opened:
            raise InvalidRequest(f"order {order.id} is like that already: nothing to change")
        if wanted < opened:
            shrunk = replace(request, quantity=order.executed_quantity + wanted)
            return Modification(old=order, request=shrunk, keeps_place=True)
    moved = replace(request, price=price or request.price, quantity=wanted)
    return Modification(old=order, request=moved, keeps_place=False)


class Modifier:
    """Carries modifications out; what is refused or gets lost on the way is told, not hidden."""

    def __init__(
        self,
        *,
        trading: Trading,
        orders: OrderRepository,
        booking: Booking,
        excess: Excess,
        calls: Calls,
        clock: Clock,
        on_step: OnStep,
        may_send: Callable[[Order], str | None],
    ) -> None:
        self._trading = trading
        self._orders = orders
        self._booking = booking
        self._excess = excess
        self._calls = calls
        self._clock = clock
        self._on_step = on_step
        self._may_send = may_send
        self._replacing: dict[UUID, UUID] = {}

    def successors(self, order_id: UUID) -> list[UUID]:
        """The orders that are just about to take its place, of which one can at most."""
        return [new for new, old in self._replacing.items() if old == order_id]

    async def amend(self, change: Modification) -> Order:
        """The order, smaller, with its id and its place in the queue.

        Raises NotModified when the venue refuses or another modification came first, and
        OutcomeUnknown when its answer got lost and a look-up does not show it amended: it is then
        asked about as any open order is.
        """
        quantity = change.request.quantity
        assert quantity is not None  # noqa: S101 -- planned
        async with self._calls.alone(change.old.id):
            old = await self._orders.get(change.old.id)
            if old.status not in _RESTING or old.request != change.old.request:
                raise NotModified(f"it is {_told(old)}: ask again", old=old)
            self._on_step(steps.BEFORE_SEND)
            try:
                report = await self._trading.amend(old, quantity)
            except Rejected as refused:
                now = await self._seen(old)
                if now.request.quantity == quantity:
                    return now  # asked twice: a PUT is repeated on a connection that was cut
                raise NotModified(f"the venue did not amend it: {refused}", old=now) from refused
            except OutcomeUnknown:
                now = await self._seen(old)
                if now.request.quantity != quantity:
                    raise
                return now
            self._on_step(steps.ANSWERED)
            after = await self._booking.on_report(report)
            self._on_step(steps.AFTER_BOOKING)
            return after

    async def replace(self, change: Modification) -> Order:
        """The order that took the place of the old one, as far as it got; UNKNOWN is a state of it.

        The venue cancels first and places only when that was done (STOP_ON_FAILURE). Before that
        the old one is PENDING_CANCEL and the new one PENDING_NEW on disk: after a crash both are
        looked up. Raises NotModified when the new order did not come about, whatever became of
        the old one: it says so.
        """
        old, new = change.old, change.new
        assert new is not None  # noqa: S101 -- saved before
        self._replacing[new.id] = old.id
        try:
            async with self._calls.alone(old.id):
                return await self._replaced(old, new)
        finally:
            del self._replacing[new.id]
            self._calls.end(new.id)

    async def _replaced(self, planned_on: Order, new: Order) -> Order:
        if (forbidden := self._may_send(new)) is not None:
            raise await self._refused(planned_on, new, forbidden)
        old = await self._orders.get(planned_on.id)
        if old.status is OrderStatus.PENDING_CANCEL:
            raise await self._refused(old, new, "the old one is being cancelled")
        old = await self._booking.verdict(
            planned_on, OrderStatus.PENDING_CANCEL, f"to be replaced by {new.id}"
        )
        if old.status is not OrderStatus.PENDING_CANCEL:
            raise await self._refused(old, new, f"it is {old.status} by now")
        is_as_planned = old.request == planned_on.request
        if not is_as_planned or old.executed_quantity != planned_on.executed_quantity:
            # What was planned, and judged, would bring back what was executed or taken off since.
            old = await self._booking.verdict(old, OrderStatus.NEW, "not replaced")
            changed = "it filled some more meanwhile" if is_as_planned else f"it is {_told(old)}"
            raise await self._refused(old, new, f"{changed}: ask again")
        self._on_step(steps.BEFORE_SEND)
        sent = self._clock.monotonic()
        try:
            outcome = await self._trading.replace(old, new, still_wanted=guard(self._may_send, new))
        except OutcomeUnknown as unknown:
            log.warning("replacement unknown", old=str(old.id), new=str(new.id), error=str(unknown))
            return await self._booking.verdict(new, OrderStatus.UNKNOWN, unknown)
        except TradingError as refused:
            # Nothing happened there: the old order is where it was.
            old = await self._booking.verdict(old, OrderStatus.NEW, "not replaced")
            raise await self._refused(old, new, refused) from refused
        self._on_step(steps.ANSWERED)
        latency_ms = round((self._clock.monotonic() - sent) * 1000)
        return await self._booked(old, new, outcome, latency_ms)

    async def _booked(self, old: Order, new: Order, outcome: Replacement, latency_ms: int) -> Order:
        if outcome.cancelled is None:
            old = await self._seen(old)
            why = f"the old order could not be cancelled ({outcome.cancel_refusal})"
            raise await self._refused(old, new, why)
        old = await self._booking.on_report(outcome.cancelled)
        if outcome.placed is None:
            why = outcome.place_refusal or "no reason given"
            raise await self._refused(old, new, why, outcome.place_code)
        new = await self._booking.on_report(outcome.placed, acknowledged_ms=latency_ms)
        self._on_step(steps.AFTER_BOOKING)
        return await self._excess.cut(new)

    async def _refused(
        self, old: Order, new: Order, why: str | TradingError, code: int | None = None
    ) -> NotModified:
        """The new order is REJECTED; what to raise about both."""
        new = await self._booking.verdict(new, OrderStatus.REJECTED, why, code)
        if old.status.is_final:
            how = "the old one is gone"
        else:
            how = "the old one stands" if old.status in _RESTING else "the old one may be gone"
        text = f"no order took its place ({new.reject_reason}), and {how} ({old.status})"
        return NotModified(text, old=old, new=new)

    async def _seen(self, order: Order) -> Order:
        """The order as the venue has it now, or as we had it where that cannot be asked."""
        try:
            return await self._booking.on_report(await self._trading.find(order))
        except TradingError as error:
            log.warning("could not look up", order_id=str(order.id), error=str(error))
            return order


def _told(order: Order) -> str:
    return f"{order.status} for {order.request.quantity} at {order.request.price} by now"
