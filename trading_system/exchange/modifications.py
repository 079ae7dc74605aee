"""Binance's words for changing an order: in its place (amend) or by another one (cancelReplace)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from trading_system.domain.errors import OutcomeUnknown
from trading_system.domain.orders import Order, OrderStatus
from trading_system.domain.reports import Replacement, Report
from trading_system.exchange.faults import STATUS_UNKNOWN
from trading_system.exchange.translate import (
    Json,
    amount,
    looked_up,
    moment,
    order_parameters,
    placed,
)

_DONE = {"SUCCESS": True, "FAILURE": False, "NOT_ATTEMPTED": False}


def identity(order: Order) -> dict[str, Any]:
    """What names it there: our id, which nobody uses again, or the venue's where others may."""
    if order.foreign and order.venue_order_id is not None:
        return {"orderId": order.venue_order_id}
    return {"origClientOrderId": order.client_order_id}


def id_there(order: Order) -> str:
    """Its client order id at the venue: others use theirs again, and then ours has a sign more."""
    return order.client_order_id.partition("#")[0] if order.foreign else order.client_order_id


def replace_parameters(old: Order, new: Order, venue_id: str) -> dict[str, str]:
    """POST order/cancelReplace: what is placed, and what has to be cancelled before.

    An order that has not filled is only cancelled while that is so: else the two could execute more
    than was wanted. For one that has filled in part the venue knows no such condition.
    """
    cancelled = (
        {"cancelOrderId": old.venue_order_id}
        if old.foreign and old.venue_order_id is not None
        else {"cancelOrigClientOrderId": old.client_order_id}
    )
    unfilled = {} if old.executed_quantity else {"cancelRestrictions": "ONLY_NEW"}
    return {
        **order_parameters(new, venue_id),
        "cancelReplaceMode": "STOP_ON_FAILURE",
        **cancelled,
        **unfilled,
    }


def amend_parameters(order: Order, venue_id: str, quantity: Decimal) -> dict[str, str]:
    """PUT order/amend/keepPriority; without our id the venue would give the order a random one."""
    return {
        "symbol": venue_id,
        **identity(order),
        "newClientOrderId": id_there(order),
        "newQty": format(quantity, "f"),
    }


def amended(answer: Json, order: Order) -> Report:
    """The answer to an amendment, which has names of its own for the totals."""
    told = answer["amendedOrder"]
    return Report(
        client_order_id=order.client_order_id,
        venue_order_id=str(told["orderId"]),
        status=OrderStatus(told["status"]).value,
        source="answer",
        time=moment(answer["transactTime"]),
        executed_quantity=amount(told["executedQty"]),
        executed_quote=amount(told["cumulativeQuoteQty"]),
        quantity=amount(told["qty"]),
    )


def replaced(told: Mapping[str, Any], old: Order, new: Order) -> Replacement:
    """What cancelReplace says of its two halves, in its answer or in the `data` of its error.

    Raises OutcomeUnknown when a half failed in a way that does not say whether it was done.
    """
    cancelled, placing = told["cancelResponse"], told["newOrderResponse"]
    cancel_done, place_done = _DONE[told["cancelResult"]], _DONE[told["newOrderResult"]]
    _, cancel_refusal = (None, None) if cancel_done else _refusal(cancelled)
    place_code, place_refusal = (None, None) if place_done else _refusal(placing)
    return Replacement(
        cancelled=looked_up(cancelled, old, [], source="answer") if cancel_done else None,
        placed=placed(placing, new) if place_done else None,
        cancel_refusal=cancel_refusal,
        place_refusal=place_refusal,
        place_code=place_code,
    )


def _refusal(response: Json | None) -> tuple[int | None, str]:
    if response is None:
        return None, "not attempted"
    code, reason = int(response["code"]), str(response["msg"])
    if code in STATUS_UNKNOWN:
        raise OutcomeUnknown(f"{reason} ({code})")
    return code, reason
