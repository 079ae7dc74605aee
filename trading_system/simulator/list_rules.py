"""What may stand together in an order list, judged before its orders are judged one by one.

Types and sides need no market, prices are held against its last trade. Source: Binance's
errors.md, -1158 to -1168 and -1196 to -1199, and rest-api.md, "New Order list - OCO".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from decimal import Decimal

from trading_system.simulator.filters import ExchangeLimits, failure
from trading_system.simulator.list_model import STOP_LOSSES, OrderList, Pair, PlaceList
from trading_system.simulator.model import (
    Order,
    OrderType,
    PlaceOrder,
    Refused,
    Side,
    SymbolRules,
    TimeInForce,
)

_WORKING_TYPES = {OrderType.LIMIT, OrderType.LIMIT_MAKER}
_TAKE_PROFITS = {OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT}
_PAIR_TYPES = STOP_LOSSES | _TAKE_PROFITS | {OrderType.LIMIT_MAKER}
_BY_PRICE = {OrderType.LIMIT_MAKER, OrderType.TAKE_PROFIT_LIMIT}
"""Orders of a pair whose price, not their stop price, must lie on their side of the market."""

_MISPLACED = {
    (Side.BUY, "above", "limit"): (-1165, "A limit order in a buy OCO must be below."),
    (Side.SELL, "below", "limit"): (-1166, "A limit order in a sell OCO must be above."),
    (Side.BUY, "below", "stop loss"): (-1196, "A stop loss order in a buy OCO must be above."),
    (Side.SELL, "above", "stop loss"): (-1197, "A stop loss order in a sell OCO must be below."),
    (Side.BUY, "above", "take profit"): (-1198, "A take profit order in a buy OCO must be below."),
    (Side.SELL, "below", "take profit"): (
        -1199,
        "A take profit order in a sell OCO must be above.",
    ),
}


def judge(command: PlaceList) -> None:
    """Raise Refused when such orders cannot make up a list."""
    if command.working is not None and command.working.type not in _WORKING_TYPES:
        raise Refused(-1130, "Data sent for parameter 'workingType' is not valid.")
    if isinstance(command.rest, Pair):
        _judge_pair(command.rest)


def _judge_pair(pair: Pair) -> None:
    places = {"above": pair.above, "below": pair.below}
    if any(order.type not in _PAIR_TYPES for order in places.values()):
        raise Refused(-1158, "Order type not supported in OCO.")
    if all(order.type is OrderType.LIMIT_MAKER for order in places.values()):
        raise Refused(-1168, "At least one OCO order must be contingent.")
    for place, order in places.items():
        misplaced = _MISPLACED.get((order.side, place, _kind(order)))
        if misplaced is not None:
            raise Refused(*misplaced)
    for place, order in places.items():
        if order.iceberg_quantity is not None and order.time_in_force not in {
            None,
            TimeInForce.GTC,
        }:
            raise Refused(
                -1160,
                f"Parameter '{place}IcebergQty' is not supported if '{place}TimeInForce' is not "
                "GTC.",
            )


def _kind(order: PlaceOrder) -> str:
    if order.type in STOP_LOSSES:
        return "stop loss"
    return "take profit" if order.type in _TAKE_PROFITS else "limit"


def judge_prices(pair: Iterable[Order], last: Decimal) -> None:
    """Raise Refused unless the last trade lies between the two orders of a pair.

    A trailing order without a stop price lies nowhere and may be anywhere.
    """
    for order in pair:
        mark = order.price if order.type in _BY_PRICE else order.stop_price
        is_above = (order.type in STOP_LOSSES) == (order.side is Side.BUY)
        if mark is not None and not (mark > last if is_above else mark < last):
            raise Refused(-2010, "The relationship of the prices for the orders is not correct.")


def judge_number(
    open_lists: Collection[OrderList], rules: SymbolRules, limits: ExchangeLimits
) -> None:
    """Raise Refused when one more open list is one too many, of the symbol or of all."""
    here = sum(1 for each in open_lists if each.symbol == rules.symbol)
    if here >= rules.max_num_order_lists > 0:
        raise failure("MAX_NUM_ORDER_LISTS")
    if len(open_lists) >= limits.max_num_order_lists > 0:
        raise failure("EXCHANGE_MAX_NUM_ORDER_LISTS")
