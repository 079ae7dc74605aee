"""Tables worked out by hand, one rule each."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest

from tests.backtest.made_up import random_frame, random_targets
from trading_system.backtest import engine, records
from trading_system.backtest.kernels import ledger
from trading_system.backtest.records import Reason
from trading_system.backtest.rules import FillRule, Rules, Sizing
from trading_system.domain.errors import InvalidRequest
from trading_system.frames import Frame
from trading_system.strategies.base import first

FREE = {"capital": 1_000.0, "fee_taker": 0.0, "fee_maker": 0.0}
RISING = (100, 100, 110, 120, 130, 140, 150, 160, 170, 180)


def play(frame, targets, warmup=0, **rules):
    return engine.run(
        frame, np.array(targets, np.float64), Rules(**(FREE | rules)), "1h", warmup=warmup
    )


def fills(result):
    """(bar, quantity, price) of every fill, rounded as one calculates by hand."""
    return [(f.bar, round(f.quantity, 6), round(f.price, 6)) for f in result.fills]


def test_a_decision_at_a_close_is_done_at_the_next_open(table):
    result = play(table(*RISING), [0, 1, 1, 1, 0, 0, 0, 0, 0, 0])
    assert fills(result) == [(2, 9.090909, 110), (5, -9.090909, 140)]
    gain = 1_000 / 110
    expected = [1000, 1000, 1000, 120 * gain, 130 * gain, *[140 * gain] * 5]
    assert result.equity.tolist() == pytest.approx(expected)
    assert result.exposure.tolist() == pytest.approx([0, 0, 1, 1, 1, 0, 0, 0, 0, 0])
    (trade,) = result.trades
    assert (trade.entry_bar, trade.exit_bar, trade.side, trade.reason) == (2, 5, 1, Reason.SIGNAL)
    assert (trade.entry_price, trade.exit_price) == (110, 140)
    assert trade.pnl == pytest.approx(30 * gain)


def test_the_close_rule_fills_at_the_close_of_the_decision(table):
    result = play(table(*RISING), [0, 1, 1, 1, 0, 0, 0, 0, 0, 0], fill=FillRule.CLOSE)
    assert fills(result) == [(1, 10, 100), (4, -10, 130)]


def test_a_decision_at_the_last_close_is_never_done(table):
    assert fills(play(table(100, 100, 100), [0, 0, 1])) == []


def test_fees_are_paid_on_the_value_of_either_side(table):
    result = play(table(100, 100, 110, 110), [1, 0, 0, 0], fee_taker=0.01)
    quantity = 1_000 / 101
    buy, sell = quantity * 100 * 0.01, quantity * 110 * 0.01
    assert [f.fee for f in result.fills] == pytest.approx([buy, sell])
    assert result.equity[-1] == pytest.approx(quantity * 110 - sell)
    assert result.trades[0].fees == pytest.approx(buy + sell)
    assert result.trades[0].pnl == pytest.approx(quantity * 10 - buy - sell)
    assert result.metrics.fees == pytest.approx(buy + sell)
    assert result.metrics.turnover == pytest.approx(quantity * 210 / 1_000)


def test_slippage_is_against_the_order_both_ways(table):
    costs = {"slippage_bps": 50, "spread_bps": 100}
    result = play(table(100, 100, 200, 200), [0.5, 0, 0, 0], **costs)
    assert fills(result) == [(1, round(500 / 101, 6), 101), (2, -round(500 / 101, 6), 198)]


@pytest.mark.parametrize(
    ("volume", "price"), [(20.0, 102.5), (5.0, 110.0), (0.0, 110.0), (1e9, 100.0)]
)
def test_impact_grows_with_the_square_of_the_share_of_the_volume(table, volume, price):
    """10 units wanted of 20 traded: 0.1 x 0.5² = 2.5 %; never more than 0.1."""
    frame = table(100, (100, 100, 100, 100, volume))
    assert fills(play(frame, [1, 1], impact=0.1)) == [
        (1, pytest.approx(1_000 / price, abs=1e-5), pytest.approx(price))
    ]


def test_quantities_are_rounded_towards_zero_to_the_lot_step(table):
    assert fills(play(table(300, 300), [1, 1], lot_step=0.5))[0][1] == 3.0
    assert fills(play(table(300, 300), [-1, -1], lot_step=0.5, short=True))[0][1] == -3.0
    tenths = play(table(100, 100), [1, 1], lot_step=0.1, capital=30)
    assert fills(tenths)[0][1] == pytest.approx(0.3)  # 0.3 / 0.1 is a little less than 3


def test_an_order_below_the_minimum_is_skipped_until_the_target_changes(table):
    result = play(table(*RISING[:6]), [0.05, 0.05, 0.2, 0.21, 0, 0], min_notional=100)
    assert [bar for bar, _, _ in fills(result)] == [3, 5]


def test_compounding_spends_gains_and_a_fixed_size_does_not(table):
    frame, targets = table(100, 100, 200, 200, 200), [1, 0, 1, 1, 1]
    assert fills(play(frame, targets))[2] == (3, 10, 200)
    assert fills(play(frame, targets, sizing=Sizing.FIXED))[2] == (3, 5, 200)


def test_a_fixed_size_never_spends_what_was_lost(table):
    result = play(table(100, 100, 50, 50, 50), [1, 0, 1, 1, 1], sizing=Sizing.FIXED)
    assert fills(result)[2] == (3, 10, 50)


def test_nothing_is_traded_while_the_target_stays(table):
    result = play(table(100, 100, 50, 200, 100), [0.5, 0.5, 0.5, 0.5, 0.5])
    assert len(result.fills) == 1
    (trade,) = result.trades
    assert (trade.reason, trade.exit_bar, trade.exit_price) == (Reason.OPEN, 4, 100)
    assert result.metrics.trades == 0


def test_a_trade_of_several_fills_has_average_prices(table):
    result = play(table(100, 100, 125, 150, 150), [0.5, 1, 0.5, 0, 0], fill=FillRule.CLOSE)
    (trade,) = result.trades
    # 5 at 100, then 5 more at 100 for all of 1,000; half of 1,250 sold at 125, the rest at 150.
    assert trade.quantity == 10
    assert trade.entry_price == 100
    assert trade.exit_price == pytest.approx((5 * 125 + 5 * 150) / 10)


def test_a_short_earns_what_the_price_falls(table):
    result = play(table(100, 100, 80, 80), [-1, 0, 0, 0], short=True)
    assert fills(result) == [(1, -10, 100), (2, 10, 80)]
    assert result.equity.tolist() == [1_000, 1_000, 1_200, 1_200]
    assert result.trades[0].side == -1


def test_a_flip_is_one_fill_and_two_trades_and_pays_for_its_way_out_first(table):
    result = play(table(100, 100, 120, 90, 90), [1, -1, 0, 0, 0], short=True, fee_taker=0.01)
    bought, sold, back = (f.quantity for f in result.fills)
    short = bought * 120 * 0.99 / (120 * 1.01)
    assert sold == pytest.approx(-bought - short)
    assert back == pytest.approx(short)
    first, second = result.trades
    assert (first.exit_bar, second.entry_bar, first.side, second.side) == (2, 2, 1, -1)
    assert first.fees + second.fees == pytest.approx(sum(f.fee for f in result.fills))
    assert first.pnl + second.pnl == pytest.approx(result.equity[-1] - 1_000)


def test_without_shorts_a_negative_target_is_flat(table):
    result = play(table(*RISING[:5]), [1, -1, -0.5, 0, 0])
    assert [bar for bar, _, _ in fills(result)] == [1, 2]


def test_a_ruined_short_ends_at_that_close_and_nothing_follows(table):
    result = play(table(100, 100, 150, 210, 100, 100), [-1, -1, -1, -1, 1, 1], short=True)
    assert fills(result) == [(1, -10, 100), (3, 10, 210)]
    assert result.equity.tolist() == [1_000, 1_000, 500, -100, -100, -100]
    assert result.trades[0].reason == Reason.RUIN
    assert result.metrics.annual_return == -1


STOPS = [
    # bars after an entry at 100 of bar 1: (rules, bar 2, exit price, reason)
    ({"stop_loss": 0.1}, (100, 101, 89, 95), 90, Reason.STOP_LOSS),
    ({"stop_loss": 0.1}, (85, 101, 80, 95), 85, Reason.STOP_LOSS),  # a gap through it
    ({"stop_loss": 0.1}, (100, 130, 90.01, 95), None, None),
    ({"take_profit": 0.1}, (100, 111, 90, 95), 110, Reason.TAKE_PROFIT),
    ({"take_profit": 0.1}, (120, 125, 118, 119), 110, Reason.TAKE_PROFIT),  # it rested there
    ({"stop_loss": 0.1, "take_profit": 0.1}, (100, 115, 85, 95), 90, Reason.STOP_LOSS),  # both
    ({"trailing_stop": 0.1}, (100, 101, 89, 95), 90, Reason.TRAILING_STOP),
    ({"trailing_stop": 0.1}, (100, 200, 91, 150), None, None),  # the new high counts later
    ({"trailing_stop": 0.2, "stop_loss": 0.1}, (100, 101, 70, 95), 90, Reason.STOP_LOSS),
    ({"trailing_stop": 0.1, "stop_loss": 0.2}, (100, 101, 70, 95), 90, Reason.TRAILING_STOP),
]


@pytest.mark.parametrize(("rules", "bar", "price", "reason"), STOPS)
def test_stops_of_a_long(table, rules, bar, price, reason):
    result = play(table(100, 100, bar, bar[3]), [1, 1, 1, 1], **rules)
    if price is None and "trailing_stop" in rules:
        assert fills(result)[1] == (3, -10, 150)  # 200 x 0.9 is above the next open
    elif price is None:
        assert len(result.fills) == 1
    else:
        assert fills(result)[1:] == [(2, -10, price)]
        assert result.trades[0].reason == reason


@pytest.mark.parametrize(("rules", "bar", "price", "reason"), STOPS)
def test_stops_of_a_short_are_the_mirror_image(table, rules, bar, price, reason):
    opened, high, low, close = (200 - value for value in bar)
    mirrored = (opened, low, max(high, 1), close)
    result = play(table(100, 100, mirrored, close), [-1, -1, -1, -1], short=True, **rules)
    if price is not None:
        assert fills(result)[1:] == [(2, 10, 200 - price)]
        assert result.trades[0].reason == reason


def test_ruin_comes_before_a_stop_that_is_touched_later(table):
    """Gains went into a larger short: entered at 55 on average, it is ruined at 80, stopped at 88.

    10 at 100, then 1,584 of 1,600 at 40: 39.6 of them, against 3,184 of cash.
    """
    frame = table(100, 40, 85, 120, 120)
    rules = {"short": True, "stop_loss": 0.6, "fill": FillRule.CLOSE}
    result = play(frame, [-1, -0.99, -0.99, -0.99, -0.99], **rules)
    assert fills(result) == [(0, -10, 100), (1, -29.6, 40), (2, 39.6, 85)]
    assert [fill.reason for fill in result.fills] == [Reason.SIGNAL, Reason.SIGNAL, Reason.RUIN]


def test_a_stop_works_in_the_bar_of_the_entry(table):
    result = play(table(100, (100, 100, 80, 95), 95), [1, 1, 1], stop_loss=0.1)
    assert fills(result) == [(1, 10, 100), (1, -10, 90)]


def test_after_a_stop_it_stays_flat_until_the_target_changes(table):
    frame = table(100, 100, (100, 100, 80, 85), 85, 85, 85, 85, 85)
    result = play(frame, [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5], stop_loss=0.1)
    assert [(bar, price) for bar, _, price in fills(result)] == [(1, 100), (2, 90), (5, 85)]


def test_a_stop_takes_and_a_take_profit_makes(table):
    fees = {"fee_taker": 0.02, "fee_maker": 0.01, "slippage_bps": 100, "lot_step": 1.0}
    stopped = play(table(100, 100, (100, 100, 80, 85)), [1, 1, 1], stop_loss=0.1, **fees)
    sale = stopped.fills[1]
    assert sale.price == pytest.approx(101 * 0.9 * 0.99)
    assert sale.fee == pytest.approx(-sale.quantity * sale.price * 0.02)
    taken = play(table(100, 100, (100, 130, 99, 120)), [1, 1, 1], take_profit=0.1, **fees)
    sale = taken.fills[1]
    assert sale.price == pytest.approx(101 * 1.1)
    assert sale.fee == pytest.approx(-sale.quantity * sale.price * 0.01)


def test_a_stop_is_sent_however_little_it_is_worth(table):
    frame = table(100, 100, (100, 100, 1, 1))
    result = play(frame, [0.1, 0.1, 0.1], stop_loss=0.5, min_notional=60)
    assert len(result.fills) == 2


def test_warm_up_bars_decide_nothing_and_the_first_bar_after_them_does(table):
    result = play(table(*RISING), [1, 1, 1, 1, 1, 1, 0, 0, 0, 0], warmup=3)
    assert fills(result)[0][::2] == (1, 130)
    assert result.open_time[0] == 3 * 60_000
    assert len(result.equity) == result.metrics.bars == 7
    assert result.metrics.buy_and_hold == pytest.approx(180 / 120 - 1)


@pytest.mark.parametrize(
    ("targets", "options", "says"),
    [
        ([0, 0, 1.5], {}, "bar 2 is 1.5"),
        ([0, np.nan, 0], {}, "bar 1 is nan"),
        ([0, 0, -2], {"short": True}, "bar 2 is -2"),
        ([0, 0], {}, "as many targets"),
        ([0, 0, 0], {"warmup": 3}, "leave none"),
        ([0, 0, 0], {"warmup": -1}, "leave none"),
    ],
)
def test_targets_that_cannot_be_are_refused(table, targets, options, says):
    with pytest.raises(InvalidRequest, match=says):
        play(table(100, 100, 100), targets, **options)


def test_an_unknown_timeframe_is_refused(table):
    with pytest.raises(InvalidRequest, match="not a timeframe"):
        engine.run(table(100, 100), np.zeros(2), Rules(), "hourly")


def test_the_metrics_are_what_numpy_says_about_the_curve():
    """Blocks, lanes and peaks inside of blocks: nothing of it may show."""
    rng = np.random.default_rng(7)
    frame, targets = random_frame(rng, 5_000, 0.01), random_targets(rng, 5_000, 0.02)
    rules = Rules(fee_taker=0.0001, short=True)
    result = engine.run(frame, targets, rules, "1h")
    seen = result.metrics
    curve = np.concatenate([[rules.capital], result.equity])
    gains = np.diff(curve) / curve[:-1]
    peaks = np.maximum.accumulate(curve)
    below = lengths = 0
    for under in curve < peaks:
        below = below + 1 if under else 0
        lengths = max(lengths, below)
    ended = result.trades[result.trades.reason != Reason.OPEN]
    assert seen.total_return == pytest.approx(curve[-1] / rules.capital - 1)
    assert seen.volatility == pytest.approx(gains.std(ddof=1) * 8760**0.5)
    assert seen.sharpe == pytest.approx(gains.mean() / gains.std(ddof=1) * 8760**0.5)
    low = np.sqrt((np.minimum(gains, 0) ** 2).mean())
    assert seen.sortino == pytest.approx(gains.mean() / low * 8760**0.5)
    assert seen.max_drawdown == pytest.approx((1 - curve / peaks).max(), rel=1e-12)
    assert seen.max_drawdown_bars == lengths
    assert seen.calmar == pytest.approx(seen.annual_return / seen.max_drawdown)
    assert seen.trades == len(ended)
    assert seen.win_rate == pytest.approx((ended.pnl > 0).mean())
    gained, lost = ended.pnl[ended.pnl > 0].sum(), -ended.pnl[ended.pnl <= 0].sum()
    assert seen.profit_factor == pytest.approx(gained / lost)
    assert seen.expectancy == pytest.approx(ended.pnl.mean())
    assert seen.exposure_time == pytest.approx((result.exposure != 0).mean())
    assert seen.fees == pytest.approx(result.fills.fee.sum())
    assert result.trades.pnl.sum() == pytest.approx(curve[-1] - rules.capital)
    ends = result.equity[23::24]
    days = np.concatenate([ends, result.equity[-1:]])
    before = np.concatenate([[rules.capital], days[:-1]])
    assert result.daily_returns.tolist() == pytest.approx((days / before - 1).tolist())
    low, high = result.sharpe_interval
    assert low < seen.sharpe < high
    assert 0 < result.probabilistic_sharpe < 1


@pytest.mark.parametrize("entry", [0, 1, 7, 40, 63])
@pytest.mark.parametrize("count", [100, 700, 1_400])
def test_a_fall_at_the_very_end_is_the_deepest_drawdown(entry, count):
    """Whatever the position's place in the blocks that are added up: none of them loses a bar."""
    close = 100 * 1.001 ** np.arange(count)
    close[-3:] = close[-4] * np.array([0.9, 0.8, 0.7])
    times = np.arange(count) * 3_600_000
    frame = Frame.from_array(np.column_stack([times, *[close] * 4, np.ones(count)]))
    result = play(frame, np.arange(count) >= entry, fill=FillRule.CLOSE)
    assert result.metrics.max_drawdown == pytest.approx(0.3)
    assert result.metrics.max_drawdown_bars == 3
    assert result.metrics.exposure_time == (count - entry) / count


