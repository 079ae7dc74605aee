"""Every filter, on both sides of its line."""

from dataclasses import replace
from decimal import Decimal

import pytest

from trading_system.simulator.filters import FILTERS, ExchangeLimits
from trading_system.simulator.model import SymbolRules
from trading_system.simulator.venue import Venue

RULES = SymbolRules(
    symbol="BTCUSDT",
    base="BTC",
    quote="USDT",
    tick_size=Decimal("0.05"),
    min_price=Decimal(50),
    max_price=Decimal(200),
    step_size=Decimal("0.02"),
    min_quantity=Decimal("0.1"),
    max_quantity=Decimal(20),
    market_min_quantity=Decimal("0.2"),
    market_max_quantity=Decimal(10),
    market_step_size=Decimal("0.1"),
    min_notional=Decimal(20),
    max_notional=Decimal(1500),
    bid_multiplier_up=Decimal("1.2"),
    bid_multiplier_down=Decimal("0.8"),
    ask_multiplier_up=Decimal("1.5"),
    ask_multiplier_down=Decimal("0.9"),
    iceberg_parts=5,
    min_trailing_above_delta=10,
    max_trailing_above_delta=200,
    min_trailing_below_delta=20,
    max_trailing_below_delta=400,
)


@pytest.mark.parametrize(
    ("fails", "side", "quantity", "price", "more"),
    [
        (None, "BUY", "1", "100", {}),
        # the average price is 100
        ("PRICE_FILTER", "BUY", "1", "49.95", {}),
        ("PRICE_FILTER", "BUY", "1", "200.05", {}),
        ("PRICE_FILTER", "BUY", "1", "100.01", {}),
        ("PRICE_FILTER", "BUY", "1", None, {"type": "STOP_LOSS", "stop_price": "100.01"}),
        (None, "BUY", "1", None, {"type": "STOP_LOSS", "stop_price": "200"}),
        (None, "BUY", "1", "120", {}),
        (None, "BUY", "1", "80", {}),
        ("PERCENT_PRICE_BY_SIDE", "BUY", "1", "120.05", {}),
        ("PERCENT_PRICE_BY_SIDE", "BUY", "1", "79.95", {}),
        (None, "SELL", "1", "150", {}),
        (None, "SELL", "1", "90", {}),
        ("PERCENT_PRICE_BY_SIDE", "SELL", "1", "150.05", {}),
        ("PERCENT_PRICE_BY_SIDE", "SELL", "1", "89.95", {}),
        ("LOT_SIZE", "BUY", "0.08", "100", {}),
        ("LOT_SIZE", "BUY", "20.02", "100", {}),
        ("LOT_SIZE", "BUY", "1.01", "100", {}),
        (None, "BUY", "0.5", "100", {"iceberg_quantity": "0.1"}),
        ("LOT_SIZE", "BUY", "0.5", "100", {"iceberg_quantity": "0.08"}),
        (None, "BUY", "0.2", None, {}),
        ("MARKET_LOT_SIZE", "BUY", "0.1", None, {}),
        ("MARKET_LOT_SIZE", "BUY", "10.1", None, {}),
        ("MARKET_LOT_SIZE", "BUY", "0.22", None, {}),
        (None, "BUY", None, None, {"quote_quantity": "20"}),
        ("NOTIONAL", "BUY", None, None, {"quote_quantity": "19"}),
        (None, "BUY", "0.2", "100", {}),
        ("NOTIONAL", "BUY", "0.18", "100", {}),
        (None, "BUY", "15", "100", {}),
        ("NOTIONAL", "BUY", "15.02", "100", {}),
        ("NOTIONAL", "BUY", "0.18", None, {"type": "STOP_LOSS", "stop_price": "110"}),
        ("NOTIONAL", "BUY", "0.18", None, {"type": "STOP_LOSS", "trailing_delta": 100}),
        (None, "BUY", "0.2", None, {"type": "STOP_LOSS", "trailing_delta": 100}),
        ("ICEBERG_PARTS", "BUY", "0.52", "100", {"iceberg_quantity": "0.1"}),
        ("TRAILING_DELTA", "BUY", "1", None, {"type": "STOP_LOSS", "trailing_delta": 9}),
        (None, "BUY", "1", None, {"type": "STOP_LOSS", "trailing_delta": 10}),
        ("TRAILING_DELTA", "BUY", "1", None, {"type": "STOP_LOSS", "trailing_delta": 201}),
        ("TRAILING_DELTA", "SELL", "1", None, {"type": "TAKE_PROFIT", "trailing_delta": 201}),
        ("TRAILING_DELTA", "BUY", "1", None, {"type": "TAKE_PROFIT", "trailing_delta": 19}),
        ("TRAILING_DELTA", "SELL", "1", None, {"type": "STOP_LOSS", "trailing_delta": 401}),
        (None, "SELL", "1", None, {"type": "STOP_LOSS", "trailing_delta": 400}),
    ],
)
def test_filters_of_price_and_quantity(make_floor, fails, side, quantity, price, more):
    floor = make_floor(RULES)
    command = floor.command(side, quantity, price, **more)
    if fails is None:
        floor.venue.check(command, floor.now)
    else:
        expected = (-1013, f"Filter failure: {fails}")
        assert floor.refusal(floor.venue.check, command, floor.now) == expected
        assert floor.refusal(floor.do, command) == expected


