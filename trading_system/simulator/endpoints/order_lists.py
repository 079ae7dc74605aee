"""Order lists: place, ask, cancel, list. All of them signed."""

from __future__ import annotations

from collections.abc import Callable

from trading_system.simulator import list_commands, wire_lists
from trading_system.simulator.arguments import CLIENT_ID, Arguments
from trading_system.simulator.endpoints.outcome import cancelled, new_list
from trading_system.simulator.endpoints.request import Request, combination, is_within, page
from trading_system.simulator.list_model import PlaceList
from trading_system.simulator.model import Refused
from trading_system.simulator.wire import Json, ResponseType


def place_oco(request: Request) -> Json:
    """POST orderList/oco."""
    return _place(request, list_commands.place_oco)


def place_oto(request: Request) -> Json:
    """POST orderList/oto."""
    return _place(request, list_commands.place_oto)


def place_otoco(request: Request) -> Json:
    """POST orderList/otoco."""
    return _place(request, list_commands.place_otoco)


def place_old_oco(request: Request) -> Json:
    """POST order/oco."""
    return _place(request, list_commands.place_old_oco)


def cancel(request: Request) -> Json:
    """DELETE orderList."""
    exchange, arguments, now, account = request
    return cancelled(exchange.handle(list_commands.cancel_list(arguments, account), now))[-1]


def find(request: Request) -> Json:
    """GET orderList."""
    exchange, arguments, now, account = request
    list_id = arguments.whole("orderListId")
    client_order_id = arguments.text("origClientOrderId", CLIENT_ID)
    if list_id is None and client_order_id is None:
        raise Refused(
            -1102,
            "Param 'origClientOrderId' or 'orderListId' must be sent, but both were empty/null!",
        )
    exchange.advance(now)
    found = exchange.venue.lists.find(account, list_id=list_id, client_order_id=client_order_id)
    if found is None:
        raise Refused(-2013, "Order list does not exist.")
    return wire_lists.queried(found)


def list_open(request: Request) -> list[Json]:
    """GET openOrderList."""
    exchange, _, now, account = request
    exchange.advance(now)
    return [wire_lists.queried(each) for each in exchange.venue.lists.open(account)]


def list_all(request: Request) -> list[Json]:
    """GET allOrderList: the newest by their last change, or the oldest from an id or a time on."""
    exchange, arguments, now, account = request
    first, span, limit = arguments.whole("fromId"), request.span_of_a_day(), request.limit()
    if first is not None and span != (None, None):
        raise combination()
    exchange.advance(now)
    lists = [
        each
        for each in exchange.venue.lists.of(account)
        if each.list_id >= (first or 0) and is_within(each.time, span)
    ]
    from_oldest = first is not None or span[0] is not None
    return [wire_lists.queried(each) for each in page(lists, limit, from_oldest=from_oldest)]


def _place(request: Request, read: Callable[[Arguments, str], PlaceList]) -> Json:
    exchange, arguments, now, account = request
    command = read(arguments, account)
    kind = arguments.choice("newOrderRespType", ResponseType)
    exchange.limits.require_order(account, now, orders=len(command.orders))
    return wire_lists.placed(new_list(exchange.handle(command, now)), kind)
