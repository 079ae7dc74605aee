"""The equity at the end of each day, beside numpy's opinion, on frames full of holes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.backtest.made_up import random_frame, random_targets
from trading_system.backtest import engine
from trading_system.backtest.kernels.days import DAY
from trading_system.backtest.rules import Rules
from trading_system.frames import Frame


def at_times(frame, times):
    """The same candles at other times."""
    names = ("open", "high", "low", "close", "volume")
    return Frame.from_array(np.column_stack([times, *(getattr(frame, name) for name in names)]))


@settings(deadline=None, max_examples=100)
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(1, 300),
    steps=st.sampled_from([(1,), (24,), (1, 2, 30), (1, 1, 1, 1, 1, 200), (30, 100)]),
)
def test_each_day_that_has_candles_ends_with_its_last_one(seed, count, steps):
    rng = np.random.default_rng(seed)
    times = (rng.integers(0, 2_000) + np.cumsum(rng.choice(steps, count))) * 3_600_000
    frame = at_times(random_frame(rng, count, 0.02), times)
    result = engine.run(frame, random_targets(rng, count, 0.2), Rules(short=True), "1h")
    days = times // DAY
    last = np.append(days[1:] != days[:-1], True)  # the last bar ends its day
    equity = np.append(result.capital, result.equity[last])
    assert result.daily_returns.tolist() == pytest.approx((np.diff(equity) / equity[:-1]).tolist())
