"""Orders and algo orders: place, modify, ask, cancel, list. All of them signed."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TypeVar

from trading_system.simulator.arguments import required
from trading_system.simulator.futures import commands, wire
from trading_system.simulator.futures.endpoints.request import Request
from trading_system.simulator.futures.events import AlgoEvent, Event, OrderEvent
from trading_system.simulator.futures.model import (
    AlgoStatus,
    CancelAll,
    CancelAllAlgos,
    FuturesOrder,
)
from trading_system.simulator.futures.wire import Json
from trading_system.simulator.model import Order, Refused

_WEEK = 7 * 86_400_000
_SUCCESS = "The operation of cancel all open order is done."

Row = TypeVar("Row", bound=Order)


class ResponseType(StrEnum):
    """ACK tells that an order was accepted, RESULT what became of it at once."""

    ACK = "ACK"
    RESULT = "RESULT"


def place(request: Request) -> Json:
    """POST order."""
    exchange, arguments, now, account = request
    command = commands.place_order(arguments, account)
    kind = arguments.choice("newOrderRespType", ResponseType)
    exchange.order_counts.require(account, now)
    order = _newest(exchange.handle(command, now))
    scale = request.scale(order.symbol)
    if kind is ResponseType.RESULT:
        return wire.order(order, scale)
    return wire.acknowledged(order, scale)


def rehearse(request: Request) -> Json:
    """POST order/test: judged as far as it goes without the engine; nothing is placed."""
    command = commands.place_order(request.arguments, request.account)
    request.arguments.choice("newOrderRespType", ResponseType)
    request.exchange.venue.check(command, request.now)
    return {}


def modify(request: Request) -> Json:
    """PUT order."""
    exchange, arguments, now, account = request
    command = commands.modify_order(arguments, account)
    exchange.order_counts.require(account, now)
    order = _newest(exchange.handle(command, now))
    return wire.order(order, request.scale(order.symbol))


def find(request: Request) -> Json:
    """GET order."""
    order = _asked(request)
    return wire.order(order, request.scale(order.symbol), timed=True)


def find_open(request: Request) -> Json:
    """GET openOrder: -2013 for one that is over, too."""
    order = _asked(request)
    if not order.status.is_open:
        raise Refused(-2013, "Order does not exist.")
    return wire.order(order, request.scale(order.symbol), timed=True)


def cancel(request: Request) -> Json:
    """DELETE order."""
    exchange, arguments, now, account = request
    order = _newest(exchange.handle(commands.cancel_order(arguments, account), now))
    return wire.order(order, request.scale(order.symbol))


def cancel_all(request: Request) -> Json:
    """DELETE allOpenOrders."""
    symbol = request.rules().symbol
    request.exchange.handle(CancelAll(account=request.account, symbol=symbol), request.now)
    return {"code": 200, "msg": _SUCCESS}


def list_open(request: Request) -> list[Json]:
    """GET openOrders, of one symbol or of all."""
    exchange, _, now, account = request
    symbol = request.symbol()
    exchange.advance(now)
    return _told(request, exchange.venue.open_orders(account, symbol))


def list_all(request: Request) -> list[Json]:
    """GET allOrders: the newest, or the oldest from an id or a time on."""
    exchange, arguments, now, account = request
    symbol, first = request.rules().symbol, arguments.whole("orderId")
    exchange.advance(now)
    orders = exchange.venue.all_orders(account, symbol)
    return _told(request, page(request, orders, first))


def my_trades(request: Request) -> list[Json]:
    """GET userTrades: the newest fills, or the oldest from an id or a time on."""
    exchange, arguments, now, account = request
    symbol, order_id = request.rules().symbol, arguments.whole("orderId")
    first, (start, end) = arguments.whole("fromId"), request.span()
    limit = arguments.limit(default=500, largest=1_000)
    exchange.advance(now)
    fills = [
        fill
        for fill in exchange.venue.fills(account, symbol)
        if order_id in {None, fill.order_id}
        and fill.trade_id >= (first or 0)
        and (start is None or fill.time >= start)
        and (end is None or fill.time <= end)
    ]
    from_oldest = first is not None or start is not None
    scale = request.scale(symbol)
    return [
        wire.own_trade(fill, scale) for fill in (fills[:limit] if from_oldest else fills[-limit:])
    ]


def place_algo(request: Request) -> Json:
    """POST algoOrder."""
    exchange, arguments, now, account = request
    command = commands.place_algo(arguments, account)
    arguments.choice("newOrderRespType", ResponseType)
    exchange.order_counts.require(account, now)
    events = exchange.handle(command, now)
    placed = [event.order for event in events if isinstance(event, AlgoEvent)][-1]
    return wire.algo_order(placed, request.scale(placed.symbol))


def find_algo(request: Request) -> Json:
    """GET algoOrder."""
    exchange, arguments, now, account = request
    algo_id, client_id = arguments.whole("algoId"), commands.client_id(arguments, "clientAlgoId")
    exchange.advance(now)
    algo = exchange.venue.algo_order(account, order_id=algo_id, client_order_id=client_id)
    return wire.algo_order(algo, request.scale(algo.symbol))


def cancel_algo(request: Request) -> Json:
    """DELETE algoOrder."""
    exchange, arguments, now, account = request
    events = exchange.handle(commands.cancel_algo(arguments, account), now)
    gone = [event.order for event in events if isinstance(event, AlgoEvent)][-1]
    return {
        "algoId": gone.order_id,
        "clientAlgoId": gone.client_order_id,
        "code": "200",
        "msg": "success",
    }


def cancel_all_algos(request: Request) -> Json:
    """DELETE algoOpenOrders."""
    symbol = request.rules().symbol
    request.exchange.handle(CancelAllAlgos(account=request.account, symbol=symbol), request.now)
    return {"code": 200, "msg": _SUCCESS}


def list_open_algos(request: Request) -> list[Json]:
    """GET openAlgoOrders, of one symbol or of all."""
    exchange, _, now, account = request
    symbol = request.symbol()
    exchange.advance(now)
    waiting = exchange.venue.open_algos(account, symbol)
    return [
        wire.algo_order(algo, request.scale(algo.symbol))
        for algo in waiting
        if algo.state is AlgoStatus.NEW
    ]


def list_all_algos(request: Request) -> list[Json]:
    """GET allAlgoOrders."""
    exchange, arguments, now, account = request
    symbol, first = request.rules().symbol, arguments.whole("algoId")
    exchange.advance(now)
    algos = page(request, exchange.venue.all_algos(account, symbol), first)
    return [wire.algo_order(algo, request.scale(symbol)) for algo in algos]


def page(request: Request, orders: Sequence[Row], first: int | None) -> Sequence[Row]:
    """Those from an id on, or within the times asked for (a week at most); ascending."""
    start, end = request.span()
    limit = request.arguments.limit(default=500, largest=1_000)
    if start is not None and end is not None and end - start > _WEEK:
        raise Refused(-4166, "Search window is restricted to recent 7 days only.")
    chosen = [
        order
        for order in orders
        if (first is None or order.order_id >= first)
        and (start is None or order.time >= start)
        and (end is None or order.time <= end)
    ]
    from_oldest = first is not None or start is not None
    return chosen[:limit] if from_oldest else chosen[-limit:]


def _asked(request: Request) -> FuturesOrder:
    exchange, arguments, now, account = request
    symbol = required("symbol", arguments.symbol())
    order_id = arguments.whole("orderId")
    client_order_id = commands.client_id(arguments, "origClientOrderId")
    exchange.advance(now)
    return exchange.venue.order(account, symbol, order_id=order_id, client_order_id=client_order_id)


def _newest(events: Sequence[Event]) -> FuturesOrder:
    """The order of a command as it stands now: the command's own events come last."""
    return [event.order for event in events if isinstance(event, OrderEvent)][-1]


def _told(request: Request, orders: Sequence[FuturesOrder]) -> list[Json]:
    return [wire.order(order, request.scale(order.symbol), timed=True) for order in orders]
