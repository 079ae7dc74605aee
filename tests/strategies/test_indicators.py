"""Every indicator against TA-Lib, which shares no code with it; and what TA-Lib cannot judge."""

from __future__ import annotations

import statistics
from fractions import Fraction

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as draw

from trading_system.strategies import indicators
from trading_system.strategies.base import first
from trading_system.strategies.detect import example_frame

SETTLED = 400
"""Bars after which it does not matter any more how the averages of a MACD began."""


def near(ours, theirs, **tolerance):
    np.testing.assert_allclose(ours, theirs, **({"rtol": 1e-9, "atol": 1e-9} | tolerance))


def judged(frame, period):
    close, price = frame.close, float(frame.close.max())
    near(indicators.sma(close, period), talib.SMA(close, period))
    near(indicators.ema(close, period), talib.EMA(close, period))
    near(indicators.atr(frame, period), talib.ATR(frame.high, frame.low, close, period))
    near(indicators.true_range(frame), talib.TRANGE(frame.high, frame.low, close))
    assert np.array_equal(
        indicators.highest(close, period), talib.MAX(close, period), equal_nan=True
    )
    assert np.array_equal(
        indicators.lowest(close, period), talib.MIN(close, period), equal_nan=True
    )
    channel = indicators.donchian(frame, period)
    assert np.array_equal(channel.upper, talib.MAX(frame.high, period), equal_nan=True)
    assert np.array_equal(channel.lower, talib.MIN(frame.low, period), equal_nan=True)
    near(channel.middle, talib.MIDPRICE(frame.high, frame.low, period))
    # TA-Lib's variance is a difference of running sums of squares, so much less exact than ours.
    bands = indicators.bollinger(close, period, 2.0)
    for band, theirs in zip(bands, reversed(talib.BBANDS(close, period, 2.0, 2.0)), strict=True):
        near(band, theirs, atol=1e-6 * price)


def judged_rsi(close, period):
    """Before any move TA-Lib says 0, which would be oversold; ours is 50."""
    moved = np.cumsum(np.abs(np.diff(close, prepend=close[0]))) > 0
    theirs = np.where(moved | (np.arange(len(close)) < period), talib.RSI(close, period), 50.0)
    near(indicators.rsi(close, period), theirs, rtol=1e-7)


@settings(max_examples=40, deadline=None)
@given(bars=draw.integers(60, 300), seed=draw.integers(0, 2**32), period=draw.integers(2, 40))
def test_all_agree_with_ta_lib_on_made_up_candles(bars, seed, period):
    frame = example_frame(bars=bars, seed=seed)
    judged(frame, period)
    judged_rsi(frame.close, period)


@pytest.mark.recorded
@pytest.mark.parametrize("period", [2, 14, 50, 333])
def test_all_agree_with_ta_lib_on_recorded_candles(recorded, period):
    judged(recorded, period)
    judged_rsi(recorded.close, period)


@pytest.mark.recorded
def test_macd_agrees_with_ta_lib_on_recorded_candles(recorded):
    """It begins its fast average later than by definition; that is forgotten after a while."""
    ours, theirs = indicators.macd(recorded.close, 12, 26, 9), talib.MACD(recorded.close, 12, 26, 9)
    for line, other in zip(ours, theirs, strict=True):
        near(line[SETTLED:], other[SETTLED:], atol=1e-7)


@settings(max_examples=25, deadline=None)
@given(seed=draw.integers(0, 2**32))
def test_macd_is_the_difference_of_two_averages_and_the_average_of_that(seed):
    close = example_frame(bars=200, seed=seed).close
    lines = indicators.macd(close, 5, 13, 4)
    difference = talib.EMA(close, 5) - talib.EMA(close, 13)
    near(lines.line, difference)
    near(lines.signal[12:], talib.EMA(difference[12:], 4))
    near(lines.histogram, lines.line - lines.signal)


@settings(max_examples=25, deadline=None)
@given(seed=draw.integers(0, 2**32), period=draw.integers(2, 30))
def test_the_deviation_is_that_of_the_exact_numbers(seed, period):
    close = example_frame(bars=60, seed=seed).close
    deviation = indicators.deviation(close, indicators.sma(close, period), period)
    for i in range(period - 1, 60):
        window = [Fraction(value) for value in close[i + 1 - period : i + 1].tolist()]
        exact = float(statistics.pvariance(window)) ** 0.5
        assert deviation[i] == pytest.approx(exact, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("price", [0.1, 105_573.73])
def test_a_price_that_stands_still_is_its_own_average_and_has_no_width(price):
    still = np.full(200, price)
    assert set(indicators.sma(still, 7)[6:]) == {price}
    for period in range(2, 20):  # a sum divided by the number would miss some of these
        assert set(indicators.ema(still, period)[period - 1 :]) == {price}
    assert {line for band in indicators.bollinger(still, 7, 2.0) for line in band[6:]} == {price}
    assert set(indicators.rsi(still, 7)[7:]) == {50.0}


@pytest.mark.parametrize("bars", range(9))
def test_what_has_too_few_bars_is_not_a_number(bars):
    frame = first(example_frame(bars=50, seed=2), bars)
    close = frame.close
    for line, begins in [
        (indicators.sma(close, 5), 4),
        (indicators.ema(close, 5), 4),
        (indicators.rsi(close, 5), 5),
        (indicators.true_range(frame), 1),
        (indicators.atr(frame, 5), 5),
        (indicators.macd(close, 2, 4, 3).line, 3),
        (indicators.macd(close, 2, 4, 3).signal, 5),
        (indicators.bollinger(close, 5, 2.0).upper, 4),
        (indicators.donchian(frame, 5).upper, 4),
        (indicators.lowest(close, 5), 4),
    ]:
        assert len(line) == bars
        assert np.isnan(line).tolist() == [i < begins for i in range(bars)]


@settings(max_examples=25, deadline=None)
@given(seed=draw.integers(0, 2**32), bars=draw.integers(0, 120), period=draw.integers(1, 30))
def test_no_indicator_looks_ahead(seed, bars, period):
    def lines(frame):
        yield indicators.sma(frame.close, period)
        yield indicators.ema(frame.close, period)
        yield indicators.rsi(frame.close, period)
        yield indicators.atr(frame, period)
        yield from indicators.macd(frame.close, period, 2 * period, period)
        yield from indicators.bollinger(frame.close, period, 2.0)
        yield from indicators.donchian(frame, period)

    whole = example_frame(bars=120, seed=seed)
    for line, part in zip(lines(whole), lines(first(whole, bars)), strict=True):
        assert line[:bars].tobytes() == part.tobytes()
