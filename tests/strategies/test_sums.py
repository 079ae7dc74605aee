from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as draw

from trading_system.domain.errors import InvalidRequest
from trading_system.strategies.sums import order, window_sums

decimals = draw.integers(0, 8).flatmap(
    lambda places: draw.lists(
        draw.integers(1, 10_000).map(lambda count: count / 10**places), min_size=25, max_size=60
    )
)
"""Enough of them that every window below has some."""


def exactly(price):
    """The decimal that somebody wrote, not the float that is nearest to it."""
    return Fraction(repr(price))


@settings(max_examples=50, deadline=None)
@given(prices=decimals, period=draw.integers(1, 30))
def test_means_are_those_of_the_decimals(prices, period):
    means = window_sums(np.array(prices)).means(period)
    for i, mean in enumerate(means.tolist()):
        if i < period - 1:
            assert np.isnan(mean)
        else:
            exact = sum(map(exactly, prices[i + 1 - period : i + 1])) / period
            assert mean == pytest.approx(float(exact), rel=4e-16, abs=0)


@settings(max_examples=50, deadline=None)
@given(prices=decimals, fast=draw.integers(1, 12), more=draw.integers(1, 12))
def test_the_order_of_two_means_is_that_of_the_decimals(prices, fast, more):
    slow = fast + more
    signs = order(np.array(prices), fast, slow, below=-1)
    for i, told in enumerate(signs.tolist()):
        if i < slow - 1:
            assert told == 0
        else:
            quick = sum(map(exactly, prices[i + 1 - fast : i + 1])) / fast
            calm = sum(map(exactly, prices[i + 1 - slow : i + 1])) / slow
            assert told == (quick > calm) - (quick < calm)


@settings(max_examples=50, deadline=None)
@given(
    prices=decimals,
    repeats=draw.integers(0, 120),
    fast=draw.integers(1, 40),
    more=draw.integers(1, 600),
    below=draw.sampled_from([0, -1]),
)
def test_sums_that_are_not_kept_give_the_same_order(prices, repeats, fast, more, below):
    """Also over more values than are added up at once, and over fewer than a window has."""
    values = np.tile(np.array(prices), repeats)
    kept = window_sums(values).order(fast, fast + more, below=below)
    assert order(values, fast, fast + more, below=below).tobytes() == kept.tobytes()


def test_a_tie_of_decimals_is_a_tie_though_their_floats_differ():
    prices = np.array([0.1, 0.2, 0.3])
    assert (0.1 + 0.2 + 0.3) / 3 != 0.2
    sums = window_sums(prices)
    assert sums.means(3)[-1] == 0.2
    assert window_sums(np.array([0.1, 0.3, 0.1, 0.3])).order(2, 4, below=-1)[-1] == 0


def test_nothing_drifts_over_a_year_of_minutes():
    prices = np.full(525_600, 105_573.73)
    prices[: 525_600 // 2] = 117.01
    means = window_sums(prices).means(50)
    assert means[-1] == 105_573.73
    assert means[525_600 // 2 - 1] == 117.01


@settings(max_examples=50, deadline=None)
@given(price=draw.floats(1e-15, 1e15), period=draw.integers(1, 30))
def test_the_mean_of_a_constant_is_the_same_for_every_period(price, period):
    sums = window_sums(np.full(31, price))
    assert sums.means(period)[-1] == sums.means(31)[-1] == pytest.approx(price, rel=1e-11)
    assert not sums.order(period, 31, below=-1).any()


@settings(max_examples=50, deadline=None)
@given(prices=decimals, fast=draw.integers(1, 12), more=draw.integers(1, 12))
def test_sums_too_large_to_be_multiplied_are_compared_all_the_same(prices, fast, more):
    sums = window_sums(np.array(prices))
    large = replace(sums, top=2**62 // (fast + more))  # as far as the choice of the way goes
    usual = sums.order(fast, fast + more, below=-1)
    assert large.order(fast, fast + more, below=-1).tobytes() == usual.tobytes()
    assert large.order(fast, fast + more, below=0).tolist() == np.maximum(usual, 0).tolist()


def test_sums_may_wrap_around_as_long_as_a_window_does_not():
    prices = np.full(200_000, 9e5)
    prices[0], prices[100_000:] = 1.0, 9e5 + 0.5
    sums = window_sums(prices)
    assert int(sums.top) * len(prices) > 2**63
    assert sums.means(7)[[99_999, -1]].tolist() == [9e5, 9e5 + 0.5]
    assert sums.order(2, 7, below=-1)[[99_999, 100_000, 100_005, 100_006]].tolist() == [
        0,
        1,
        1,
        0,
    ]


def test_a_rise_beyond_exact_sums_is_refused():
    sums = window_sums(np.array([1.0, 1e7]))
    assert sums.means(2)[1] == (1.0 + 1e7) / 2
    with pytest.raises(InvalidRequest, match="exact sums of 100 of them"):
        sums.means(100)
    with pytest.raises(InvalidRequest, match="exact sums of 1000 of them"):
        sums.order(100, 1_000, below=0)
    with pytest.raises(InvalidRequest, match="exact sums of 1000 of them"):
        order(np.array([1.0, 1e7]), 100, 1_000, below=0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e60])
@pytest.mark.parametrize("at", [0, 1])
def test_what_is_no_price_is_refused(bad, at):
    prices = np.array([1.0, 1.0, 1.0])
    prices[at] = bad
    with pytest.raises(InvalidRequest, match="a price is no number"):
        window_sums(prices)
    with pytest.raises(InvalidRequest, match="a price is no number"):
        order(prices, 1, 2, below=0)


@pytest.mark.parametrize(
    ("prices", "mean"), [([0.0, 2.0], 1.0), ([-3.0, 1.0], -1.0), ([1e-30, 1e-30], 0.0)]
)
def test_odd_beginnings_have_means_too(prices, mean):
    assert window_sums(np.array(prices)).means(2)[-1] == mean


def test_no_prices_have_no_means():
    sums = window_sums(np.zeros(0))
    assert len(sums.means(3)) == len(sums.order(2, 3, below=0)) == 0
