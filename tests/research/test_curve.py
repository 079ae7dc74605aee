from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from tests.research.questions import history
from trading_system.backtest.rules import Rules
from trading_system.research.curve import MOST_POINTS, curve
from trading_system.research.history import part
from trading_system.research.playing import play
from trading_system.strategies.sma_cross import SmaCross

DAY = 86_400_000


def drawn(candles, **rules):
    result = play(SmaCross(fast=3, slow=10), candles, Rules(**rules))
    frame = part(candles.frame, candles.warmup, len(candles.frame))
    return result, frame, *curve(result, frame, candles.timeframe)


def test_few_bars_are_a_point_each():
    result, frame, every, points = drawn(history(300))
    assert every == "1h"
    assert points["time"] == result.open_time.tolist()
    assert points["equity"] == result.equity.tolist()
    assert (points["low"], points["high"]) == (frame.low.tolist(), frame.high.tolist())


@pytest.mark.parametrize(("count", "every"), [(MOST_POINTS + 1, "2h"), (30_000, "6h")])
def test_many_bars_share_points_that_hide_no_extreme(count, every):
    result, frame, step, points = drawn(history(count))
    assert step == every
    assert len(points["time"]) <= MOST_POINTS
    assert min(points["low"]) == frame.low.min()
    assert max(points["high"]) == frame.high.max()
    assert -min(points["drawdown"]) == pytest.approx(result.metrics.max_drawdown, rel=1e-12)


def test_exposure_is_what_is_held_by_equity():
    result, _, _, points = drawn(history(300))
    assert points["exposure"] == result.exposure.tolist()
    assert {round(exposure) for exposure in points["exposure"]} == {0, 1}


def test_every_day_ends_with_a_point():
    result, _, _, points = drawn(history(20_000, minutes=15))
    days = np.flatnonzero(np.diff(result.open_time // DAY))
    assert set(result.equity[days].tolist()) <= set(points["equity"])
    assert points["equity"][-1] == result.equity[-1]
    lengths = {b - a for a, b in pairwise(points["time"])}
    assert len(lengths) == 1


def test_bars_too_many_for_any_step_are_days():
    candles = history(24 * (MOST_POINTS + 1))
    _, _, every, points = drawn(candles)
    assert every == "1d"
    assert len(points["time"]) == MOST_POINTS + 1


def test_a_hole_between_candles_is_no_point():
    prices = 100 + np.arange(MOST_POINTS + 149.0) % 7
    prices[1000:2000] = np.nan
    _, _, every, points = drawn(history(MOST_POINTS + 100, prices=prices))
    assert every == "1h"  # enough of them are gone
    assert max(b - a for a, b in pairwise(points["time"])) == 1001 * 3_600_000
