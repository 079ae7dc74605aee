"""Parameters of a request as commands to the futures core: read and typed, not judged."""

from __future__ import annotations

import re
from enum import StrEnum

from trading_system.simulator.arguments import Arguments, required
from trading_system.simulator.futures.model import (
    CancelAlgo,
    CancelOrder,
    ModifyOrder,
    OrderType,
    PlaceAlgo,
    PlaceOrder,
    SetLeverage,
    TimeInForce,
)
from trading_system.simulator.futures.wire import WORKING_TYPE
from trading_system.simulator.model import Refused, Side
from trading_system.simulator.self_trades import SelfTradePrevention

_OF_TRIGGERS = ("stopPrice", "activationPrice", "callbackRate", "closePosition", "priceProtect")
_CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}\Z", re.ASCII)


class Stp(StrEnum):
    """Modes of self-trade prevention that futures know."""

    NONE = "NONE"
    EXPIRE_TAKER = "EXPIRE_TAKER"
    EXPIRE_MAKER = "EXPIRE_MAKER"
    EXPIRE_BOTH = "EXPIRE_BOTH"


class PositionSide(StrEnum):
    """One-way mode has BOTH only."""

    BOTH = "BOTH"
    LONG = "LONG"
    SHORT = "SHORT"


def place_order(arguments: Arguments, account: str) -> PlaceOrder:
    """What POST order says; what belongs to a trigger may come with a type that has one only."""
    require_one_way(arguments)
    type_ = _type(arguments)
    for name in () if type_.is_conditional else _OF_TRIGGERS:
        if arguments.text(name) not in {None, "false"}:
            raise Refused(-1106, f"Parameter '{name}' sent when not required.")
    return PlaceOrder(
        account=account,
        symbol=required("symbol", arguments.symbol()),
        side=_side(arguments),
        type=type_,
        time_in_force=_time_in_force(arguments),
        quantity=arguments.decimal("quantity"),
        price=arguments.decimal("price"),
        reduce_only=arguments.flag("reduceOnly", default=False),
        client_order_id=client_id(arguments, "newClientOrderId"),
        stp=_stp(arguments),
    )


def modify_order(arguments: Arguments, account: str) -> ModifyOrder:
    """What PUT order says."""
    return ModifyOrder(
        account=account,
        symbol=required("symbol", arguments.symbol()),
        side=_side(arguments),
        quantity=required("quantity", arguments.decimal("quantity")),
        price=required("price", arguments.decimal("price")),
        order_id=arguments.whole("orderId"),
        client_order_id=client_id(arguments, "origClientOrderId"),
    )


def cancel_order(arguments: Arguments, account: str) -> CancelOrder:
    """What DELETE order says."""
    return CancelOrder(
        account=account,
        symbol=required("symbol", arguments.symbol()),
        order_id=arguments.whole("orderId"),
        client_order_id=client_id(arguments, "origClientOrderId"),
    )


def place_algo(arguments: Arguments, account: str) -> PlaceAlgo:
    """What POST algoOrder says."""
    require_one_way(arguments)
    if required("algoType", arguments.text("algoType")) != "CONDITIONAL":
        raise Refused(-4500, "Invalid algoType.")
    if arguments.flag("priceProtect", default=False):
        raise Refused(-1014, "Unsupported order combination.")
    working_type = arguments.text("workingType")
    if working_type not in {None, WORKING_TYPE}:
        raise Refused(-4031, f"Invalid parameter working type: {working_type}")
    return PlaceAlgo(
        account=account,
        symbol=required("symbol", arguments.symbol()),
        side=_side(arguments),
        type=_type(arguments),
        time_in_force=_time_in_force(arguments),
        quantity=arguments.decimal("quantity"),
        price=arguments.decimal("price"),
        trigger_price=arguments.decimal("triggerPrice"),
        activation=arguments.decimal("activatePrice"),
        callback_rate=arguments.decimal("callbackRate"),
        reduce_only=arguments.flag("reduceOnly", default=False),
        close_position=arguments.flag("closePosition", default=False),
        client_order_id=client_id(arguments, "clientAlgoId"),
        stp=_stp(arguments),
    )


def cancel_algo(arguments: Arguments, account: str) -> CancelAlgo:
    """What DELETE algoOrder says."""
    return CancelAlgo(
        account=account,
        order_id=arguments.whole("algoId"),
        client_order_id=client_id(arguments, "clientAlgoId"),
    )


def set_leverage(arguments: Arguments, account: str) -> SetLeverage:
    """What POST leverage says."""
    return SetLeverage(
        account=account,
        symbol=required("symbol", arguments.symbol()),
        leverage=required("leverage", arguments.whole("leverage")),
    )


def client_id(arguments: Arguments, name: str) -> str | None:
    """A client's own id; Refused -4015 for one that may not be."""
    text = arguments.text(name)
    if text is not None and _CLIENT_ID.match(text) is None:
        raise Refused(-4015, "Client order id is not valid.")
    return text


def require_one_way(arguments: Arguments) -> None:
    """Refused -4061 for a side of hedge mode."""
    side = arguments.choice("positionSide", PositionSide, Refused(-4060, "Invalid position side."))
    if side not in {None, PositionSide.BOTH}:
        raise Refused(-4061, "Order's position side does not match user's setting.")


def _side(arguments: Arguments) -> Side:
    return required("side", arguments.choice("side", Side, Refused(-1117, "Invalid side.")))


def _type(arguments: Arguments) -> OrderType:
    refusal = Refused(-1116, "Invalid orderType.")
    return required("type", arguments.choice("type", OrderType, refusal))


def _time_in_force(arguments: Arguments) -> TimeInForce | None:
    return arguments.choice("timeInForce", TimeInForce, Refused(-1115, "Invalid timeInForce."))


def _stp(arguments: Arguments) -> SelfTradePrevention | None:
    mode = arguments.choice("selfTradePreventionMode", Stp)
    return None if mode is None else SelfTradePrevention(mode)