def test_of_few_days_nobody_knows_how_sure_the_sharpe_is():
    rng = np.random.default_rng(3)
    frame, targets = random_frame(rng, 24 * 10, 0.01), random_targets(rng, 24 * 10, 0.3)
    enough, few = (
        engine.run(first(frame, bars), targets[:bars], Rules(), "1h") for bars in (24 * 10, 24 * 9)
    )
    assert (len(enough.daily_returns), len(few.daily_returns)) == (10, 9)
    assert math.isfinite(enough.probabilistic_sharpe)
    assert all(map(math.isfinite, enough.sharpe_interval))
    assert math.isfinite(few.metrics.sharpe)
    assert math.isnan(few.probabilistic_sharpe)
    assert all(map(math.isnan, few.sharpe_interval))


def test_without_numba_one_line_says_how_to_get_it():
    code = (
        "import sys; sys.modules['numba'] = None\n"
        "from trading_system.backtest import engine\n"
        "try:\n    engine.compiled()\n"
        "except Exception as error:\n    print(type(error).__name__, error)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == (
        "ConfigurationError backtests need numba: pip install 'trading-system[backtest]'\n"
    )


def test_numba_is_not_loaded_before_it_is_needed():
    code = "import sys; import trading_system.backtest.grid; print('numba' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"


def test_reasons_and_kernels_count_alike():
    names = [reason.name for reason in Reason]
    assert [getattr(ledger, name) for name in names] == list(range(len(names)))
    assert len(records.packed(Rules())) == 1
