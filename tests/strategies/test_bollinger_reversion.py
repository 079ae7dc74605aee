from __future__ import annotations

from trading_system.strategies.bollinger_reversion import BollingerReversion

AROUND_TEN = (10, 11, 10, 9, 10, 7, 8, 9.5, 10, 11, 14, 12, 11)


def test_it_buys_below_the_band_and_sells_at_the_average(bars):
    # The last of 5 closes is below its band of 1.5 deviations at bar 5 alone: mean 9.4, 2.04 wide.
    strategy = BollingerReversion(period=5, width=1.5)
    assert strategy.targets(bars(*AROUND_TEN)).tolist() == [0] * 5 + [1, 1] + [0] * 6


def test_it_may_also_sell_above_the_other_band(bars):
    strategy = BollingerReversion(period=5, width=1.5, short=True)
    assert strategy.targets(bars(*AROUND_TEN)).tolist() == [0] * 5 + [1, 1, 0, 0, 0, -1, -1, 0]


def test_the_warmup_is_what_the_first_average_needs():
    assert BollingerReversion(period=20).warmup == 19
