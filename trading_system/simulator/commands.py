"""Parameters of a request as commands to the venue: read and typed, not judged."""

from __future__ import annotations

from trading_system.simulator.amendments import AmendOrder
from trading_system.simulator.arguments import CLIENT_ID, Arguments, required
from trading_system.simulator.model import (
    CancelOrder,
    OrderType,
    PlaceOrder,
    Refused,
    Side,
    TimeInForce,
)
from trading_system.simulator.self_trades import SelfTradePrevention

PEGGED = ("pegPriceType", "pegOffsetType", "pegOffsetValue")


def place_order(arguments: Arguments, account: str) -> PlaceOrder:
    """What POST order, order/test and cancelReplace say about the new order."""
    symbol = required("symbol", arguments.symbol())
    side = arguments.choice("side", Side, Refused(-1117, "Invalid side."))
    type_ = arguments.choice("type", OrderType, Refused(-1116, "Invalid orderType."))
    side, type_ = required("side", side), required("type", type_)
    if any(arguments.text(name) is not None for name in PEGGED):
        raise Refused(-2010, "Pegged orders are not supported for this symbol.")
    return PlaceOrder(
        account=account,
        symbol=symbol,
        side=side,
        type=type_,
        time_in_force=arguments.choice(
            "timeInForce", TimeInForce, Refused(-1115, "Invalid timeInForce.")
        ),
        quantity=arguments.decimal("quantity"),
        quote_quantity=arguments.decimal("quoteOrderQty"),
        price=arguments.decimal("price"),
        stop_price=arguments.decimal("stopPrice"),
        trailing_delta=arguments.whole("trailingDelta"),
        iceberg_quantity=arguments.decimal("icebergQty"),
        client_order_id=arguments.text("newClientOrderId", CLIENT_ID),
        stp=arguments.choice("selfTradePreventionMode", SelfTradePrevention),
        strategy_id=arguments.whole("strategyId"),
        strategy_type=arguments.whole("strategyType"),
    )


def cancel_order(arguments: Arguments, account: str) -> CancelOrder:
    """DELETE order."""
    return CancelOrder(
        account=account,
        symbol=required("symbol", arguments.symbol()),
        order_id=arguments.whole("orderId"),
        client_order_id=arguments.text("origClientOrderId", CLIENT_ID),
        cancel_client_order_id=arguments.text("newClientOrderId", CLIENT_ID),
        restriction=arguments.text("cancelRestrictions"),
    )


def amend_order(arguments: Arguments, account: str) -> AmendOrder:
    """PUT order/amend/keepPriority."""
    return AmendOrder(
        account=account,
        symbol=required("symbol", arguments.symbol()),
        quantity=required("newQty", arguments.decimal("newQty")),
        order_id=arguments.whole("orderId"),
        client_order_id=arguments.text("origClientOrderId", CLIENT_ID),
        new_client_order_id=arguments.text("newClientOrderId", CLIENT_ID),
    )


def cancel_to_replace(arguments: Arguments, account: str) -> CancelOrder:
    """The half of POST order/cancelReplace that cancels; it has names of its own."""
    return CancelOrder(
        account=account,
        symbol=required("symbol", arguments.symbol()),
        order_id=arguments.whole("cancelOrderId"),
        client_order_id=arguments.text("cancelOrigClientOrderId", CLIENT_ID),
        cancel_client_order_id=arguments.text("cancelNewClientOrderId", CLIENT_ID),
        restriction=arguments.text("cancelRestrictions"),
    )
