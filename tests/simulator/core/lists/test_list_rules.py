"""Binance's errors.md, -1158 to -1168 and -1196 to -1199, and the relation of prices."""

from __future__ import annotations

import pytest

from trading_system.simulator.list_model import Pair, PlaceList

MAKER = {"type": "LIMIT_MAKER"}
STOP, STOP_LIMIT = {"type": "STOP_LOSS"}, {"type": "STOP_LOSS_LIMIT"}
PROFIT, PROFIT_LIMIT = {"type": "TAKE_PROFIT"}, {"type": "TAKE_PROFIT_LIMIT"}
HIGH, LOW = "110", "90"


def order(floor, side, at, *, type, **more):  # noqa: A002 -- the name of the field
    """An order of that type whose price and stop price, where it has them, are `at`."""
    if type in {"LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"}:
        more.setdefault("price", at)
    if type not in {"LIMIT", "LIMIT_MAKER", "MARKET"}:
        more.setdefault("stop_price", at)
    return floor.command(side, "1", more.pop("price", None), type=type, **more)


@pytest.mark.parametrize(
    ("side", "above", "below", "refusal"),
    [
        ("BUY", {"type": "LIMIT"}, MAKER, (-1158, "Order type not supported in OCO.")),
        ("SELL", MAKER, {"type": "MARKET"}, (-1158, "Order type not supported in OCO.")),
        ("SELL", MAKER, MAKER, (-1168, "At least one OCO order must be contingent.")),
        ("BUY", MAKER, STOP, (-1165, "A limit order in a buy OCO must be below.")),
        ("SELL", PROFIT, MAKER, (-1166, "A limit order in a sell OCO must be above.")),
        ("BUY", STOP, STOP_LIMIT, (-1196, "A stop loss order in a buy OCO must be above.")),
        ("SELL", STOP, STOP_LIMIT, (-1197, "A stop loss order in a sell OCO must be below.")),
        ("BUY", PROFIT, STOP, (-1198, "A take profit order in a buy OCO must be below.")),
        ("BUY", PROFIT_LIMIT, MAKER, (-1198, "A take profit order in a buy OCO must be below.")),
        ("SELL", MAKER, PROFIT, (-1199, "A take profit order in a sell OCO must be above.")),
        ("SELL", STOP, PROFIT, (-1197, "A stop loss order in a sell OCO must be below.")),
        (
            "SELL",
            MAKER,
            STOP_LIMIT | {"iceberg_quantity": "0.5", "time_in_force": "IOC"},
            (
                -1160,
                "Parameter 'belowIcebergQty' is not supported if 'belowTimeInForce' is not GTC.",
            ),
        ),
    ],
)
def test_types_that_do_not_make_a_pair(floor, desk, side, above, below, refusal):
    pair = Pair(above=order(floor, side, HIGH, **above), below=order(floor, side, LOW, **below))
    assert floor.refusal(desk.place, PlaceList(rest=pair)) == refusal
    working = floor.command("BUY", "1", "99")
    if refusal[0] != -1160:  # there it names another parameter
        assert floor.refusal(desk.place, PlaceList(working=working, rest=pair)) == refusal


@pytest.mark.parametrize(
    ("side", "above", "below"),
    [
        ("SELL", MAKER, STOP),
        ("SELL", MAKER, STOP_LIMIT | {"iceberg_quantity": "0.5"}),
        ("SELL", PROFIT, STOP),
        ("SELL", PROFIT_LIMIT, STOP_LIMIT | {"time_in_force": "IOC"}),
        ("BUY", STOP, MAKER | {"iceberg_quantity": "0.5"}),
        ("BUY", STOP_LIMIT, PROFIT),
        ("BUY", STOP_LIMIT, PROFIT_LIMIT),
    ],
)
def test_types_that_make_a_pair(floor, desk, side, above, below):
    above, below = order(floor, side, HIGH, **above), order(floor, side, LOW, **below)
    first, second = desk.place(PlaceList(rest=Pair(above=above, below=below)))
    assert "STOP_LOSS" in first.type
    assert "STOP_LOSS" not in second.type


@pytest.mark.parametrize(
    ("side", "above", "below"),
    [
        ("SELL", MAKER | {"price": "99.99"}, STOP),
        ("SELL", MAKER | {"price": "100"}, STOP),
        ("SELL", MAKER, STOP | {"stop_price": "100"}),
        ("SELL", MAKER, STOP_LIMIT | {"stop_price": "100.01"}),
        ("SELL", PROFIT | {"stop_price": "100"}, STOP),
        ("SELL", PROFIT_LIMIT | {"price": "100"}, STOP),
        ("BUY", STOP | {"stop_price": "100"}, MAKER),
        ("BUY", STOP, MAKER | {"price": "100"}),
        ("BUY", STOP, PROFIT | {"stop_price": "100.01"}),
    ],
)
def test_the_last_trade_lies_between_the_orders_of_a_pair(floor, desk, side, above, below):
    pair = Pair(above=order(floor, side, HIGH, **above), below=order(floor, side, LOW, **below))
    assert floor.refusal(desk.place, PlaceList(rest=pair)) == (
        -2010,
        "The relationship of the prices for the orders is not correct.",
    )


def test_a_take_profit_limit_lies_where_its_price_does_and_must_not_trigger_either(floor, desk):
    above = order(floor, "SELL", HIGH, **PROFIT_LIMIT, stop_price="100")
    pair = Pair(above=above, below=order(floor, "SELL", LOW, **STOP))
    assert floor.refusal(desk.place, PlaceList(rest=pair)) == (
        -2010,
        "Order would trigger immediately.",
    )


def test_a_trailing_order_without_a_stop_price_may_lie_anywhere(floor, desk):
    trailing = floor.command("SELL", "1", type="STOP_LOSS", trailing_delta=500)
    pair = Pair(above=order(floor, "SELL", HIGH, **MAKER), below=trailing)
    stop, _ = desk.place(PlaceList(rest=pair))
    floor.print("105")
    floor.print("99.70")
    assert stop.status == "FILLED"


@pytest.mark.parametrize("kind", ["MARKET", "STOP_LOSS"])
def test_a_working_order_is_a_limit_order(floor, desk, kind):
    working = order(floor, "BUY", HIGH, type=kind)
    assert floor.refusal(desk.oto, working=working) == (
        -1130,
        "Data sent for parameter 'workingType' is not valid.",
    )
    desk.oto(working=order(floor, "BUY", LOW, **MAKER))
