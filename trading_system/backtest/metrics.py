"""What a run was worth: formulas over sums that the kernels made, each with its source.

Returns are simple ones, of bars; a year has 365 days, since this market never closes. A figure that
does not exist is NaN: no trades have no win rate, and a return without any deviation no Sharpe.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from trading_system.backtest.compiled import compiled
from trading_system.domain.timeframes import Timeframe
from trading_system.frames import Column

_DAY = 86_400_000
_YEAR = 365 * _DAY
_NORMAL = NormalDist()
_EULER = 0.5772156649015329


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """The figures of one run; shares, not percent. `fees` in quote asset, lengths in bars."""

    bars: int
    total_return: float
    annual_return: float
    volatility: float
    sharpe: float
    sortino: float
    calmar: float
    max_drawdown: float
    max_drawdown_bars: int
    trades: int
    win_rate: float
    profit_factor: float
    expectancy: float
    exposure_time: float
    turnover: float
    fees: float
    buy_and_hold: float


def periods_per_year(timeframe: str) -> float:
    """How many candles a year has: 525600 of 1m, 8760 of 1h, 365 of 1d.

    Raises InvalidRequest for what is no timeframe.
    """
    return _YEAR / Timeframe.parse(timeframe).length


def ratio(numerator: float, denominator: float) -> float:
    """A quotient; NaN for 0 / 0, and infinity with the numerator's sign for x / 0."""
    if denominator:
        return numerator / denominator
    return math.copysign(math.inf, numerator) if numerator else math.nan


def annual_return(total: float, bars: int, periods: float) -> float:
    """The yearly rate that compounds to `total`: (1 + total) ^ (periods / bars) - 1.

    -1 when nothing is left, and infinity beyond what a float64 holds.
    """
    if not bars:
        return math.nan
    if total <= -1:
        return -1.0
    growth = math.log1p(total) * periods / bars
    return math.expm1(growth) if growth < 709 else math.inf  # noqa: PLR2004 -- log of the largest


def deviation(total: float, squares: float, count: int) -> float:
    """The sample standard deviation from the sums of r and r²; 0 where rounding is all there is."""
    if count < 2:  # noqa: PLR2004 -- one value does not deviate
        return 0.0
    spread = squares - total * total / count
    return math.sqrt(spread / (count - 1)) if spread > squares * 1e-14 * count else 0.0


def sharpe(mean: float, deviated: float, periods: float) -> float:
    """Mean by standard deviation of returns, x √periods, without a risk-free rate.

    Sharpe, The Sharpe Ratio, Journal of Portfolio Management 21 (1994).
    """
    return mean / deviated * math.sqrt(periods) if deviated else math.nan


def sortino(mean: float, downside: float, periods: float) -> float:
    """Mean by √(mean of min(r, 0)²), x √periods; `downside` is that mean of squares.

    Sortino, Price, Performance Measurement in a Downside Risk Framework (1994), with the target 0.
    """
    return mean / math.sqrt(downside) * math.sqrt(periods) if downside else math.nan


def returns(equity: Column, before: float) -> Column:
    """Simple returns, shape (n,), of equities, shape (n,), after an equity of `before`.

    An equity that stays returns nothing, whatever it is.
    """
    base = np.concatenate([[before], equity[:-1]])
    change = equity - base
    gains: Column = np.divide(change, base, out=np.zeros(len(equity)), where=change != 0)
    return gains


def sharpe_interval(
    gains: Column,
    periods: float,
    *,
    confidence: float = 0.95,
    resamples: int = 1_000,
    seed: int = 0,
) -> tuple[float, float]:
    """The bounds between which the Sharpe of `gains` lies with that confidence.

    Circular block bootstrap (Politis, Romano, A Circular Block-Resampling Procedure for Stationary
    Data, 1992) with blocks of n^(1/3), which keep what neighbouring returns have to do with each
    other; percentiles of the resampled Sharpes. NaN where returns do not deviate.
    """
    n = len(gains)
    if n < 2:  # noqa: PLR2004 -- one value does not deviate
        return math.nan, math.nan
    starts, length = _blocks(n, resamples, seed)
    ratios = np.empty(resamples)
    seen = compiled().resample(gains, starts, length, np.empty((n, 2)), ratios)
    if not seen:
        return math.nan, math.nan
    count = starts.shape[1] * length
    sharpes = np.sort(ratios[:seen]) * (math.sqrt(periods * (count - 1)) / count)
    tail = (1 - confidence) / 2
    return _quantile(sharpes, tail), _quantile(sharpes, 1 - tail)


@lru_cache(maxsize=8)
def _blocks(n: int, resamples: int, seed: int) -> tuple[NDArray[np.uint32], int]:
    """Where the blocks of each resample of n values begin, and how long they are."""
    length = max(1, round(n ** (1 / 3)))
    count = -(-n // length)
    starts = np.random.default_rng(seed).integers(0, n, (resamples, count))
    return starts.astype(np.uint32), length


def _quantile(ascending: Column, share: float) -> float:
    """The value below which that share lies, on the line between its two neighbours."""
    place = share * (len(ascending) - 1)
    below = int(place)
    low, high = ascending[below], ascending[min(below + 1, len(ascending) - 1)]
    return float(low + (high - low) * (place - below))


def probabilistic_sharpe(gains: Column, benchmark: float = 0.0) -> float:
    """The probability that the true Sharpe is above `benchmark`; both of one bar, not annualised.

    Bailey, López de Prado, The Sharpe Ratio Efficient Frontier (2012):
    Φ((SR - SR*) √(n - 1) / √(1 - γ3 SR + (γ4 - 1)/4 SR²)), with skewness γ3 and kurtosis γ4.
    """
    n = len(gains)
    if n < 2:  # noqa: PLR2004 -- one value does not deviate
        return math.nan
    mean = float(gains.sum()) / n
    around = gains - mean
    squares = around * around
    variance = float(squares.sum()) / n
    if math.sqrt(variance) <= 1e-14 * float(np.abs(gains).max()):
        return math.nan
    skewness = float((squares * around).sum()) / n / variance**1.5
    kurtosis = float((squares * squares).sum()) / n / variance**2
    ratio_seen = mean / math.sqrt(variance * n / (n - 1))
    error = 1 - skewness * ratio_seen + (kurtosis - 1) / 4 * ratio_seen**2
    return _NORMAL.cdf((ratio_seen - benchmark) * math.sqrt((n - 1) / error))


def deflated_sharpe(gains: Column, trials: Column) -> float:
    """`probabilistic_sharpe` of the best of many trials against the best that luck would bring.

    `trials`: the Sharpes of all of them, of one bar, not annualised. Bailey, López de Prado, The
    Deflated Sharpe Ratio (2014): SR* = √V[SR] ((1 - γ) Φ⁻¹(1 - 1/N) + γ Φ⁻¹(1 - 1/(N e))).
    """
    count = len(trials)
    if count < 2:  # noqa: PLR2004 -- one trial is no choice
        return probabilistic_sharpe(gains)
    lucky = (1 - _EULER) * _NORMAL.inv_cdf(1 - 1 / count) + _EULER * _NORMAL.inv_cdf(
        1 - 1 / (count * math.e)
    )
    return probabilistic_sharpe(gains, float(np.std(trials, ddof=1)) * lucky)
