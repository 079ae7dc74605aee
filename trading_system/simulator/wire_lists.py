"""Lists of orders as Binance writes them in JSON; their orders are told as any others are.

Source: Binance's rest-api.md, "Order lists", and recorded answers.
"""

from __future__ import annotations

from trading_system.simulator import wire
from trading_system.simulator.events import ListEvent
from trading_system.simulator.list_model import ListStatus, OrderList
from trading_system.simulator.model import Status
from trading_system.simulator.wire import Json, ResponseType


def queried(listed: OrderList | ListEvent) -> Json:
    """A list that is asked for; its time is that of its last change."""
    return {
        "orderListId": listed.list_id,
        "contingencyType": listed.contingency,
        "listStatusType": listed.status,
        "listOrderStatus": order_status(listed.status),
        "listClientOrderId": listed.client_order_id,
        "transactionTime": listed.time,
        "symbol": listed.symbol,
        "orders": [
            {
                "symbol": order.symbol,
                "orderId": order.order_id,
                "clientOrderId": order.client_order_id,
            }
            for order in listed.orders
        ],
    }


def placed(event: ListEvent, kind: ResponseType | None = None) -> Json:
    """A new list; RESULT is the default for whatever types are in it."""
    kind = kind or ResponseType.RESULT
    return {
        **queried(event),
        "orderReports": [wire.placed(order, kind) for order in event.orders],
    }


def cancelled(event: ListEvent) -> Json:
    """A cancelled list; reports are those of the orders that were still open."""
    return {
        **queried(event),
        "orderReports": [
            wire.cancelled(order, event.cancel_client_order_id or "")
            for order in event.orders
            if order.status is Status.CANCELED
        ],
    }


def order_status(status: ListStatus) -> str:
    """The listOrderStatus that belongs to a listStatusType."""
    return "ALL_DONE" if status is ListStatus.ALL_DONE else "EXECUTING"
