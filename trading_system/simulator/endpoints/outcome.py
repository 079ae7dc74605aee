"""What came of a command, found among its events; the market's own come before the command's."""

from __future__ import annotations

from collections.abc import Sequence

from trading_system.simulator import wire, wire_lists
from trading_system.simulator.events import Event, Execution, ListEvent, OrderEvent
from trading_system.simulator.model import NO_LIST, Order
from trading_system.simulator.wire import Json


def new_order(events: Sequence[Event]) -> Order:
    """The order just placed, as its last event left it."""
    told = [event for event in reversed(events) if isinstance(event, OrderEvent)]
    # Others may have become NEW since, as orders of lists and stop orders do, but none is younger.
    order_id = max(e.order.order_id for e in told if e.execution is Execution.NEW)
    return next(event.order for event in told if event.order.order_id == order_id)


def amended(events: Sequence[Event]) -> OrderEvent:
    """What happened to the order that was made smaller, told before that of its partner."""
    told = [event for event in events if isinstance(event, OrderEvent)]
    return next(event for event in told if event.execution is Execution.REPLACED)


def new_list(events: Sequence[Event]) -> ListEvent:
    """The list just placed, as it was told first: before what waits in it went to market."""
    told = [event for event in events if isinstance(event, ListEvent)]
    list_id = max(event.list_id for event in told)
    return next(event for event in told if event.list_id == list_id)


def cancelled(events: Sequence[Event]) -> list[Json]:
    """Every order and every list that was cancelled, as it is told on the wire."""
    answers = []
    for event in events:
        match event:
            case OrderEvent(execution=Execution.CANCELED) if event.order.list_id == NO_LIST:
                answers.append(wire.cancelled(event.order, event.cancel_client_order_id or ""))
            case ListEvent() if event.cancel_client_order_id is not None:
                answers.append(wire_lists.cancelled(event))
            case _:
                pass
    return answers
