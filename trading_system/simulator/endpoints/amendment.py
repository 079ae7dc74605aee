"""Orders made smaller, and trades with oneself that were prevented. All of it signed."""

from __future__ import annotations

from trading_system.simulator import commands, wire, wire_amendments
from trading_system.simulator.arguments import Arguments, required
from trading_system.simulator.endpoints.outcome import amended
from trading_system.simulator.endpoints.request import Request, combination, page
from trading_system.simulator.wire import Json

_WEIGHT_BY_MATCH, _WEIGHT_BY_ORDER = 2, 20


def amend(request: Request) -> Json:
    """PUT order/amend/keepPriority."""
    exchange, arguments, now, account = request
    command = commands.amend_order(arguments, account)
    event = amended(exchange.handle(command, now))
    list_id = event.order.list_id
    listed = exchange.venue.lists.find(account, list_id=list_id, client_order_id=None)
    return wire_amendments.amended(event, listed)


def list_amendments(request: Request) -> list[Json]:
    """GET order/amendments: those of one order, oldest first."""
    exchange, arguments, now, account = request
    symbol = required("symbol", arguments.symbol())
    order_id = required("orderId", arguments.whole("orderId"))
    first, limit = arguments.whole("fromExecutionId") or 0, request.limit()
    exchange.advance(now)
    order = exchange.venue.order(account, symbol, order_id=order_id)
    made = [each for each in order.amendments if each.execution_id >= first]
    return [wire_amendments.amendment(order, each) for each in page(made, limit, from_oldest=True)]


def list_prevented(request: Request) -> list[Json]:
    """GET myPreventedMatches: one by its id, or those of an order, oldest first."""
    exchange, arguments, now, account = request
    symbol = required("symbol", arguments.symbol())
    match_id, order_id = arguments.whole("preventedMatchId"), arguments.whole("orderId")
    first, limit = arguments.whole("fromPreventedMatchId"), request.limit()
    if (match_id is None) == (order_id is None) or (match_id is not None and first is not None):
        raise combination()
    exchange.advance(now)
    matches = {
        match.id: match
        for order in exchange.venue.all_orders(account, symbol)
        for match in order.prevented_matches
        if match.id == match_id or order.order_id == order_id
    }
    found = [match for id_, match in sorted(matches.items()) if id_ >= (first or 0)]
    return [wire.prevented_match(match) for match in page(found, limit, from_oldest=True)]


def list_prevented_weight(arguments: Arguments) -> int:
    """One match is found faster than all of an order."""
    by_match = arguments.whole("preventedMatchId") is not None
    return _WEIGHT_BY_MATCH if by_match else _WEIGHT_BY_ORDER