def test_market_orders_have_bounds_of_worth_only_where_the_symbol_says_so(make_floor):
    small, big = ("BUY", "0.18"), ("BUY", "15.5")
    loose = replace(
        RULES, apply_min_to_market=False, market_min_quantity=Decimal(0),
        market_max_quantity=Decimal(0), market_step_size=Decimal(0),
    )  # fmt: skip
    floor = make_floor(loose)
    floor.venue.check(floor.command(*small), floor.now)
    floor.venue.check(floor.command(*big), floor.now)
    strict = replace(loose, apply_min_to_market=True, apply_max_to_market=True)
    floor = make_floor(strict)
    for order in (small, big):
        told = floor.refusal(floor.venue.check, floor.command(*order), floor.now)
        assert told == (-1013, "Filter failure: NOTIONAL")


def test_zero_disables_a_bound(make_floor):
    zero = Decimal(0)
    floor = make_floor(
        replace(
            RULES, min_price=zero, max_price=zero, tick_size=zero, max_quantity=zero,
            max_notional=zero, iceberg_parts=0, bid_multiplier_up=Decimal(100),
        )
    )  # fmt: skip
    floor.venue.check(floor.command("BUY", "900", "1000.01", iceberg_quantity="0.1"), floor.now)


STOP = {"type": "STOP_LOSS", "stop_price": "90"}
ICEBERG = {"iceberg_quantity": "0.5"}


@pytest.mark.parametrize(
    ("fails", "limits", "order", "harmless"),
    [
        ("MAX_NUM_ORDERS", {"max_num_orders": 2}, {"price": "150"}, None),
        ("MAX_NUM_ALGO_ORDERS", {"max_num_algo_orders": 2}, STOP, {"price": "150"}),
        (
            "MAX_NUM_ICEBERG_ORDERS",
            {"max_num_iceberg_orders": 2},
            ICEBERG | {"price": "150"},
            {"price": "150"},
        ),
    ],
)
def test_open_orders_of_a_kind_are_counted_until_they_are_over(
    make_floor, fails, limits, order, harmless
):
    floor = make_floor(SymbolRules(symbol="BTCUSDT", base="BTC", quote="USDT", **limits))
    first = floor.sell("1", **order)
    floor.sell("1", **order)
    third = floor.command("SELL", "1", **order)
    assert floor.refusal(floor.do, third) == (-1013, f"Filter failure: {fails}")
    if harmless:
        floor.sell("1", **harmless)
    floor.sell("1", **order, account="bob")
    floor.cancel(first)
    floor.place(third)


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("max_num_orders", {"price": "150"}),
        ("max_num_algo_orders", STOP),
        ("max_num_iceberg_orders", ICEBERG | {"price": "150"}),
    ],
)
def test_the_exchange_counts_over_all_symbols(make_floor, name, order):
    floor = make_floor(
        *(SymbolRules(symbol=f"{base}USDT", base=base, quote="USDT") for base in ("BTC", "ETH")),
        balances={"BTC": "9", "ETH": "9"},
    )
    floor.venue = Venue(floor.feed, limits=ExchangeLimits(**{name: 1}))
    for account in ("ann", "bob"):
        floor.venue.open_account(account, {"BTC": Decimal(9), "ETH": Decimal(9)})
    floor.sell("1", **order)
    second = floor.command("SELL", "1", symbol="ETHUSDT", **order)
    told = floor.refusal(floor.do, second)
    assert told == (-1013, f"Filter failure: EXCHANGE_{name.upper()}")


