from __future__ import annotations

import pytest

from trading_system.domain.errors import InvalidRequest
from trading_system.strategies.ema_cross import EmaCross


def test_it_is_long_while_the_fast_average_is_above_and_turns_when_it_falls_below(bars):
    frame = bars(10, 10, 10, 16, 16, 4, 4)
    # Averages of 1 and 3 bars: the first is the close, the second 10, 13, 14.5, 9.25, 6.625.
    assert EmaCross(fast=1, slow=3).targets(frame).tolist() == [0, 0, 0, 1, 1, 0, 0]
    short = EmaCross(fast=1, slow=3, short=True).targets(frame)
    assert short.tolist() == [0, 0, 0, 1, 1, -1, -1]


def test_the_warmup_covers_what_the_slow_average_remembers():
    assert EmaCross(fast=12, slow=26).warmup == 130
    assert (1 - 2 / 27) ** (130 - 26) < 0.0005


def test_fast_must_be_less_than_slow():
    with pytest.raises(InvalidRequest, match="fast=26 must be less than slow=26"):
        EmaCross(fast=26)
