"""What is to be done next for a stop loss: one step, from how it, its order and the market stand.

Pure. Asked again after a crash it says the same step again, which is why each is saved before it is
taken. One order is never larger than what the venue takes at the market: what is left once it has
filled is closed by the system, with one order after the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from trading_system.domain.orders import Order, OrderRequest, OrderStatus
from trading_system.domain.stops import Keeper, Stop, StopStatus, Watched

_NOTHING = Decimal(0)
_TRIES = 10  # orders a venue refuses before a stop that has to close something gives up
_LATE = timedelta(seconds=60)
_RESTING = frozenset({OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED})


class Decision(NamedTuple):
    """The stop as it must be saved first, then whether to send its order or which to cancel.

    Where `instead` is to take the place of what is cancelled, nothing is done, and nothing saved,
    before that is known to be taken.
    """

    stop: Stop
    send: bool = False
    cancel: UUID | None = None
    instead: OrderRequest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """`held` can be closed by the stop's side, in steps of `step`; `order` is its current one.

    An order is of `least` at least and of `most` at most. `booked`: all fills of `order` are in
    `held`.
    """

    held: Decimal
    step: Decimal
    now: datetime
    watched: Watched
    order: Order | None = None
    booked: bool = True
    least: Decimal = _NOTHING
    most: Decimal = Decimal("Infinity")


def decide(stop: Stop, facts: Facts) -> Decision:
    """The next step for this stop."""
    if stop.status.is_final:
        return Decision(stop)
    if stop.ordered is None:
        return _without_order(stop, facts)
    if facts.order is None:
        # It was about to be sent and is not on record: it never was, and what is held may differ.
        anew = _without_order(replace(stop, ordered=None, attempt=stop.attempt - 1), facts)
        is_as_it_was = replace(anew.stop, updated_at=stop.updated_at) == stop
        return anew._replace(stop=stop) if is_as_it_was else anew
    stop = replace(stop, order_id=facts.order.id)  # it was sent, and that was not noted
    if not facts.order.status.is_final:
        return _beside(stop, facts.order, facts)
    after = _after(stop, facts.order, facts)
    knows_what_is_left = facts.booked or after.status.is_final
    return Decision(after if knows_what_is_left else stop)


def _wanted(stop: Stop, facts: Facts) -> Decimal:
    """How much its next order has to close of what is held, in whole steps."""
    left = facts.held
    if stop.quantity is not None:
        left = min(left, stop.quantity - stop.closed)
    return max(min(left, facts.most), _NOTHING) // facts.step * facts.step


def _without_order(stop: Stop, facts: Facts) -> Decision:
    """It is not at the venue: it is sent there, watched, or over.

    One that the venue has not taken yet is closed by the system when it is hit meanwhile.
    """
    if stop.status is StopStatus.CANCELLING:
        return Decision(_changed(stop, facts.now, status=StopStatus.CANCELLED))
    wanted = _wanted(stop, facts)
    if not wanted or (stop.closed and wanted < facts.least):
        over = StopStatus.DONE if stop.closed else StopStatus.CANCELLED
        return Decision(_changed(stop, facts.now, status=over, reason="nothing is left to guard"))
    due = stop.deadline is not None and facts.now >= stop.deadline
    now_or_never = due or facts.watched.hit or stop.status is StopStatus.TRIGGERED
    if stop.kept_by is Keeper.VENUE and not now_or_never:
        sent = _changed(stop, facts.now, ordered=wanted, attempt=stop.attempt + 1)
        return Decision(sent, send=True)
    stop = replace(stop, best=facts.watched.best)
    if not now_or_never:
        return Decision(stop)
    triggered = _changed(
        stop,
        facts.now,
        kept_by=Keeper.SYSTEM,
        status=StopStatus.TRIGGERED,
        ordered=wanted,
        attempt=stop.attempt + 1,
        reason=_why_late(stop, facts.now) or stop.reason,
    )
    return Decision(triggered, send=True)


def _beside(stop: Stop, order: Order, facts: Facts) -> Decision:
    """Its order is open: left alone once it is closing, else fitted to what is held."""
    if stop.kept_by is Keeper.SYSTEM or order.status not in _RESTING:
        return Decision(stop)
    if stop.status in {StopStatus.CANCELLING, StopStatus.RESIZING}:
        return Decision(stop, cancel=order.id)
    if order.executed_quantity:
        return Decision(_changed(stop, facts.now, status=StopStatus.TRIGGERED))
    wanted = _wanted(stop, facts)
    if not wanted:
        ending = _changed(
            stop, facts.now, status=StopStatus.CANCELLING, reason="nothing is left to guard"
        )
        return Decision(ending, cancel=order.id)
    if wanted != stop.ordered:
        resizing = _changed(stop, facts.now, status=StopStatus.RESIZING)
        instead = replace(stop, ordered=wanted).request()
        return Decision(resizing, cancel=order.id, instead=instead)
    return Decision(stop)


def _after(stop: Stop, order: Order, facts: Facts) -> Stop:
    """Its order has ended: as it should, as somebody wanted, or as the venue did."""
    now = facts.now
    free = replace(stop, ordered=None, order_id=None, closed=stop.closed + order.executed_quantity)
    if order.status is OrderStatus.FILLED:
        if order.executed_quantity + facts.step > facts.most:  # there may have been more to close
            return _changed(free, now, kept_by=Keeper.SYSTEM, status=StopStatus.TRIGGERED)
        return _changed(free, now, status=StopStatus.DONE)
    if stop.status is StopStatus.CANCELLING:
        return _changed(free, now, status=StopStatus.CANCELLED)
    if stop.status is StopStatus.RESIZING:
        return _changed(free, now, status=StopStatus.ACTIVE)
    if order.status is OrderStatus.CANCELED:
        gone = "its order was cancelled"
        return _changed(free, now, status=StopStatus.CANCELLED, reason=gone)
    refused = order.reject_reason or f"the venue ended its order: {order.status}"
    if stop.attempt >= _TRIES:
        return _changed(free, now, status=StopStatus.FAILED, reason=refused)
    # The system takes over what the venue will not keep, and goes on closing what it began to.
    began = stop.kept_by is Keeper.SYSTEM or bool(order.executed_quantity)
    return _changed(
        free,
        now,
        kept_by=Keeper.SYSTEM,
        status=StopStatus.TRIGGERED if began else StopStatus.ACTIVE,
        reason=refused,
    )


def _why_late(stop: Stop, now: datetime) -> str | None:
    if stop.deadline is None or now < stop.deadline + _LATE:
        return None
    return f"{round((now - stop.deadline).total_seconds())} s late: nothing ran at its moment"


def _changed(stop: Stop, now: datetime, **changes: object) -> Stop:
    after = replace(stop, **changes)  # type: ignore[arg-type]  # names and types as in Stop
    return stop if after == stop else replace(after, updated_at=now)
