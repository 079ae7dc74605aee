"""Amended orders as Binance writes them: the same things under other names than elsewhere.

Source: Binance's rest-api.md, "Order Amend Keep Priority" and "Query Order Amendments".
"""

from __future__ import annotations

from trading_system.simulator import wire_lists
from trading_system.simulator.amendments import Amendment
from trading_system.simulator.events import OrderEvent
from trading_system.simulator.list_model import OrderList
from trading_system.simulator.model import Order, Status
from trading_system.simulator.wire import Json, amount, conditional, prices_of_its_type


def amended(event: OrderEvent, listed: OrderList | None) -> Json:
    """The answer to an amendment, from what happened to the order and the list it is in."""
    order = event.order
    told: Json = {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": order.list_id,
        "origClientOrderId": event.old_client_order_id,
        "clientOrderId": order.client_order_id,
        "price": amount(order.price),
        "qty": amount(order.quantity),
        "executedQty": amount(order.executed),
        "preventedQty": amount(order.prevented),
        "quoteOrderQty": amount(order.quote_quantity),
        "cumulativeQuoteQty": amount(order.executed_quote),
        "status": order.status,
        "timeInForce": order.time_in_force,
        "type": order.type,
        "side": order.side,
    }
    if order.status is not Status.PENDING_NEW:
        told["workingTime"] = order.working_time
    told["selfTradePreventionMode"] = order.stp
    told |= prices_of_its_type(order) | conditional(order)
    answer: Json = {"transactTime": event.time, "executionId": event.id, "amendedOrder": told}
    if listed is not None:
        answer["listStatus"] = _list_status(listed)
    return answer


def _list_status(listed: OrderList) -> Json:
    told = wire_lists.queried(listed)
    names = ("orderListId", "contingencyType", "listOrderStatus", "listClientOrderId", "symbol")
    return {name: told[name] for name in (*names, "orders")}


def amendment(order: Order, made: Amendment) -> Json:
    """One row of an order's history."""
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "executionId": made.execution_id,
        "origClientOrderId": made.old_client_order_id,
        "newClientOrderId": made.new_client_order_id,
        "origQty": amount(made.old_quantity),
        "newQty": amount(made.new_quantity),
        "time": made.time,
    }
