"""One order for another: how the two halves of a cancelReplace are tried, and how both may end.

Source: the table of outcomes in Binance's rest-api.md, "Cancel an Existing Order and Send a New
Order".
"""

from __future__ import annotations

from collections.abc import Callable

from trading_system.simulator.model import CancelReplace, Order, Refused


def attempt(
    command: CancelReplace, cancel: Callable[[], Order], place: Callable[[], Order]
) -> tuple[Order | Refused, Order | Refused | None]:
    """Both halves' outcomes; the second is None where it was not attempted."""
    cancelled = _outcome(cancel)
    if isinstance(cancelled, Order) or command.allow_failure:
        return cancelled, _outcome(place)
    return cancelled, None


def failure(cancelled: Order | Refused, placed: Order | Refused | None) -> Refused:
    """How it is told that not both succeeded: -2022 (400) when nothing was done, else -2021 (409).

    Its `data` holds cancelResult and newOrderResult (SUCCESS, FAILURE or NOT_ATTEMPTED) and
    cancelResponse and newOrderResponse: an Order, a {"code", "msg"} or None. The id of the cancel
    is `orders.cancel_id(command.cancel, order)`.
    """
    data = {
        "cancelResult": _result(cancelled),
        "newOrderResult": _result(placed),
        "cancelResponse": _response(cancelled),
        "newOrderResponse": _response(placed),
    }
    if isinstance(cancelled, Order) or isinstance(placed, Order):
        return Refused(-2021, "Order cancel-replace partially failed.", status=409, data=data)
    return Refused(-2022, "Order cancel-replace failed.", data=data)


def _outcome(attempted: Callable[[], Order]) -> Order | Refused:
    try:
        return attempted()
    except Refused as refusal:
        return refusal


def _result(outcome: Order | Refused | None) -> str:
    if outcome is None:
        return "NOT_ATTEMPTED"
    return "SUCCESS" if isinstance(outcome, Order) else "FAILURE"


def _response(outcome: Order | Refused | None) -> object:
    if isinstance(outcome, Refused):
        return {"code": outcome.code, "msg": outcome.message}
    return outcome
