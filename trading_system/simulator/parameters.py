"""Which parameters an order of each type must, may and must not carry, and in what shape.

Judged from the command and the symbol's precision alone, before any filter looks at it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from trading_system.simulator.amendments import AmendOrder
from trading_system.simulator.model import (
    OrderType,
    PlaceOrder,
    Refused,
    SymbolRules,
    TimeInForce,
)

_FIELDS = {
    "timeInForce": "time_in_force",
    "quantity": "quantity",
    "quoteOrderQty": "quote_quantity",
    "price": "price",
    "stopPrice": "stop_price",
    "trailingDelta": "trailing_delta",
    "icebergQty": "iceberg_quantity",
}
"""Names on the wire and in the command, of everything whose need depends on the type."""

_BASE_AMOUNTS = ("quantity", "icebergQty")
_QUOTE_AMOUNTS = ("quoteOrderQty", "price", "stopPrice")
_OVERFLOW = Decimal(10) ** 15
"""Beyond this, sums would outgrow the 28 digits that Decimal calculates with."""
_LEAST_STRATEGY_TYPE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    mandatory: tuple[str, ...] = ()
    either: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


_STOP = ("stopPrice", "trailingDelta")
_SHAPES = {
    OrderType.LIMIT: _Shape(
        mandatory=("timeInForce", "quantity", "price"), optional=("icebergQty",)
    ),
    OrderType.LIMIT_MAKER: _Shape(mandatory=("quantity", "price"), optional=("icebergQty",)),
    OrderType.MARKET: _Shape(either=("quantity", "quoteOrderQty")),
    OrderType.STOP_LOSS: _Shape(mandatory=("quantity",), either=_STOP),
    OrderType.TAKE_PROFIT: _Shape(mandatory=("quantity",), either=_STOP),
    OrderType.STOP_LOSS_LIMIT: _Shape(
        mandatory=("timeInForce", "quantity", "price"), either=_STOP, optional=("icebergQty",)
    ),
    OrderType.TAKE_PROFIT_LIMIT: _Shape(
        mandatory=("timeInForce", "quantity", "price"), either=_STOP, optional=("icebergQty",)
    ),
}
"""Binance's rest-api.md, "New order": additional mandatory parameters based on order type."""


def judge(command: PlaceOrder, rules: SymbolRules, *, prefix: str = "") -> None:
    """Raise Refused for the first parameter that is missing, unwanted or misshapen.

    In a list of orders the names of an order's parameters begin with a prefix: aboveStopPrice.
    """
    sent = {
        name: value
        for name, attribute in _FIELDS.items()
        if (value := getattr(command, attribute)) is not None
    }
    _judge_presence(command.type, sent, prefix)
    for name, value in sent.items():
        if isinstance(value, TimeInForce):
            continue
        if value <= 0:
            raise Refused(-1013, f"Invalid {_called(name, prefix)}.")
        if value >= _OVERFLOW:
            raise Refused(-1108, f"Parameter '{_called(name, prefix)}' overflowed.")
    for name in _too_precise(sent, rules):
        raise Refused(-1111, f"Parameter '{_called(name, prefix)}' has too much precision.")
    if command.iceberg_quantity is not None and command.time_in_force in {
        TimeInForce.IOC,
        TimeInForce.FOK,
    }:
        raise Refused(-1014, "Unsupported order combination.")
    if command.strategy_type is not None and command.strategy_type < _LEAST_STRATEGY_TYPE:
        raise Refused(-1134, "`strategyType` was less than 1000000.")
    if command.stp is not None and command.stp not in rules.stp_modes:
        raise Refused(-1013, "This symbol does not allow the specified self-trade prevention mode.")


def judge_amendment(command: AmendOrder, rules: SymbolRules) -> None:
    """Raise Refused for a quantity to shrink to that is misshapen."""
    if command.quantity <= 0:
        raise Refused(-1013, "Invalid newQty.")
    if _decimals(command.quantity) > rules.base_precision:
        raise Refused(-1111, "Parameter 'newQty' has too much precision.")


def _judge_presence(type_: OrderType, sent: dict[str, object], prefix: str) -> None:
    shape = _SHAPES[type_]
    for name in shape.mandatory:
        if name not in sent:
            raise Refused(
                -1102,
                f"Mandatory parameter '{_called(name, prefix)}' was not sent, was empty/null, or "
                "malformed.",
            )
    if shape.either and not any(name in sent for name in shape.either):
        first, second = (_called(name, prefix) for name in shape.either)
        raise Refused(
            -1102, f"Param '{first}' or '{second}' must be sent, but both were empty/null!"
        )
    for name in sent:
        if name not in {*shape.mandatory, *shape.either, *shape.optional}:
            raise Refused(-1106, f"Parameter '{_called(name, prefix)}' sent when not required.")
    if {"quantity", "quoteOrderQty"} <= sent.keys():
        raise Refused(-1128, "Combination of optional parameters invalid.")


def _too_precise(sent: dict[str, object], rules: SymbolRules) -> Iterator[str]:
    kinds = ((_BASE_AMOUNTS, rules.base_precision), (_QUOTE_AMOUNTS, rules.quote_precision))
    for names, digits in kinds:
        for name in names:
            value = sent.get(name)
            if isinstance(value, Decimal) and _decimals(value) > digits:
                yield name


def _called(name: str, prefix: str) -> str:
    """A parameter's name in a request; the two orders of a pair share their quantity."""
    if name == "quantity":
        prefix = re.sub("(above|below)$", "", prefix, flags=re.IGNORECASE)
    return prefix + name[0].upper() + name[1:] if prefix else name


def _decimals(value: Decimal) -> int:
    """Decimal places that matter: 1.500 has one."""
    exponent = value.normalize().as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0
