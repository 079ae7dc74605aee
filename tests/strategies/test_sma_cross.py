from __future__ import annotations

import pytest

from trading_system.domain.errors import InvalidRequest
from trading_system.strategies.sma_cross import SmaCross


def test_it_is_long_above_flat_at_a_tie_and_flat_or_short_below(bars):
    frame = bars(1, 2, 3, 2, 1, 1, 1)
    assert SmaCross(fast=1, slow=2).targets(frame).tolist() == [0, 1, 1, 0, 0, 0, 0]
    short = SmaCross(fast=1, slow=2, short=True).targets(frame)
    assert short.tolist() == [0, 1, 1, -1, -1, 0, 0]


def test_bars_without_a_slow_average_are_flat(bars):
    strategy = SmaCross(fast=2, slow=5)
    assert strategy.warmup == 4
    targets = strategy.targets(bars(*range(1, 9)))
    assert targets.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


@pytest.mark.parametrize("price", [0.1, 105_573.73, 0.00001234, 1 / 3])
def test_prices_that_stand_still_are_a_tie(bars, price):
    targets = SmaCross(fast=3, slow=7, short=True).targets(bars(*[price] * 50))
    assert targets.tolist() == [0] * 50


@pytest.mark.parametrize("fast", [50, 51])
def test_fast_must_be_less_than_slow(fast):
    with pytest.raises(InvalidRequest, match=f"fast={fast} must be less than slow=50"):
        SmaCross(fast=fast, slow=50)


def test_its_lines_are_the_averages(bars):
    lines = SmaCross(fast=1, slow=2).lines(bars(1, 2, 4))
    assert lines["fast"].tolist() == [1, 2, 4]
    assert lines["slow"][1:].tolist() == [1.5, 3]
