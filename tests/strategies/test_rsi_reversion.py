from __future__ import annotations

import pytest

from trading_system.domain.errors import InvalidRequest
from trading_system.strategies.rsi_reversion import RsiReversion

FALL_AND_RISE = (10, 10, 10, 8, 8.5, 9, 10, 14, 13, 12, 8)
"""RSI of 2 bars: 50 at bar 2, then 0, 33, 60, 85, 97, 69, 47, 9."""


def test_it_buys_what_fell_and_sells_it_at_neutral(bars):
    targets = RsiReversion(period=2).targets(bars(*FALL_AND_RISE))
    assert targets.tolist() == [0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1]


def test_it_may_also_sell_what_rose(bars):
    targets = RsiReversion(period=2, short=True).targets(bars(*FALL_AND_RISE))
    assert targets.tolist() == [0, 0, 0, 1, 1, 0, -1, -1, -1, 0, 1]


def test_the_neutral_level_itself_is_back_at_neutral(bars):
    # Average gain 0.5 of an average move of 1 at the last bar: 50, exactly.
    assert RsiReversion(period=2).targets(bars(10, 8, 8, 9)).tolist() == [0, 0, 1, 0]


def test_a_market_that_never_moved_is_not_oversold(bars):
    assert not RsiReversion(period=2).targets(bars(*[10] * 20)).any()


@pytest.mark.parametrize(
    "levels", [{"oversold": 50.0}, {"overbought": 50.0}, {"neutral": 20.0}, {"neutral": 80.0}]
)
def test_its_levels_ascend(levels):
    with pytest.raises(InvalidRequest, match=r"oversold=.* < neutral=.* < overbought=.* must hold"):
        RsiReversion(**levels)


def test_the_warmup_covers_what_wilders_average_remembers():
    assert RsiReversion(period=14).warmup == 126
    assert (1 - 1 / 14) ** (126 - 14) < 0.0005