def test_the_position_counts_what_is_held_and_what_is_on_its_way(make_floor):
    rules = SymbolRules(symbol="BTCUSDT", base="BTC", quote="USDT", max_position=Decimal(13))
    floor = make_floor(rules)
    floor.sell("1", "150")  # locked is held too
    floor.buy("2", "90")
    for price, quantity in (("90", "1.01"), (None, "1.01")):
        told = floor.refusal(floor.do, floor.command("BUY", quantity, price))
        assert told == (-1013, "Filter failure: MAX_POSITION")
    by_quote = floor.command("BUY", None, quote_quantity="101")
    assert floor.refusal(floor.do, by_quote) == (-1013, "Filter failure: MAX_POSITION")
    floor.buy("1", "90")
    floor.sell("5")


def test_every_filter_of_the_table_is_tested_here():
    """A filter added without a case here would be a promise nobody checks."""
    tested = {
        "PRICE_FILTER", "PERCENT_PRICE_BY_SIDE", "LOT_SIZE", "MARKET_LOT_SIZE", "NOTIONAL",
        "ICEBERG_PARTS", "TRAILING_DELTA", "MAX_POSITION", "MAX_NUM_ORDERS",
        "MAX_NUM_ALGO_ORDERS", "MAX_NUM_ICEBERG_ORDERS", "EXCHANGE_MAX_NUM_ORDERS",
        "EXCHANGE_MAX_NUM_ALGO_ORDERS", "EXCHANGE_MAX_NUM_ICEBERG_ORDERS",
        "PERCENT_PRICE", "MIN_NOTIONAL", "MAX_ASSET",
    }  # fmt: skip
    assert set(FILTERS) == tested


def test_a_market_order_that_needs_no_average_does_not_ask_for_one(make_floor):
    floor = make_floor(RULES)
    floor.feed.average_price = None
    floor.venue.check(floor.command("BUY", None, quote_quantity="50"), floor.now)


OLDER = replace(
    RULES,
    percent_multiplier_up=Decimal("1.1"),
    percent_multiplier_down=Decimal("0.9"),
    least_worth=Decimal(50),
)


@pytest.mark.parametrize(
    ("fails", "quantity", "price"),
    [
        (None, "1", "110"),
        ("PERCENT_PRICE", "1", "110.05"),
        ("PERCENT_PRICE", "1", "89.95"),
        (None, "0.5", "100"),
        ("MIN_NOTIONAL", "0.48", "100"),
        (None, "0.5", None),
        ("MIN_NOTIONAL", "0.4", None),
    ],
)
def test_the_filters_of_older_symbols_hold_too(make_floor, fails, quantity, price):
    floor = make_floor(OLDER)
    order = floor.command("BUY", quantity, price)
    if fails is None:
        floor.venue.check(order, floor.now)
    else:
        told = floor.refusal(floor.venue.check, order, floor.now)
        assert told == (-1013, f"Filter failure: {fails}")


def test_an_older_symbol_may_leave_market_orders_free_of_a_least_worth(make_floor):
    floor = make_floor(replace(OLDER, least_worth_of_market=False))
    floor.venue.check(floor.command("BUY", "0.4"), floor.now)


@pytest.mark.parametrize(
    ("limits", "quantity", "passes"),
    [
        ({"BTC": Decimal(2)}, "2", True),
        ({"BTC": Decimal(2)}, "2.02", False),
        ({"BTC": Decimal(2), "USDT": Decimal(900)}, None, True),
        ({"USDT": Decimal(150)}, "1.5", True),
        ({"USDT": Decimal(150)}, "1.52", False),
        ({"ETH": Decimal(1)}, "5", True),
    ],
)
def test_an_order_moves_no_more_of_an_asset_than_it_may(make_floor, limits, quantity, passes):
    floor = make_floor(RULES)
    floor.venue = Venue(floor.feed, limits=ExchangeLimits(max_asset=limits))
    for account in ("ann", "bob"):
        floor.venue.open_account(account, {"USDT": Decimal(10_000)})
    worth = {"quote_quantity": "300"} if quantity is None else {}
    order = floor.command("BUY", quantity, None if worth else "100", **worth)
    if passes:
        floor.venue.check(order, floor.now)
    else:
        told = floor.refusal(floor.venue.check, order, floor.now)
        assert told == (-1013, "Filter failure: MAX_ASSET")
