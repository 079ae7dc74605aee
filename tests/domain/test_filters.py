"""What passes a venue's filters, and what would."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.domain.filters import conformed, violations
from trading_system.domain.instruments import Instrument, Symbol
from trading_system.domain.orders import OrderRequest, OrderType, Side

BTC = Symbol("BTC", "USDT")
LISTED = Instrument(
    symbol=BTC,
    venue_id="BTCUSDT",
    tradable=True,
    order_types=frozenset(OrderType),
    tick_size=Decimal("0.01"),
    step_size=Decimal("0.00001"),
    min_quantity=Decimal("0.0001"),
    max_quantity=Decimal(9_000),
    min_notional=Decimal(5),
    max_notional=Decimal(1_000_000),
    min_price=Decimal("0.01"),
    max_price=Decimal(1_000_000),
    market_step_size=Decimal("0.001"),
    market_max_quantity=Decimal(100),
    iceberg_parts=10,
    trailing_above=(10, 2_000),
    trailing_below=(20, 1_000),
)
PRICE = Decimal(90_000)
MARKET = "type=MARKET"

TABLE = """
order                                        | filter | field | nearest | adjustable
q=0.001 price=90000                          |  |  |  |
q=0.001 price=90000.017                      | PRICE_FILTER | price | 90000.01 | yes
side=SELL q=0.001 price=90000.011            | PRICE_FILTER | price | 90000.02 | yes
q=0.001 price=2000000                        | PRICE_FILTER | price | 1000000 | yes
q=9000 price=0.001                           | PRICE_FILTER | price | 0.01 | yes
type=STOP_LOSS q=0.001 stop_price=90001.005  | PRICE_FILTER | stop_price | 90001.00 | yes
q=0.001234567 price=90000                    | LOT_SIZE | quantity | 0.00123 | yes
q=0.00009 price=90000                        | LOT_SIZE | quantity | 0.0001 | no
q=9001 price=1                               | LOT_SIZE | quantity | 9000 | yes
type=MARKET q=0.0015                         | MARKET_LOT_SIZE | quantity | 0.001 | yes
type=MARKET q=101                            | MARKET_LOT_SIZE | quantity | 100 | yes
q=0.001 price=100                            | NOTIONAL | quantity | 0.05 | no
q=20 price=90000                             | NOTIONAL | quantity | 11.11111 | yes
type=MARKET q=20                             |  |  |  |
type=MARKET quote_quantity=4.5               | NOTIONAL | quote_quantity | 5 | no
type=MARKET quote_quantity=5                 |  |  |  |
q=1 price=90000 iceberg=0.01                 | ICEBERG_PARTS | iceberg_quantity | 0.1 | no
q=1 price=90000 iceberg=0.1                  |  |  |  |
q=0.0005 price=90000 iceberg=0               | LOT_SIZE | iceberg_quantity | 0.0001 | no
type=STOP_LOSS q=1 trailing=5                | TRAILING_DELTA | trailing_delta | 10 | no
type=STOP_LOSS side=SELL q=1 trailing=1500   | TRAILING_DELTA | trailing_delta | 1000 | no
type=TAKE_PROFIT side=SELL q=1 trailing=1500 |  |  |  |
"""


def wish(text: str) -> OrderRequest:
    fields = {"side": Side.BUY, "type": OrderType.LIMIT}
    for name, _, value in (part.partition("=") for part in text.split()):
        match name:
            case "side":
                fields[name] = Side(value)
            case "type":
                fields[name] = OrderType(value)
            case "trailing":
                fields["trailing_delta"] = int(value)
            case "q" | "iceberg":
                fields["quantity" if name == "q" else "iceberg_quantity"] = Decimal(value)
            case _:
                fields[name] = Decimal(value)
    return OrderRequest(symbol=BTC, **fields)


ROWS = [[cell.strip() for cell in row.split("|")] for row in TABLE.strip().splitlines()[1:]]


@pytest.mark.parametrize(("order", "filter_", "field", "nearest", "adjustable"), ROWS)
def test_an_order_is_told_what_to_change(order, filter_, field, nearest, adjustable):
    found = violations(wish(order), LISTED, PRICE)
    if not filter_:
        assert found == ()
        return
    [violation] = found
    assert (violation.filter, violation.field) == (filter_, field)
    assert violation.nearest == Decimal(nearest)
    assert violation.adjustable == (adjustable == "yes")
    told = format(violation.nearest.normalize(), "f")
    assert told in violation.text or filter_ == "TRAILING_DELTA"


def test_the_value_that_is_told_passes():
    for order, _, field, nearest, _ in ROWS:
        if nearest:
            kind = int if field == "trailing_delta" else Decimal
            better = replace(wish(order), **{field: kind(nearest)})
            assert violations(better, LISTED, PRICE) == ()


def test_a_type_that_is_not_traded_names_those_that_are():
    listed = replace(LISTED, order_types=frozenset({"LIMIT", "MARKET"}))
    [violation] = violations(wish("type=LIMIT_MAKER q=1 price=1000"), listed, None)
    assert violation.nearest is None
    assert "only LIMIT, MARKET" in violation.text


def test_quote_quantity_needs_a_market_that_takes_it():
    listed = replace(LISTED, quote_quantity_allowed=False)
    [violation] = violations(wish(f"{MARKET} quote_quantity=50"), listed, None)
    assert violation.field == "quote_quantity"


def test_a_market_order_without_a_known_price_is_left_to_the_venue():
    assert violations(wish(f"{MARKET} q=0.001"), LISTED, None) == ()


def test_bounds_that_a_venue_does_not_set_do_not_bind():
    free = replace(
        LISTED,
        min_notional=None,
        max_notional=None,
        min_price=None,
        max_price=None,
        iceberg_parts=None,
        market_step_size=None,
        market_max_quantity=None,
    )
    assert violations(wish("q=0.0001 price=1 iceberg=0.0001"), free, None) == ()
    assert violations(wish(f"{MARKET} q=8000 "), free, PRICE) == ()
    assert violations(wish(f"{MARKET} quote_quantity=0.01"), free, PRICE) == ()


def test_a_stop_counts_at_its_stop_price():
    assert violations(wish("type=STOP_LOSS q=0.001 stop_price=100"), LISTED, PRICE)


def test_conforming_tells_what_it_changed():
    order = wish("side=SELL q=0.123456789 price=90000.011")
    changed, adjusted = conformed(order, LISTED, PRICE)
    assert (changed.quantity, changed.price) == (Decimal("0.12345"), Decimal("90000.02"))
    assert [(each.field, each.given, each.nearest) for each in adjusted] == [
        ("price", order.price, changed.price),
        ("quantity", order.quantity, changed.quantity),
    ]
    assert violations(changed, LISTED, PRICE) == ()


def test_conforming_never_asks_for_more():
    order = wish("q=0.00009 price=90000")
    changed, adjusted = conformed(order, LISTED, PRICE)
    assert changed == order
    assert not adjusted


@given(
    quantity=st.decimals(min_value=0, max_value=20_000, places=9),
    price=st.decimals(min_value=0, max_value=2_000_000, places=6),
    side=st.sampled_from(Side),
    kind=st.sampled_from([OrderType.LIMIT, OrderType.MARKET]),
)
def test_what_was_conformed_passes_or_is_refused_for_being_too_little(quantity, price, side, kind):
    order = OrderRequest(
        symbol=BTC,
        side=side,
        type=kind,
        quantity=quantity,
        price=price if kind is OrderType.LIMIT else None,
    )
    changed, _ = conformed(order, LISTED, PRICE)
    assert changed.quantity <= order.quantity
    assert all(not each.adjustable for each in violations(changed, LISTED, PRICE))
    for left in violations(changed, LISTED, PRICE):
        assert left.nearest > left.given
