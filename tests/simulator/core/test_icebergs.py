"""Iceberg orders: a visible part in the book, filled part by part, each behind the queue."""

from dataclasses import replace
from decimal import Decimal

import pytest

from trading_system.simulator.model import Status, SymbolRules

RULES = SymbolRules(symbol="BTCUSDT", base="BTC", quote="USDT")


def shown(floor, side="asks"):
    return getattr(floor.venue.depth("BTCUSDT", floor.now), side)[0]


def trades(told):
    return [line for line in told if line.startswith("TRADE")]


@pytest.mark.parametrize(
    ("quantity", "iceberg", "prints", "fills", "left"),
    [
        # 5 in parts of 2; what trades print at or through the price, part by part
        ("5", "2", ["1"], ["1"], "1"),
        ("5", "2", ["2"], ["2"], "2"),
        ("5", "2", ["3"], ["2", "1"], "1"),
        ("5", "2", ["3", "1.5"], ["2", "1", "1", "0.5"], "0.5"),
        ("5", "2", ["9"], ["2", "2", "1"], None),
        ("5", "5", ["9"], ["5"], None),
        ("1", "0.4", ["0.1", "0.1", "0.1", "0.1", "0.1"], ["0.1"] * 5, "0.3"),
    ],
)
@pytest.mark.parametrize(("side", "price"), [("BUY", "99.95"), ("SELL", "100.05")])
def test_it_fills_part_by_part_from_the_tape(
    floor, story, side, price, quantity, iceberg, prints, fills, left
):
    order = floor.place(floor.command(side, quantity, price, iceberg_quantity=iceberg))
    told = [line for printed in prints for line in trades(story(floor.print(price, printed)))]
    assert [line.split()[2] for line in told] == [f"{fill}@{price}" for fill in fills]
    assert order.executed == sum(map(Decimal, fills))
    if left is None:
        assert order.status is Status.FILLED
    else:
        assert order.status is Status.PARTIALLY_FILLED
        level = shown(floor, "bids" if side == "BUY" else "asks")
        assert level == (Decimal(price), Decimal(left))


def test_each_new_part_goes_behind_whoever_came_meanwhile(floor, story):
    floor.sell("3", "100.05", iceberg_quantity="1")
    floor.sell("2", "100.05", account="bob")
    floor.sell("1", "100.05", iceberg_quantity="0.5")
    assert trades(story(floor.print("100.05", "5"))) == [
        "TRADE 1 1@100.05",
        "TRADE 2 2@100.05",
        "TRADE 3 0.5@100.05",
        "TRADE 1 1@100.05",
        "TRADE 3 0.5@100.05",
    ]
    assert shown(floor).quantity == 1


def test_a_part_partly_filled_keeps_its_place(floor, story):
    floor.sell("4", "100.05", iceberg_quantity="2")
    floor.sell("1", "100.05", account="bob")
    floor.print("100.05", "1")
    assert trades(story(floor.print("100.05", "2"))) == ["TRADE 1 1@100.05", "TRADE 2 1@100.05"]


def test_a_taker_meets_every_part_as_it_comes_up(floor, story):
    floor.sell("3", "100.05", iceberg_quantity="1")
    floor.sell("1", "100.05", iceberg_quantity="0.5")
    told = story(floor.do(floor.command("BUY", "3", account="bob")))
    makers = [line for line in trades(told) if not line.startswith("TRADE 3")]
    assert makers == [
        "TRADE 1 1@100.05",
        "TRADE 2 0.5@100.05",
        "TRADE 1 1@100.05",
        "TRADE 2 0.5@100.05",
    ]
    assert shown(floor) == (Decimal("100.05"), 1)


def test_what_it_takes_is_not_cut_into_parts(floor, story):
    """Only what rests is hidden: 1 at 100.10 is there for the taking, the other 4 rest."""
    told = story(floor.do(floor.command("BUY", "5", "100.15", iceberg_quantity="2")))
    assert trades(told) == ["TRADE 1 1@100.10"]
    assert shown(floor, "bids") == (Decimal("100.15"), 2)
    assert floor.balance("USDT")[1] == 4 * Decimal("100.15")


def test_a_stop_limit_order_rests_as_an_iceberg_once_it_fires(floor):
    more = {"type": "STOP_LOSS_LIMIT", "stop_price": "99", "iceberg_quantity": "1"}
    floor.sell("3", "100.05", **more)
    assert shown(floor) == (Decimal("100.10"), 1)
    floor.print("98")
    assert shown(floor) == (Decimal("100.05"), 1)


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"time_in_force": "IOC"}, (-1014, "Unsupported order combination.")),
        ({"time_in_force": "FOK"}, (-1014, "Unsupported order combination.")),
        ({"iceberg_quantity": "3.1"}, (-2010, "IcebergQty exceeds QTY.")),
        ({"iceberg_quantity": "0"}, (-1013, "Invalid icebergQty.")),
        ({"iceberg_quantity": "1.000001"}, (-1013, "Filter failure: LOT_SIZE")),
        ({"iceberg_quantity": "0.02"}, (-1013, "Filter failure: ICEBERG_PARTS")),
    ],
)
def test_what_no_iceberg_may_be(floor, more, refusal):
    wish = floor.command("SELL", "3", "101", **{"iceberg_quantity": "1", **more})
    assert floor.refusal(floor.do, wish) == refusal


@pytest.mark.parametrize("more", [{}, {"type": "LIMIT_MAKER"}, {"iceberg_quantity": "0.03"}])
def test_what_an_iceberg_may_be(floor, more):
    """Good till cancelled or post only, in up to 100 parts."""
    order = floor.sell("3", "101", **{"iceberg_quantity": "1", **more})
    assert order.status is Status.NEW


def test_so_many_may_be_open_and_no_more(make_floor):
    floor = make_floor(replace(RULES, max_num_iceberg_orders=2))
    first = floor.sell("1", "101", iceberg_quantity="0.5")
    floor.sell("1", "102", iceberg_quantity="0.5")
    third = floor.command("SELL", "1", "103", iceberg_quantity="0.5")
    assert floor.refusal(floor.do, third) == (-1013, "Filter failure: MAX_NUM_ICEBERG_ORDERS")
    floor.sell("1", "103")
    floor.cancel(first)
    floor.place(third)
