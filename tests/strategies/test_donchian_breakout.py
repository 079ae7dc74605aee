from __future__ import annotations

import pytest

from trading_system.domain.errors import InvalidRequest
from trading_system.strategies.donchian_breakout import DonchianBreakout

OUT_AND_BACK = ((5, 6, 4, 5), (5, 6, 4, 5), (5, 6, 4, 6), (6, 8, 6, 7), (7, 9, 7, 8), (8, 8, 5, 6))
DOWN = ((6, 7, 3, 3), (3, 5, 3, 4), (4, 9, 4, 8.5))


def test_it_buys_a_close_above_the_highs_before_and_leaves_below_the_lows_before(bars):
    strategy = DonchianBreakout(entry=3, exit=2)
    # Bar 3 closes at 7, above 6; bar 5 at 6, not below 6; bar 6 at 3, below 5; bar 8 at 8.5 of 8.
    assert strategy.targets(bars(*OUT_AND_BACK, *DOWN)).tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 1]


def test_it_may_also_sell_what_falls_out_below(bars):
    strategy = DonchianBreakout(entry=3, exit=2, short=True)
    targets = strategy.targets(bars(*OUT_AND_BACK, *DOWN))
    assert targets.tolist() == [0, 0, 0, 1, 1, 1, -1, -1, 1]


def test_a_bar_does_not_break_out_of_itself(bars):
    assert not DonchianBreakout(entry=1, exit=1).targets(bars((5, 6, 4, 6), (5, 6, 4, 6))).any()


def test_the_inner_channel_is_not_the_longer_one():
    with pytest.raises(InvalidRequest, match="exit=21 must not be more than entry=20"):
        DonchianBreakout(exit=21)


def test_the_warmup_is_the_outer_channel():
    assert DonchianBreakout(entry=20).warmup == 20


def test_its_lines_are_where_it_would_trade(bars):
    lines = DonchianBreakout(entry=3, exit=2).lines(bars(*OUT_AND_BACK))
    at_bar_5 = {name: float(line[5]) for name, line in lines.items()}
    assert at_bar_5 == {"buy": 9, "sell": 6, "sell_short": 4, "buy_back": 9}
