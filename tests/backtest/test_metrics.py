from __future__ import annotations

import math

import numpy as np
import pytest

from trading_system.backtest import metrics
from trading_system.domain.errors import InvalidRequest


@pytest.mark.parametrize(
    ("timeframe", "periods"), [("1m", 525_600), ("1h", 8_760), ("4h", 2_190), ("1d", 365)]
)
def test_a_year_never_closes(timeframe, periods):
    assert metrics.periods_per_year(timeframe) == periods


def test_an_unknown_timeframe_is_an_error():
    with pytest.raises(InvalidRequest):
        metrics.periods_per_year("1y")


@pytest.mark.parametrize(
    ("total", "bars", "periods", "expected"),
    [
        (0.1, 365, 365, 0.1),
        (0.1, 730, 365, math.sqrt(1.1) - 1),
        (0.1, 1, 8_760, math.inf),
        (-1.0, 10, 365, -1),
        (-1.5, 10, 365, -1),
        (0.0, 10, 365, 0),
    ],
)
def test_the_annual_return_compounds_to_the_total_one(total, bars, periods, expected):
    assert metrics.annual_return(total, bars, periods) == pytest.approx(expected)


def test_no_bars_have_no_annual_return():
    assert math.isnan(metrics.annual_return(0.1, 0, 365))


def test_figures_that_do_not_exist_are_nan():
    assert math.isnan(metrics.sharpe(0.1, 0, 365))
    assert math.isnan(metrics.sortino(0.1, 0, 365))
    assert math.isnan(metrics.ratio(0, 0))
    assert metrics.ratio(2, 0) == math.inf
    assert metrics.ratio(-2, 0) == -math.inf


def test_the_deviation_of_a_constant_is_nothing_whatever_rounding_says():
    gains = np.full(1_000, 0.1)
    assert metrics.deviation(gains.sum(), (gains**2).sum(), 1_000) == 0
    assert metrics.deviation(0.1, 0.01, 1) == 0
    gains = np.random.default_rng(0).normal(0, 1, 1_000)
    expected = gains.std(ddof=1)
    assert metrics.deviation(gains.sum(), (gains**2).sum(), 1_000) == pytest.approx(expected)


def test_an_equity_that_stays_returns_nothing_even_at_zero():
    equity = np.array([100.0, 110.0, 0.0, 0.0])
    assert metrics.returns(equity, 100).tolist() == pytest.approx([0, 0.1, -1, 0])


def test_the_interval_holds_the_true_sharpe_as_often_as_it_says():
    """100 made-up years of independent returns with a true Sharpe of 1: about 95 must hold it."""
    rng = np.random.default_rng(1)
    years = rng.normal(1 / math.sqrt(365), 1, (100, 365))
    intervals = [metrics.sharpe_interval(year, 365, resamples=300) for year in years]
    assert 88 <= sum(low <= 1 <= high for low, high in intervals) <= 99


def test_the_interval_is_the_same_every_time_and_another_with_another_seed():
    gains = np.random.default_rng(0).normal(0.001, 0.02, 200)
    assert metrics.sharpe_interval(gains, 365) == metrics.sharpe_interval(gains, 365)
    assert metrics.sharpe_interval(gains, 365) != metrics.sharpe_interval(gains, 365, seed=1)


def test_blocks_that_belong_together_widen_the_interval():
    """Returns that come in runs say less than as many independent ones."""
    rng = np.random.default_rng(3)
    alone = rng.normal(0, 1, 1_000)
    runs = np.repeat(rng.normal(0, 1, 200), 5)
    low, high = metrics.sharpe_interval(alone, 365)
    lower, higher = metrics.sharpe_interval(runs, 365)
    assert higher - lower > 1.5 * (high - low)


def test_the_interval_is_that_of_blocks_drawn_one_by_one():
    """The same draws put together as arrays of returns, judged as any returns are."""
    gains = np.random.default_rng(4).normal(0.002, 0.03, 60)  # 15 blocks of 4 begin at these:
    starts = np.random.default_rng(7).integers(0, 60, (300, 15))
    sharpes = []
    for row in starts:
        drawn = np.concatenate([np.roll(gains, -start)[:4] for start in row])
        sharpes.append(drawn.mean() / drawn.std(ddof=1) * math.sqrt(365))
    expected = np.quantile(sharpes, [0.05, 0.95])
    found = metrics.sharpe_interval(gains, 365, confidence=0.9, resamples=300, seed=7)
    assert found == pytest.approx(tuple(expected), rel=1e-9)


@pytest.mark.parametrize("gains", [[], [0.1], [0.1, 0.1, 0.1], [0.1, math.nextafter(0.1, 1), 0.1]])
def test_returns_that_do_not_deviate_have_no_interval_and_no_probability(gains):
    gains = np.array(gains, np.float64)
    assert all(map(math.isnan, metrics.sharpe_interval(gains, 365)))
    assert math.isnan(metrics.probabilistic_sharpe(gains))


def test_the_probabilistic_sharpe_by_hand():
    """Returns 3, -1, 1, 1, 1 around a mean of 1: s² = 8/4, skewness 0, kurtosis 2.5."""
    gains = np.array([3.0, -1.0, 1.0, 1.0, 1.0])
    ratio = 1 / math.sqrt(2)
    z = ratio * math.sqrt(4 / (1 + 1.5 / 4 * ratio**2))
    expected = 0.5 * (1 + math.erf(z / math.sqrt(2)))
    assert metrics.probabilistic_sharpe(gains) == pytest.approx(expected)
    assert metrics.probabilistic_sharpe(gains, ratio) == pytest.approx(0.5)


def test_the_deflated_sharpe_asks_for_more_the_more_was_tried():
    rng = np.random.default_rng(5)
    gains = rng.normal(0.1, 1, 500)
    few, many = rng.normal(0, 0.05, 10), rng.normal(0, 0.05, 1_000)
    assert metrics.deflated_sharpe(gains, few[:1]) == metrics.probabilistic_sharpe(gains)
    assert (
        metrics.probabilistic_sharpe(gains)
        > metrics.deflated_sharpe(gains, few)
        > metrics.deflated_sharpe(gains, many)
    )


def test_the_bar_of_the_deflated_sharpe_is_the_best_of_luck():
    """SR* is what the best of N normal Sharpes is on average: 3.2415 deviations for 1,000."""
    trials = np.random.default_rng(6).normal(0, 1, (2_000, 1_000)).max(axis=1).mean()
    gains = np.random.default_rng(7).normal(0.1, 1, 2_000)
    spread = np.array([-0.02, 0.02] * 500)
    lucky = metrics.probabilistic_sharpe(gains, spread.std(ddof=1) * trials)
    assert metrics.deflated_sharpe(gains, spread) == pytest.approx(lucky, abs=0.01)
