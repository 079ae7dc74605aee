"""What came of a command, found among its events; the market's own come before the command's."""

from __future__ import annotations

from collections.abc import Sequence

from trading_system.simulator import wire
from trading_system.simulator.events import Event, Execution, OrderEvent
from trading_system.simulator.model import Order
from trading_system.simulator.wire import Json


def new_order(events: Sequence[Event]) -> Order:
    """The order just placed, as its last event left it."""
    told = [event for event in reversed(events) if isinstance(event, OrderEvent)]
    order_id = next(e.order.order_id for e in told if e.execution is Execution.NEW)
    return next(event.order for event in told if event.order.order_id == order_id)


def amended(events: Sequence[Event]) -> OrderEvent:
    """What happened to the order that was made smaller by the command."""
    told = [event for event in events if isinstance(event, OrderEvent)]
    return next(event for event in reversed(told) if event.execution is Execution.REPLACED)


def cancelled(events: Sequence[Event]) -> list[Json]:
    """Every order that was cancelled, as it is told on the wire."""
    return [
        wire.cancelled(event.order, event.cancel_client_order_id or "")
        for event in events
        if isinstance(event, OrderEvent) and event.execution is Execution.CANCELED
    ]
