"""Which steps an order takes, as rows of the sealed record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from trading_system.domain.orders import Order
from trading_system.domain.reports import Report
from trading_system.storage import order_rows as rows
from trading_system.storage.times import to_milliseconds
from trading_system.storage.transitions import Transition

_ID_IS_GONE = "its client order id names another order by now"


def saved(order: Order) -> Transition:
    """The first one: it is on record."""
    return Transition(
        order_id=str(order.id),
        from_status=None,
        to_status=order.status,
        source="reconciler" if order.foreign else "desk",
        reason=f"replaces {order.replaces}" if order.replaces else None,
        venue_time=None,
        at=to_milliseconds(order.created_at),
        executed_quantity=str(order.executed_quantity),
        executed_quote=str(order.executed_quote),
        contents=rows.contents(rows.row(order), []),
    )


def renamed(order: Order, fills: Sequence[Sequence[object]], *, at: datetime) -> Transition:
    """It has this client order id from now on; `fills` are its rows of FILL_COLUMNS."""
    return Transition(
        order_id=str(order.id),
        from_status=order.status,
        to_status=order.status,
        source="reconciler",
        reason=_ID_IS_GONE,
        venue_time=None,
        at=to_milliseconds(at),
        executed_quantity=str(order.executed_quantity),
        executed_quote=str(order.executed_quote),
        contents=rows.contents(rows.row(order), fills),
    )


def reported(
    before: Order,
    after: Order,
    report: Report,
    fills: Sequence[Sequence[object]],
    *,
    at: datetime,
) -> Transition:
    """From `before` to `after`, which has these fills, because of this report."""
    return Transition(
        order_id=str(after.id),
        from_status=before.status,
        to_status=after.status,
        source=report.source,
        reason=report.reject_reason,
        venue_time=None if report.source == "desk" else to_milliseconds(report.time),
        at=to_milliseconds(at),
        executed_quantity=str(after.executed_quantity),
        executed_quote=str(after.executed_quote),
        contents=rows.contents(rows.row(after), fills),
    )


def impossible(order: Order, report: Report, *, at: datetime) -> Transition:
    """What the report asks for, which the order did not do; nothing of the order is sealed."""
    return Transition(
        order_id=str(order.id),
        from_status=order.status,
        to_status=report.status,
        source=report.source,
        reason=report.reject_reason,
        venue_time=None if report.source == "desk" else to_milliseconds(report.time),
        at=to_milliseconds(at),
        executed_quantity=str(report.executed_quantity),
        executed_quote=str(report.executed_quote),
        booked=False,
    )


def is_step(before: Order, after: Order) -> bool:
    """Whether it got anywhere: another state, more executed, amended, or known to the venue."""
    return _standing(before) != _standing(after)


def _standing(order: Order) -> tuple[object, ...]:
    return (
        order.status,
        order.executed_quantity,
        order.executed_quote,
        order.request.quantity,
        order.request.price,
        order.venue_order_id,
    )
