"""Orders: place, try, ask, cancel, list. All of them signed."""

from __future__ import annotations

from trading_system.simulator import commands, wire
from trading_system.simulator.arguments import CLIENT_ID, Arguments, required
from trading_system.simulator.endpoints.account import commission_for_order
from trading_system.simulator.endpoints.outcome import cancelled, new_order
from trading_system.simulator.endpoints.request import Request, is_within, page
from trading_system.simulator.model import CancelAll
from trading_system.simulator.wire import Json, ResponseType


def place(request: Request) -> Json:
    """POST order."""
    exchange, arguments, now, account = request
    command = commands.place_order(arguments, account)
    kind = arguments.choice("newOrderRespType", ResponseType)
    exchange.limits.require_order(account, now)
    placed = new_order(exchange.handle(command, now))
    # The event was told before trades with oneself were prevented: the venue's own record knows.
    order = exchange.venue.order(account, placed.symbol, order_id=placed.order_id)
    return wire.placed(order, kind)


def rehearse(request: Request) -> Json:
    """POST order/test: judged as far as it goes without the engine; nothing is placed."""
    exchange, arguments, now, account = request
    command = commands.place_order(arguments, account)
    arguments.choice("newOrderRespType", ResponseType)
    with_rates = arguments.flag("computeCommissionRates", default=False)
    exchange.venue.check(command, now)
    return commission_for_order() if with_rates else {}


def rehearsal_weight(arguments: Arguments) -> int:
    """Rates cost more."""
    return 20 if arguments.flag("computeCommissionRates", default=False) else 1


def find(request: Request) -> Json:
    """GET order."""
    exchange, arguments, now, account = request
    symbol = required("symbol", arguments.symbol())
    order_id = arguments.whole("orderId")
    client_order_id = arguments.text("origClientOrderId", CLIENT_ID)
    exchange.advance(now)
    return wire.queried(
        exchange.venue.order(account, symbol, order_id=order_id, client_order_id=client_order_id)
    )


def cancel(request: Request) -> Json:
    """DELETE order."""
    exchange, arguments, now, account = request
    return cancelled(exchange.handle(commands.cancel_order(arguments, account), now))[-1]


def cancel_all(request: Request) -> list[Json]:
    """DELETE openOrders."""
    exchange, arguments, now, account = request
    symbol = required("symbol", arguments.symbol())
    return cancelled(exchange.handle(CancelAll(account=account, symbol=symbol), now))


def list_open(request: Request) -> list[Json]:
    """GET openOrders, of one symbol or of all."""
    exchange, arguments, now, account = request
    symbol = arguments.symbol()
    exchange.advance(now)
    return [wire.queried(order) for order in exchange.venue.open_orders(account, symbol)]


def list_open_weight(arguments: Arguments) -> int:
    """All symbols weigh more."""
    return 80 if arguments.symbol() is None else 6


def list_all(request: Request) -> list[Json]:
    """GET allOrders: the newest, or the oldest from an id or a time on."""
    exchange, arguments, now, account = request
    symbol = required("symbol", arguments.symbol())
    first, span, limit = arguments.whole("orderId"), request.span_of_a_day(), request.limit()
    exchange.advance(now)
    orders = [
        order
        for order in exchange.venue.all_orders(account, symbol)
        if order.order_id >= (first or 0) and is_within(order.time, span)
    ]
    from_oldest = first is not None or span[0] is not None
    return [wire.queried(order) for order in page(orders, limit, from_oldest=from_oldest)]
