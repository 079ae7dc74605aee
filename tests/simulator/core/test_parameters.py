"""Which parameters go with which order type."""

from decimal import Decimal
from itertools import product

import pytest

from trading_system.simulator import parameters
from trading_system.simulator.model import (
    OrderType,
    PlaceOrder,
    Refused,
    Side,
    SymbolRules,
    TimeInForce,
)
from trading_system.simulator.self_trades import SelfTradePrevention

RULES = SymbolRules(
    symbol="BTCUSDT",
    base="BTC",
    quote="USDT",
    base_precision=5,
    quote_precision=2,
    stp_modes=(SelfTradePrevention.NONE,),
)
VALUES = {
    "time_in_force": TimeInForce.GTC,
    "quantity": Decimal(1),
    "quote_quantity": Decimal(100),
    "price": Decimal(100),
    "stop_price": Decimal(90),
    "trailing_delta": 100,
    "iceberg_quantity": Decimal("0.1"),
}
WIRE = dict(
    zip(
        VALUES,
        ("timeInForce", "quantity", "quoteOrderQty", "price", "stopPrice", "trailingDelta",
         "icebergQty"),
        strict=True,
    )
)  # fmt: skip
LIMIT = ("time_in_force", "quantity", "price")
# type: what it must have, groups of which one is enough, what it may have
NEEDS = {
    OrderType.LIMIT: (LIMIT, (), ("iceberg_quantity",)),
    OrderType.LIMIT_MAKER: (("quantity", "price"), (), ("iceberg_quantity",)),
    OrderType.MARKET: ((), ("quantity", "quote_quantity"), ()),
    OrderType.STOP_LOSS: (("quantity",), ("stop_price", "trailing_delta"), ()),
    OrderType.TAKE_PROFIT: (("quantity",), ("stop_price", "trailing_delta"), ()),
    OrderType.STOP_LOSS_LIMIT: (LIMIT, ("stop_price", "trailing_delta"), ("iceberg_quantity",)),
    OrderType.TAKE_PROFIT_LIMIT: (LIMIT, ("stop_price", "trailing_delta"), ("iceberg_quantity",)),
}


def command(type_, names=(), **more):
    fields = {name: VALUES[name] for name in names} | more
    return PlaceOrder(account="ann", symbol="BTCUSDT", side=Side.BUY, type=type_, **fields)


def code(command):
    try:
        parameters.judge(command, RULES)
    except Refused as refusal:
        return refusal.code, refusal.message
    return None


def complete(type_):
    must, either, _ = NEEDS[type_]
    return {*must, *either[:1]}


@pytest.mark.parametrize("type_", OrderType)
def test_what_a_type_needs_is_enough_and_what_it_may_have_does_no_harm(type_):
    _, either, may = NEEDS[type_]
    assert code(command(type_, complete(type_))) is None
    assert code(command(type_, complete(type_) | set(may))) is None
    for one in either:
        assert code(command(type_, complete(type_) - set(either) | {one})) is None


@pytest.mark.parametrize(("type_", "name"), list(product(OrderType, VALUES)))
def test_a_missing_or_unwanted_parameter_is_named(type_, name):
    must, either, may = NEEDS[type_]
    if name in must:
        told = f"Mandatory parameter '{WIRE[name]}' was not sent, was empty/null, or malformed."
        assert code(command(type_, complete(type_) - {name})) == (-1102, told)
    elif name in either:
        told = " or ".join(f"'{WIRE[other]}'" for other in either)
        told = f"Param {told} must be sent, but both were empty/null!"
        assert code(command(type_, complete(type_) - set(either))) == (-1102, told)
    elif name not in may:
        told = f"Parameter '{WIRE[name]}' sent when not required."
        assert code(command(type_, complete(type_) | {name})) == (-1106, told)


@pytest.mark.parametrize(
    ("type_", "more", "expected"),
    [
        (
            "LIMIT",
            {"price": Decimal("1.001")},
            (-1111, "Parameter 'price' has too much precision."),
        ),
        ("LIMIT", {"price": Decimal("1.010000")}, None),
        ("LIMIT", {"price": Decimal("1E+3")}, None),
        (
            "LIMIT",
            {"quantity": Decimal("0.000001")},
            (-1111, "Parameter 'quantity' has too much precision."),
        ),
        ("LIMIT", {"quantity": Decimal("0.000010")}, None),
        ("LIMIT", {"quantity": Decimal(0)}, (-1013, "Invalid quantity.")),
        ("LIMIT", {"price": Decimal(-1)}, (-1013, "Invalid price.")),
        ("STOP_LOSS", {"trailing_delta": 0}, (-1013, "Invalid trailingDelta.")),
        ("LIMIT", {"strategy_type": 999_999}, (-1134, "`strategyType` was less than 1000000.")),
        ("LIMIT", {"strategy_type": 1_000_000}, None),
        ("LIMIT", {"stp": SelfTradePrevention.NONE}, None),
        (
            "LIMIT",
            {"stp": SelfTradePrevention.DECREMENT},
            (-1013, "This symbol does not allow the specified self-trade prevention mode."),
        ),
        (
            "LIMIT",
            {"iceberg_quantity": Decimal("0.1"), "time_in_force": TimeInForce.IOC},
            (-1014, "Unsupported order combination."),
        ),
        (
            "MARKET",
            {"quote_quantity": Decimal(1)},
            (-1128, "Combination of optional parameters invalid."),
        ),
        ("MARKET", {"quantity": Decimal("1E+15")}, (-1108, "Parameter 'quantity' overflowed.")),
    ],
)
def test_a_misshapen_parameter_is_refused(type_, more, expected):
    type_ = OrderType(type_)
    fields = {name: VALUES[name] for name in complete(type_)}
    assert code(command(type_, **(fields | more))) == expected
