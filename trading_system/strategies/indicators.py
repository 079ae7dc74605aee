"""Indicators: columns in, columns of the same shape out; NaN where there are not enough bars yet.

Nothing looks ahead: a value depends on its own bar and earlier ones only. Each is checked against
an independent implementation (TA-Lib) by the tests.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from trading_system.frames import Column, Frame
from trading_system.strategies import kernels
from trading_system.strategies.sums import window_sums


class Bands(NamedTuple):
    """Three lines around a price."""

    lower: Column
    middle: Column
    upper: Column


class Macd(NamedTuple):
    """The difference of two averages, its own average, and the difference of both."""

    line: Column
    signal: Column
    histogram: Column


def sma(values: Column, period: int) -> Column:
    """Simple moving average: the mean of the last `period` values, free of drift."""
    return window_sums(values).means(period)


def ema(values: Column, period: int) -> Column:
    """Exponential moving average, alpha = 2 / (period + 1).

    Begins with the mean of the first `period` values: Murphy, Technical Analysis of the Financial
    Markets (1999), chapter 9. NaN at the beginning of `values` are passed over.
    """
    return _smoothed(values, period, 2.0 / (period + 1))


def wilder(values: Column, period: int) -> Column:
    """Wilder's average: as `ema`, with alpha = 1 / period.

    New Concepts in Technical Trading Systems (1978), page 23.
    """
    return _smoothed(values, period, 1.0 / period)


def rsi(values: Column, period: int) -> Column:
    """Relative strength index, 0..100: 100 x gains / (gains + losses), averaged by Wilder.

    Wilder (1978), chapter 6. 50 where there is neither gain nor loss, first value at `period`.
    """
    change = np.diff(values, prepend=np.nan)
    gains = wilder(np.maximum(change, 0.0), period)
    moves = wilder(np.abs(change), period)
    out = np.where(np.isnan(moves), np.nan, 50.0)
    np.divide(100.0 * gains, moves, out=out, where=moves > 0)
    return out


def true_range(frame: Frame) -> Column:
    """How far a bar reaches, the close before it included; NaN for the first bar. Wilder (1978)."""
    before = np.concatenate(([np.nan], frame.close[:-1]))[: len(frame)]
    return np.maximum(frame.high, before) - np.minimum(frame.low, before)


def atr(frame: Frame, period: int) -> Column:
    """Average true range, in quote, by Wilder's average (1978, page 21); first at `period`."""
    return wilder(true_range(frame), period)


def macd(values: Column, fast: int, slow: int, signal: int) -> Macd:
    """Moving average convergence divergence: EMA fast - EMA slow, and the EMA of that.

    Appel, Technical Analysis: Power Tools for Active Investors (2005), chapter 8.
    """
    line = ema(values, fast) - ema(values, slow)
    average = ema(line, signal)
    return Macd(line, average, line - average)


def deviation(values: Column, means: Column, period: int) -> Column:
    """Standard deviation of the last `period` values (population) around their `means`."""
    out = np.full(len(values), np.nan)
    if len(values) >= period:
        windows = out[period - 1 :]
        kernels.square(values, means[period - 1 :], period, windows)
        np.sqrt(windows / period, out=windows)
    return out


def bollinger(values: Column, period: int, width: float) -> Bands:
    """The simple average and `width` standard deviations (population) around it.

    Bollinger, Bollinger on Bollinger Bands (2001), chapter 7.
    """
    middle = sma(values, period)
    reach = width * deviation(values, middle, period)
    return Bands(middle - reach, middle, middle + reach)


def highest(values: Column, period: int) -> Column:
    """The largest of the last `period` values."""
    return _extreme(values, period, np.maximum)


def lowest(values: Column, period: int) -> Column:
    """The smallest of the last `period` values."""
    return _extreme(values, period, np.minimum)


def donchian(frame: Frame, period: int) -> Bands:
    """The highest high and the lowest low of the last `period` bars, and the middle of both.

    Donchian, Commodities: High Finance in Copper, Financial Analysts Journal 16 (1960).
    """
    lower, upper = lowest(frame.low, period), highest(frame.high, period)
    return Bands(lower, (lower + upper) / 2, upper)


def _extreme(values: Column, period: int, pick: np.ufunc) -> Column:
    """The extreme that `pick` finds in each window: of two windows of half its width, and so on.

    Two windows of the largest power of two within `period` cover it: log2(period) passes.
    """
    out = np.full(len(values), np.nan)
    windows = len(values) - period + 1
    if windows < 1:
        return out
    widest, width = values, 1
    while 2 * width <= period:
        widest = pick(widest[:-width], widest[width:])
        width *= 2
    out[period - 1 :] = pick(widest[:windows], widest[period - width :])
    return out


def _smoothed(values: Column, period: int, alpha: float) -> Column:
    out = np.full(len(values), np.nan)
    start = int(np.argmin(np.isnan(values))) if len(values) else 0
    first = start + period - 1
    if len(values) <= first or math.isnan(values[start]):
        return out
    seed = values[start : first + 1]
    # Around the first value, so that the average of a constant is that constant, to the last bit.
    out[first] = seed[0] + math.fsum((seed - seed[0]).tolist()) / period
    kernels.smooth(values[first + 1 :], out[first], alpha, out[first + 1 :])
    return out
