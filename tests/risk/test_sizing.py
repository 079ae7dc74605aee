from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.domain.instruments import Instrument, Symbol
from trading_system.risk import sizing
from trading_system.risk.sizing import fitted

D = Decimal
amounts = st.decimals("0.00000001", "1000000", places=8)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (sizing.fixed_quantity(D("0.3")), D("0.3")),
        (sizing.fixed_quantity(D(-1)), 0),
        (sizing.fixed_quote(D(100), D(250)), D("0.4")),
        (sizing.fixed_quote(D(-100), D(250)), 0),
        (sizing.fixed_quote(D(100), D(0)), 0),
        (sizing.percent_of_equity(D(10_000), D(5), D(250)), D(2)),
        # A loss of 1 % of 10,000 at a stop 50 below is 2 pieces.
        (sizing.risk_per_trade(D(10_000), D(1), D(50)), D(2)),
        (sizing.risk_per_trade(D(10_000), D(1), D(0)), 0),
        (sizing.volatility_target(D(10_000), D("0.5"), D(25)), D(2)),
        # Wins 60 % of the time, as much as it loses: f = 0.6 - 0.4 / 1 = 0.2.
        (sizing.kelly(D(10_000), D("0.6"), D(1), D(100), cap=D(1)), D(20)),
        (sizing.kelly(D(10_000), D("0.6"), D(1), D(100), cap=D("0.1")), D(10)),
        (sizing.kelly(D(10_000), D("0.5"), D(2), D(100), cap=D(1)), D(25)),
        (sizing.kelly(D(10_000), D("0.5"), D(1), D(100), cap=D(1)), 0),
        (sizing.kelly(D(10_000), D("0.4"), D(1), D(100), cap=D(1)), 0),
        (sizing.kelly(D(10_000), D("0.9"), D(0), D(100), cap=D(1)), 0),
        (sizing.kelly(D(10_000), D(1), D(3), D(100), cap=D(1)), D(100)),
    ],
)
def test_each_way_to_size_gives_what_its_formula_says(size, expected):
    assert size == expected


@pytest.mark.parametrize(
    ("win_rate", "cap"), [("1.01", "1"), ("-0.01", "1"), ("0.5", "1.01"), ("0.5", "-0.01")]
)
def test_a_share_lies_between_nothing_and_all(win_rate, cap):
    with pytest.raises(ValueError, match="between 0 and 1"):
        sizing.kelly(D(1), D(win_rate), D(1), D(1), cap=D(cap))


@pytest.mark.parametrize(
    ("quantity", "price", "expected", "reason"),
    [
        ("1.23456", "100", "1.234", ""),
        ("1.234", "100", "1.234", ""),
        ("0.1", "100", "0.1", ""),
        ("0.0999", "100", "0", "0.099 BTC are worth 9.9 USDT, less than the 10 the venue takes"),
        ("0.0099", "10000", "0", "0.009 is less than the 0.01 BTC the venue takes"),
        ("0.0009", "100", "0", "0.0009 is less than the 0.01 BTC the venue takes"),
        ("0", "100", "0", "0 is less than the 0.01 BTC the venue takes"),
        ("10", "100", "9", ""),
    ],
)
def test_a_size_is_rounded_down_to_the_step_or_nothing(
    instrument, quantity, price, expected, reason
):
    size = fitted(D(quantity), instrument, D(price))
    assert (size.quantity, size.reason) == (D(expected), reason)


def test_market_orders_have_filters_of_their_own(instrument):
    strict = replace(
        instrument,
        market_step_size=D("0.1"),
        market_min_quantity=D("0.5"),
        market_max_quantity=D(2),
        min_notional_of_market=False,
    )
    assert fitted(D("1.29"), strict, D(100)).quantity == D("1.2")
    assert fitted(D("3"), strict, D(100)).quantity == 2
    assert fitted(D("0.49"), strict, D(100)).quantity == 0
    assert fitted(D("0.5"), strict, D(1)).quantity == D("0.5")
    assert fitted(D("1.29"), strict, D(100), market=False).quantity == D("1.29")
    assert fitted(D("0.5"), strict, D(1), market=False).quantity == 0


def test_without_a_step_or_a_notional_only_the_bounds_count(instrument):
    free = replace(instrument, step_size=D(0), min_notional=None)
    assert fitted(D("0.0123456789"), free, D(1)).quantity == D("0.0123456789")


@given(amounts, amounts, st.sampled_from(["0.00000001", "0.001", "0.5", "1", "7"]))
def test_a_size_is_never_more_than_wanted_a_multiple_of_the_step_and_the_largest_such(
    quantity, price, step
):
    listed = Instrument(
        symbol=Symbol("BTC", "USDT"),
        venue_id="BTCUSDT",
        tradable=True,
        order_types=frozenset(),
        tick_size=D("0.01"),
        step_size=D(step),
        min_quantity=D(step),
        max_quantity=D(10**9),
        min_notional=None,
        max_notional=None,
    )
    size = fitted(quantity, listed, price).quantity
    assert size <= quantity
    assert size % D(step) == 0
    assert quantity - size < D(step)
