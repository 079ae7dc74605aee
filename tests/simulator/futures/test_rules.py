"""What a contract lets through, and in which words it refuses the rest."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.simulator.core.conftest import FakeFeed
from tests.simulator.futures.conftest import BTC, ETH, command
from trading_system.simulator.futures.model import PlaceOrder
from trading_system.simulator.futures.rules import ContractRules, contracts
from trading_system.simulator.model import Status, SymbolRules

ALGO_INSTEAD = (
    "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."
)


@pytest.mark.parametrize(
    ("order", "refusal"),
    [
        ({"price": None, "quantity": "0"}, (-4003, "Quantity less than or equal to zero.")),
        (
            {"quantity": "0.000001"},
            (-1111, "Precision is over the maximum defined for this asset."),
        ),
        ({"quantity": "9001"}, (-4005, "Quantity greater than max quantity.")),
        ({"price": None, "quantity": "9001"}, (-4005, "Quantity greater than max quantity.")),
        ({"price": "0"}, None),
        ({"price": "99.001"}, (-1111, "Precision is over the maximum defined for this asset.")),
        ({"price": "105.01"}, (-4016, "Limit price can't be higher than 105.00.")),
        (
            {"side": "SELL", "price": "94.99"},
            (-4024, "Limit price can't be lower than 95.00."),
        ),
        (
            {"quantity": "0.04"},
            (-4164, "Order's notional must be no smaller than 5 (unless you choose reduce only)."),
        ),
        (
            {"price": None, "quantity": "0.04"},
            (-4164, "Order's notional must be no smaller than 5 (unless you choose reduce only)."),
        ),
        (
            {"time_in_force": None},
            (
                -1102,
                "Mandatory parameter 'timeInForce' was not sent, was empty/null, or malformed.",
            ),
        ),
        (
            {"quantity": None},
            (-1102, "Mandatory parameter 'quantity' was not sent, was empty/null, or malformed."),
        ),
        (
            {"type": "MARKET", "time_in_force": None},
            (-1106, "Parameter 'price' sent when not required."),
        ),
        (
            {"type": "STOP_MARKET"},
            (-4120, ALGO_INSTEAD),
        ),
    ],
)
def test_an_order_is_refused_for_the_first_thing_that_is_wrong_with_it(pit, order, refusal):
    order = {"side": "BUY", "quantity": "1", "price": "99", "time_in_force": "GTC", **order}
    if order["price"] is None and order.get("type") is None:
        order |= {"time_in_force": None}
    if refusal is None:
        refusal = (-4001, "Price less than or equal to zero.")
    order.setdefault("type", "LIMIT" if order["price"] else "MARKET")
    assert pit.refusal(_place, pit, order) == refusal


def _place(pit, order):
    pit.do(command(PlaceOrder, order))


@pytest.mark.parametrize(
    ("rules", "order", "code"),
    [
        ({"min_quantity": Decimal("0.1")}, ("0.05", "99"), -4004),
        ({"step_size": Decimal("0.5")}, ("0.7", "99"), -4023),
        ({"min_price": Decimal(50)}, ("1", "49"), -4013),
        ({"max_price": Decimal(101)}, ("1", "102"), -4002),
        ({"tick_size": Decimal("0.5")}, ("1", "99.7"), -4014),
        ({"market_max_quantity": Decimal(2)}, ("3", None), -4005),
    ],
)
def test_every_filter_can_fail(make_pit, rules, order, code):
    pit = make_pit(replace(BTC, **rules))
    assert pit.code(pit.buy, *order) == code


def test_prices_at_the_bounds_are_let_through(pit):
    pit.feed.bids.clear()
    pit.feed.asks.clear()
    assert pit.buy("1", "105.00").is_working
    assert pit.sell("1", "95.00", account="bob").status is Status.FILLED


def test_a_sale_has_no_ceiling_and_a_purchase_no_floor(pit):
    assert pit.sell("1", "900").is_working
    assert pit.buy("1", "10").is_working


def test_an_order_that_only_reduces_may_be_worth_nothing(pit):
    pit.buy("1")
    pit.sell("0.01", "101", reduce_only=True)


STOP = {"type_": "STOP_MARKET", "quantity": "1", "trigger_price": "101"}
LIMIT = {"type_": "STOP", "quantity": "1", "trigger_price": "101", "price": "101"}
TRAIL = {"type_": "TRAILING_STOP_MARKET", "quantity": "1", "callback_rate": "1"}
CLOSE = {"type_": "STOP_MARKET", "trigger_price": "101", "close_position": True}


@pytest.mark.parametrize(
    ("algo", "code"),
    [
        (STOP, None),
        (LIMIT, None),
        (TRAIL, None),
        (CLOSE, None),
        (STOP | {"time_in_force": "GTC"}, None),
        (STOP | {"type_": "LIMIT"}, -1116),
        (STOP | {"price": "101"}, -1106),
        (STOP | {"trigger_price": None}, -1102),
        (STOP | {"quantity": None}, -1102),
        (STOP | {"quantity": "0"}, -4003),
        (STOP | {"activation": "101"}, -1106),
        (STOP | {"callback_rate": "1"}, -1106),
        (STOP | {"time_in_force": "IOC"}, -1115),
        (STOP | {"trigger_price": "101.001"}, -1111),
        (LIMIT | {"price": None}, -1102),
        (LIMIT | {"price": "0"}, -4001),
        (TRAIL | {"callback_rate": None}, -1102),
        (TRAIL | {"callback_rate": "0.09"}, -2007),
        (TRAIL | {"callback_rate": "10.1"}, -2007),
        (TRAIL | {"trigger_price": "101"}, -1106),
        (CLOSE | {"type_": "STOP", "price": "101"}, -4138),
        (CLOSE | {"quantity": "1"}, -4136),
        (CLOSE | {"reduce_only": True}, -1106),
    ],
)
def test_an_algo_order_carries_what_its_type_needs_and_nothing_else(pit, algo, code):
    if code is None:
        pit.wait("BUY", **algo)
    else:
        assert pit.code(pit.wait, "BUY", **algo) == code


def test_contracts_have_the_ticks_and_steps_of_their_pairs():
    odd = SymbolRules(
        symbol="PEPEUSDT",
        base="PEPE",
        quote="USDT",
        tick_size=Decimal("0.00000001"),
        step_size=Decimal(1),
        market_max_quantity=Decimal(0),
    )
    rules = ContractRules(spot=odd)
    assert (rules.price_precision, rules.quantity_precision) == (8, 0)
    assert rules.market_max_quantity == odd.max_quantity
    listed = contracts(FakeFeed(BTC, ETH, replace(BTC, symbol="BTCEUR", quote="EUR")))
    assert list(listed) == ["BTCUSDT", "ETHUSDT"]
