"""States follow the figures, but not every twitch of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.market import BTC
from trading_system.domain.candles import MINUTE, Candle
from trading_system.domain.errors import ConfigurationError
from trading_system.domain.market import MarketState, Quote
from trading_system.market.states import (
    Figures,
    Standing,
    StateThresholds,
    Threshold,
    atr_percent,
    judge,
    liquidity,
    read_thresholds,
    spread_bps,
    step,
)

DEAD, NORMAL, VOLATILE, PANIC, MAINTENANCE = MarketState
THRESHOLDS = StateThresholds()
CALM = Figures(
    tradable=True,
    atr_percent=0.05,
    spread_bps=2.0,
    quote_volume=1e8,
    liquidity=0.7,
    silence_seconds=0.5,
)


def quote(bid=99.0, ask=101.0, bid_quantity=10.0, ask_quantity=20.0):
    return Quote(BTC, bid, bid_quantity, ask, ask_quantity, 1, 1)


@pytest.mark.parametrize(
    ("changes", "state", "reason"),
    [
        ({}, NORMAL, "no figure is out of bounds"),
        ({"tradable": False, "atr_percent": 9.0}, MAINTENANCE, "the venue does not trade it"),
        ({"silence_seconds": 301.0, "atr_percent": 9.0}, DEAD, "silent seconds 301"),
        ({"quote_volume": 9_999.0}, DEAD, "24 h quote volume 9999"),
        ({"liquidity": 0.019}, DEAD, "liquidity 0.019"),
        ({"atr_percent": 1.01}, PANIC, "ATR % 1.01"),
        ({"spread_bps": 151.0}, PANIC, "spread bps 151"),
        ({"spread_bps": 151.0, "atr_percent": 2.0}, PANIC, "ATR % 2, spread bps 151"),
        ({"atr_percent": 0.31}, VOLATILE, "ATR % 0.31"),
        ({"spread_bps": 30.5}, VOLATILE, "spread bps 30.5"),
        ({"atr_percent": 0.30, "spread_bps": 30.0}, NORMAL, "no figure is out of bounds"),
        ({"silence_seconds": None, "liquidity": None}, NORMAL, "no figure is out of bounds"),
        ({"atr_percent": None}, NORMAL, "no figure is out of bounds"),
        ({"spread_bps": None}, NORMAL, "no figure is out of bounds"),
    ],
)
def test_figures_show_a_state_and_say_why(changes, state, reason):
    assert judge(None, replace(CALM, **changes), THRESHOLDS) == (state, reason)


def test_without_atr_and_spread_nothing_is_normal():
    unknown = replace(CALM, atr_percent=None, spread_bps=None)
    assert judge(None, unknown, THRESHOLDS) is None
    assert judge(VOLATILE, unknown, THRESHOLDS) is None
    assert judge(MAINTENANCE, unknown, THRESHOLDS) == (NORMAL, "the venue trades it again")


@pytest.mark.parametrize(
    ("now", "changes", "state"),
    [
        (VOLATILE, {"atr_percent": 0.25}, VOLATILE),
        (NORMAL, {"atr_percent": 0.25}, NORMAL),
        (VOLATILE, {"atr_percent": 0.19}, NORMAL),
        (VOLATILE, {"spread_bps": 25.0}, VOLATILE),
        (PANIC, {"atr_percent": 0.8}, PANIC),
        (VOLATILE, {"atr_percent": 0.8}, VOLATILE),
        (PANIC, {"atr_percent": 0.69}, VOLATILE),
        (PANIC, {"atr_percent": 0.25}, VOLATILE),
        (PANIC, {"spread_bps": 120.0}, PANIC),
        (DEAD, {"quote_volume": 12_000.0}, DEAD),
        (NORMAL, {"quote_volume": 12_000.0}, NORMAL),
        (DEAD, {"quote_volume": 15_001.0}, NORMAL),
        (DEAD, {"silence_seconds": 100.0}, DEAD),
        (NORMAL, {"silence_seconds": 100.0}, NORMAL),
        (DEAD, {"liquidity": 0.03}, DEAD),
    ],
)
def test_a_state_is_left_at_another_figure_than_it_is_entered(now, changes, state):
    assert judge(now, replace(CALM, **changes), THRESHOLDS)[0] is state


def after(standing, figures, times):
    for _ in range(times):
        standing = step(standing, figures, THRESHOLDS)
    return standing


WILD = replace(CALM, atr_percent=0.5)
MAD = replace(CALM, atr_percent=5.0)
CLOSED = replace(CALM, tradable=False)


def test_the_first_state_takes_two_looks():
    assert after(Standing(), CALM, 1).state is None
    assert after(Standing(), CALM, 2).state is NORMAL


@pytest.mark.parametrize(
    ("now", "figures", "becomes", "looks"),
    [
        (NORMAL, WILD, VOLATILE, 2),
        (NORMAL, MAD, PANIC, 2),
        (VOLATILE, MAD, PANIC, 2),
        (PANIC, WILD, VOLATILE, 6),
        (PANIC, CALM, NORMAL, 6),
        (VOLATILE, CALM, NORMAL, 6),
        (NORMAL, replace(CALM, quote_volume=1.0), DEAD, 2),
        (DEAD, CALM, NORMAL, 6),
        (NORMAL, CLOSED, MAINTENANCE, 1),
        (MAINTENANCE, CALM, NORMAL, 1),
        (None, CLOSED, MAINTENANCE, 1),
    ],
)
def test_worse_is_believed_sooner_than_better(now, figures, becomes, looks):
    standing = Standing(state=now)
    assert after(standing, figures, looks - 1).state is now
    assert after(standing, figures, looks).state is becomes


def test_a_twitch_in_between_begins_the_count_anew():
    standing = after(Standing(state=VOLATILE), CALM, 5)
    standing = after(standing, WILD, 1)
    assert after(standing, CALM, 5).state is VOLATILE
    assert after(standing, CALM, 6).state is NORMAL


def test_another_state_in_between_begins_the_count_anew():
    standing = after(Standing(state=PANIC), WILD, 5)
    assert after(standing, CALM, 5).state is PANIC


def test_unknown_figures_change_nothing():
    standing = after(Standing(state=NORMAL), WILD, 1)
    unknown = Figures(tradable=True)
    assert after(after(standing, unknown, 9), WILD, 1).state is VOLATILE


def test_the_reason_is_told_with_the_state():
    assert after(Standing(), WILD, 2).reason == "ATR % 0.5"
    assert after(Standing(), WILD, 3).reason == "ATR % 0.5"


FIGURES = st.builds(
    Figures,
    tradable=st.booleans(),
    atr_percent=st.none() | st.floats(0, 5),
    spread_bps=st.none() | st.floats(0, 300),
    quote_volume=st.none() | st.floats(0, 1e5),
    liquidity=st.none() | st.floats(0, 1),
    silence_seconds=st.none() | st.floats(0, 600),
)


@given(st.lists(FIGURES, max_size=40))
def test_a_state_changes_only_to_what_was_shown_often_enough(series):
    standing, shown = Standing(), []
    for figures in series:
        judged = judge(standing.state, figures, THRESHOLDS)
        before, standing = standing, step(standing, figures, THRESHOLDS)
        if judged is not None:
            shown.append(judged[0])
        if standing.state is not before.state:
            swift = MAINTENANCE in {standing.state, before.state}
            assert set(shown[-1 if swift else -2 :]) == {standing.state}


@given(st.lists(st.floats(0.201, 0.299), min_size=1, max_size=30))
def test_between_the_thresholds_a_volatile_market_stays_so_and_a_normal_one_too(series):
    for now in (NORMAL, VOLATILE):
        standing = Standing(state=now)
        for atr in series:
            standing = step(standing, replace(CALM, atr_percent=atr), THRESHOLDS)
            assert standing.state is now


def test_a_threshold_below_counts_what_is_less():
    volume = Threshold(enter=10.0, leave=15.0)
    assert volume.is_met(9.0, already=False)
    assert not volume.is_met(12.0, already=False)
    assert volume.is_met(12.0, already=True)
    assert not volume.is_met(15.0, already=True)


def rows(*closes, spread=1.0):
    return np.array(
        [
            (number * MINUTE, close, close + spread, close - spread, close, 1.0)
            for number, close in enumerate(closes)
        ],
        dtype=np.float64,
    ).reshape(-1, 6)


def test_atr_is_the_mean_true_range_in_percent_of_the_last_close():
    assert atr_percent(rows(100.0, 100.0, 100.0)) == pytest.approx(2.0)
    assert atr_percent(rows(100.0, 110.0)) == pytest.approx(100 * 11 / 110)
    assert atr_percent(rows(110.0, 100.0)) == pytest.approx(11.0)


def test_atr_looks_at_the_last_fourteen_ranges_alone():
    wild = rows(1.0, 500.0, *[100.0] * 15)
    assert atr_percent(wild) == pytest.approx(2.0)


def test_the_running_minute_counts_once():
    closed = rows(100.0, 100.0)
    running = Candle(2 * MINUTE, 100.0, 105.0, 95.0, 100.0, 1.0)
    assert atr_percent(closed, running) == pytest.approx(6.0)
    assert atr_percent(closed, running._replace(open_time=MINUTE)) == pytest.approx(2.0)
    assert atr_percent(rows(), running) is None


@pytest.mark.parametrize("few", [rows(), rows(100.0)])
def test_less_than_two_candles_have_no_atr(few):
    assert atr_percent(few) is None


def test_the_spread_is_in_basis_points_of_the_middle():
    assert spread_bps(quote(99.0, 101.0)) == pytest.approx(200.0)


def test_each_half_counts_one_half():
    halves = StateThresholds(half_depth=990.0, half_spread=200.0, half_quote_volume=7.0)
    assert liquidity(quote(), 7.0, halves) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ((quote(bid_quantity=11.0), 1e6), (quote(), 1e6)),
        ((quote(bid=100.0), 1e6), (quote(), 1e6)),
        ((quote(), 2e6), (quote(), 1e6)),
    ],
)
def test_depth_narrowness_and_volume_make_liquidity(better, worse):
    assert 0 < liquidity(*worse, THRESHOLDS) < liquidity(*better, THRESHOLDS) < 1


def test_without_quote_or_volume_there_is_no_score():
    assert liquidity(None, 1.0, THRESHOLDS) is None
    assert liquidity(quote(), None, THRESHOLDS) is None
    assert liquidity(quote(), 0.0, THRESHOLDS) == 0


def test_thresholds_are_read_from_one_line_of_settings():
    read = read_thresholds("panic_atr=1.5/1.0, worsen_after=3 half_depth=7e3")
    assert read == replace(
        StateThresholds(),
        panic_atr=Threshold(enter=1.5, leave=1.0),
        worsen_after=3,
        half_depth=7000.0,
    )
    assert read_thresholds("") == StateThresholds()


@pytest.mark.parametrize(
    "text",
    ["panic=1/2", "panic_atr=1", "panic_atr=a/b", "worsen_after=x", "panic_atr", "__doc__=1"],
)
def test_a_threshold_that_cannot_be_is_told_with_what_there_is(text):
    with pytest.raises(ConfigurationError, match=r"MARKET_STATES: .*panic_atr=1\.5/1\.0"):
        read_thresholds(text)
