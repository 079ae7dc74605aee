"""Parameters of the requests about order lists as commands to the venue: read, not judged.

An order of a list has the parameters of a single one, their names behind a prefix: aboveStopPrice.
"""

from __future__ import annotations

from decimal import Decimal

from trading_system.simulator.arguments import CLIENT_ID, Arguments, required
from trading_system.simulator.commands import PEGGED
from trading_system.simulator.list_model import CancelList, Pair, PlaceList
from trading_system.simulator.model import OrderType, PlaceOrder, Refused, Side, TimeInForce
from trading_system.simulator.self_trades import SelfTradePrevention

_OF_AN_ORDER = (
    *("Type", "ClientOrderId", "IcebergQty", "Price", "StopPrice", "TrailingDelta"),
    *("TimeInForce", "StrategyId", "StrategyType"),
    *(name[0].upper() + name[1:] for name in PEGGED),
)
OF_A_LIST = "symbol listClientOrderId newOrderRespType selfTradePreventionMode "


def reads(*prefixes: str) -> str:
    """The names of all parameters of the orders with these prefixes."""
    return " ".join(prefix + name for prefix in prefixes for name in _OF_AN_ORDER) + " "


def place_oco(arguments: Arguments, account: str) -> PlaceList:
    """POST orderList/oco."""
    side, quantity = _side(arguments, "side"), required("quantity", arguments.decimal("quantity"))
    return PlaceList(
        rest=Pair(
            above=_order(arguments, account, "above", side=side, quantity=quantity),
            below=_order(arguments, account, "below", side=side, quantity=quantity),
        ),
        client_order_id=arguments.text("listClientOrderId", CLIENT_ID),
    )


def place_oto(arguments: Arguments, account: str) -> PlaceList:
    """POST orderList/oto."""
    return PlaceList(
        working=_whole_order(arguments, account, "working"),
        rest=_whole_order(arguments, account, "pending"),
        client_order_id=arguments.text("listClientOrderId", CLIENT_ID),
    )


def place_otoco(arguments: Arguments, account: str) -> PlaceList:
    """POST orderList/otoco."""
    working = _whole_order(arguments, account, "working")
    side = _side(arguments, "pendingSide")
    quantity = required("pendingQuantity", arguments.decimal("pendingQuantity"))
    return PlaceList(
        working=working,
        rest=Pair(
            above=_order(arguments, account, "pendingAbove", side=side, quantity=quantity),
            below=_order(arguments, account, "pendingBelow", side=side, quantity=quantity),
        ),
        client_order_id=arguments.text("listClientOrderId", CLIENT_ID),
    )


def place_old_oco(arguments: Arguments, account: str) -> PlaceList:
    """POST order/oco, deprecated: a LIMIT_MAKER and a stop loss with names of their own."""
    symbol = required("symbol", arguments.symbol())
    side, quantity = _side(arguments, "side"), required("quantity", arguments.decimal("quantity"))
    stop_limit, force = arguments.decimal("stopLimitPrice"), "stopLimitTimeInForce"
    time_in_force = arguments.choice(force, TimeInForce, Refused(-1115, "Invalid timeInForce."))
    if stop_limit is not None:
        required(force, time_in_force)
    stp = arguments.choice("selfTradePreventionMode", SelfTradePrevention)
    limit = PlaceOrder(
        account=account,
        symbol=symbol,
        side=side,
        type=OrderType.LIMIT_MAKER,
        quantity=quantity,
        price=required("price", arguments.decimal("price")),
        iceberg_quantity=arguments.decimal("limitIcebergQty"),
        client_order_id=arguments.text("limitClientOrderId", CLIENT_ID),
        stp=stp,
        strategy_id=arguments.whole("limitStrategyId"),
        strategy_type=arguments.whole("limitStrategyType"),
    )
    stop = PlaceOrder(
        account=account,
        symbol=symbol,
        side=side,
        type=OrderType.STOP_LOSS if stop_limit is None else OrderType.STOP_LOSS_LIMIT,
        time_in_force=None if stop_limit is None else time_in_force,
        quantity=quantity,
        price=stop_limit,
        stop_price=required("stopPrice", arguments.decimal("stopPrice")),
        trailing_delta=arguments.whole("trailingDelta"),
        iceberg_quantity=arguments.decimal("stopIcebergQty"),
        client_order_id=arguments.text("stopClientOrderId", CLIENT_ID),
        stp=stp,
        strategy_id=arguments.whole("stopStrategyId"),
        strategy_type=arguments.whole("stopStrategyType"),
    )
    above, below = (limit, stop) if side is Side.SELL else (stop, limit)
    return PlaceList(
        rest=Pair(above=above, below=below),
        client_order_id=arguments.text("listClientOrderId", CLIENT_ID),
    )


def cancel_list(arguments: Arguments, account: str) -> CancelList:
    """DELETE orderList."""
    return CancelList(
        account=account,
        symbol=required("symbol", arguments.symbol()),
        list_id=arguments.whole("orderListId"),
        client_order_id=arguments.text("listClientOrderId", CLIENT_ID),
        cancel_client_order_id=arguments.text("newClientOrderId", CLIENT_ID),
    )


def _whole_order(arguments: Arguments, account: str, prefix: str) -> PlaceOrder:
    """An order with a side and a quantity of its own."""
    name = prefix + "Quantity"
    return _order(
        arguments,
        account,
        prefix,
        side=_side(arguments, prefix + "Side"),
        quantity=required(name, arguments.decimal(name)),
    )


def _order(
    arguments: Arguments, account: str, prefix: str, *, side: Side, quantity: Decimal
) -> PlaceOrder:
    type_ = arguments.choice(prefix + "Type", OrderType, Refused(-1116, "Invalid orderType."))
    if any(arguments.text(prefix + name[0].upper() + name[1:]) is not None for name in PEGGED):
        raise Refused(-2010, "Pegged orders are not supported for this symbol.")
    return PlaceOrder(
        account=account,
        symbol=required("symbol", arguments.symbol()),
        side=side,
        type=required(prefix + "Type", type_),
        time_in_force=arguments.choice(
            prefix + "TimeInForce", TimeInForce, Refused(-1115, "Invalid timeInForce.")
        ),
        quantity=quantity,
        price=arguments.decimal(prefix + "Price"),
        stop_price=arguments.decimal(prefix + "StopPrice"),
        trailing_delta=arguments.whole(prefix + "TrailingDelta"),
        iceberg_quantity=arguments.decimal(prefix + "IcebergQty"),
        client_order_id=arguments.text(prefix + "ClientOrderId", CLIENT_ID),
        stp=arguments.choice("selfTradePreventionMode", SelfTradePrevention),
        strategy_id=arguments.whole(prefix + "StrategyId"),
        strategy_type=arguments.whole(prefix + "StrategyType"),
    )


def _side(arguments: Arguments, name: str) -> Side:
    return required(name, arguments.choice(name, Side, Refused(-1117, "Invalid side.")))
