"""POST order/cancelReplace: two commands in one, and every way in which they can end.

Source: the table of outcomes in Binance's rest-api.md, "Cancel an Existing Order and Send a New
Order". The venue tells -2021 and -2022 apart; here is added what happens when the account has too
many unfilled orders.
"""

from __future__ import annotations

from collections.abc import Mapping

from trading_system.simulator import commands, wire
from trading_system.simulator.arguments import Arguments, invalid, required
from trading_system.simulator.endpoints.outcome import cancelled
from trading_system.simulator.endpoints.request import Request
from trading_system.simulator.events import Event, ReplaceEvent
from trading_system.simulator.exchange import HALF_DONE
from trading_system.simulator.limits import TooMuch
from trading_system.simulator.model import CancelOrder, CancelReplace, Order, Refused
from trading_system.simulator.orders import cancel_id
from trading_system.simulator.wire import Json, ResponseType

_FAILED = -2022
_MODES = {"STOP_ON_FAILURE": False, "ALLOW_FAILURE": True}
_EXCEEDED_MODES = {"DO_NOTHING": False, "CANCEL_ONLY": True}


def replace(request: Request) -> Json:
    """The answer when both halves succeed; Refused with `data` about both otherwise."""
    exchange, arguments, now, account = request
    mode = required("cancelReplaceMode", _one_of(arguments, "cancelReplaceMode", _MODES))
    cancel_only = _one_of(arguments, "orderRateLimitExceededMode", _EXCEEDED_MODES)
    kind = arguments.choice("newOrderRespType", ResponseType)
    command = CancelReplace(
        cancel=commands.cancel_to_replace(arguments, account),
        place=commands.place_order(arguments, account),
        allow_failure=mode,
    )
    try:
        exchange.limits.require_order(account, now)
    except TooMuch as exceeded:
        raise (_only_cancel(request, command, exceeded) if cancel_only else exceeded) from None
    try:
        events = exchange.handle(command, now)
    except Refused as refusal:
        if refusal.data is None:
            raise
        data = _in_words(refusal.data, command.cancel, kind)
        raise Refused(refusal.code, refusal.message, status=refusal.status, data=data) from None
    return _in_words(_both(events), command.cancel, kind)


def _both(events: list[Event]) -> Json:
    done = next(event for event in events if isinstance(event, ReplaceEvent))
    return {
        "cancelResult": "SUCCESS",
        "newOrderResult": "SUCCESS",
        "cancelResponse": done.cancelled,
        "newOrderResponse": done.placed,
    }


def _in_words(
    outcome: Mapping[str, object], cancel: CancelOrder, kind: ResponseType | None
) -> Json:
    """The outcome with its orders as they are told on the wire."""
    words = dict(outcome)
    old, new = outcome["cancelResponse"], outcome["newOrderResponse"]
    if isinstance(old, Order):
        words["cancelResponse"] = wire.cancelled(old, cancel_id(cancel, old))
    if isinstance(new, Order):
        words["newOrderResponse"] = wire.placed(new, kind)
    return words


def _only_cancel(request: Request, command: CancelReplace, exceeded: TooMuch) -> Refused:
    """What CANCEL_ONLY does when one more order would be one too many."""
    exchange, now = request.exchange, request.now
    exchange.venue.check(command.place, now)
    try:
        old = cancelled(exchange.handle(command.cancel, now))[-1]
    except Refused as refusal:
        attempted = command.allow_failure
        data: Json = {
            "cancelResult": "FAILURE",
            "newOrderResult": "FAILURE" if attempted else "NOT_ATTEMPTED",
            "cancelResponse": wire.error(refusal),
            "newOrderResponse": wire.error(exceeded) if attempted else None,
        }
        status = 400 if attempted else 429
        return Refused(_FAILED, "Order cancel-replace failed.", status=status, data=data)
    data = {
        "cancelResult": "SUCCESS",
        "newOrderResult": "FAILURE",
        "cancelResponse": old,
        "newOrderResponse": wire.error(exceeded),
    }
    status = 409 if command.allow_failure else 429
    return Refused(HALF_DONE, "Order cancel-replace partially failed.", status=status, data=data)


def _one_of(arguments: Arguments, name: str, meanings: Mapping[str, bool]) -> bool | None:
    word = arguments.text(name)
    if word is None:
        return None
    if word not in meanings:
        raise invalid(name)
    return meanings[word]
