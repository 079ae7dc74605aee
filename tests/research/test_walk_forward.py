from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from tests.research.questions import history
from tests.research.sweeps import Serial, fragile, ignore, question
from trading_system.backtest import engine as backtests
from trading_system.domain.errors import InvalidRequest
from trading_system.frames import Frame
from trading_system.research import walk_forward
from trading_system.research.engines.local import opened as threads
from trading_system.research.history import part
from trading_system.research.objectives import objective
from trading_system.research.walk_forward import Lengths, Walk, Window, lengths, windows
from trading_system.strategies.base import build
from trading_system.strategies.grid import Grid
from trading_system.strategies.sma_cross import SmaCross

HOUR = 3_600_000
MARKET = history(400)  # of hours, behind 49 of warm-up


def walk(asked, *, train=120, test=50, by="sharpe", engine=None, anchored=False):
    wanted = Lengths(train=train * HOUR, test=test * HOUR, anchored=anchored)
    whole = Walk(question=asked, windows=windows(asked.history, wanted), objective=objective(by))
    candidates = range(asked.space.size)
    return walk_forward.walk(
        whole, candidates, asked.space.size, engine=engine or Serial(), done=ignore
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("train=90d,test=30d", Lengths(train=90 * 24 * HOUR, test=30 * 24 * HOUR)),
        ("test=2h, train=1w,anchored", Lengths(train=168 * HOUR, test=2 * HOUR, anchored=True)),
    ],
)
def test_lengths_are_written_like_timeframes(text, expected):
    assert lengths(text) == expected


@pytest.mark.parametrize(
    "text", ["", "train=90d", "train=90d,test=30", "train=1d,test=1d,rolling", "train=1d,train=1d"]
)
def test_what_are_no_lengths_is_refused(text):
    with pytest.raises(InvalidRequest):
        lengths(text)


@pytest.mark.parametrize(
    ("anchored", "begins"), [(False, [49, 149, 249, 349]), (True, [49, 49, 49, 49])]
)
def test_windows_follow_each_other_and_the_last_may_be_short(anchored, begins):
    made = history(360)
    found = windows(made, Lengths(train=50 * HOUR, test=100 * HOUR, anchored=anchored))
    splits = [99, 199, 299, 399]
    assert [each.begin for each in found] == begins
    assert [each.split for each in found] == splits
    assert [each.end for each in found] == [199, 299, 399, 409]


def test_a_window_is_a_span_of_time_not_a_number_of_bars():
    frame = MARKET.frame
    kept = np.ones(len(frame), bool)
    kept[60:100] = False
    rows = np.column_stack(
        [frame.open_time, frame.open, frame.high, frame.low, frame.close, frame.volume]
    )
    holed = dataclasses.replace(MARKET, frame=Frame.from_array(rows[kept]))
    (first, *_) = windows(holed, Lengths(train=100 * HOUR, test=100 * HOUR))
    assert first == Window(begin=49, split=109, end=209)
    with pytest.raises(InvalidRequest, match="a window has no candles"):
        windows(holed, Lengths(train=20 * HOUR, test=20 * HOUR))


def test_nothing_left_to_test_on_is_refused():
    with pytest.raises(InvalidRequest, match="none are left to test"):
        windows(MARKET, Lengths(train=400 * HOUR, test=1 * HOUR))


def test_each_step_trades_what_was_best_before():
    asked = question(over=MARKET)
    found = walk(asked)
    assert len(found.steps) == 6
    for step in found.steps:
        scores = {}
        for number in range(asked.space.size):
            strategy = asked.space.strategy(SmaCross, number)
            if strategy is not None:
                targets = strategy.targets(MARKET.frame)
                first, past = step.window.begin, step.window.split
                alone = backtests.summarize(
                    part(MARKET.frame, first, past), targets[first:past], asked.rules, "1h"
                )
                scores[number] = -math.inf if math.isnan(alone.sharpe) else alone.sharpe
        assert step.combination == max(scores, key=scores.get)
        assert step.train.sharpe == scores[step.combination]


def test_nothing_that_comes_later_changes_what_was_chosen():
    asked = question(over=MARKET)
    frame = MARKET.frame
    for step in walk(asked).steps[:3]:
        rows = np.column_stack(
            [frame.open_time, frame.open, frame.high, frame.low, frame.close, frame.volume]
        )
        rows[step.window.split :, 1:5] *= 1.5
        other = dataclasses.replace(
            asked, history=dataclasses.replace(MARKET, frame=Frame.from_array(rows))
        )
        again = walk(other).steps[[s.window for s in walk(asked).steps].index(step.window)]
        assert (again.combination, again.train) == (step.combination, step.train)


def test_the_tests_together_are_one_run_in_which_parameters_change():
    asked = question(over=MARKET)
    found = walk(asked)
    stitched = np.zeros(len(MARKET.frame))
    for step in found.steps:
        strategy = build(SmaCross, asked.space.values(step.combination))
        span = slice(step.window.split, step.window.end)
        stitched[span] = strategy.targets(MARKET.frame)[span]
    first = found.steps[0].window.split
    alone = backtests.run(
        part(MARKET.frame, first, len(MARKET.frame)), stitched[first:], asked.rules, "1h"
    )
    assert np.array_equal(found.result.equity, alone.equity)
    assert found.result.metrics == alone.metrics


def test_it_is_the_same_with_threads_and_however_it_is_split():
    asked = question(over=MARKET)
    expected = walk(asked)
    with threads(2) as engine:
        assert walk(asked, engine=engine).steps == expected.steps
    assert walk(asked, engine=Serial(40)).steps == expected.steps


def test_a_window_in_which_nothing_was_worth_choosing_stays_flat(tmp_path):
    asked = question(fragile(tmp_path), ["turns=1,2", "dead=yes"], over=MARKET)
    found = walk(asked)
    assert {step.combination for step in found.steps} == {None}
    assert found.result.metrics.trades == 0
    assert math.isnan(found.efficiency)


def test_efficiency_is_growth_after_by_growth_before():
    asked = question(over=MARKET)
    found = walk(asked)
    grown = [math.log(1 + step.train.total_return) / step.train.bars for step in found.steps]
    after = math.log(found.result.equity[-1] / 10_000) / len(found.result.equity)
    assert found.efficiency == pytest.approx(after / np.mean(grown))
    assert np.mean(grown) > 0


def test_a_run_that_lost_everything_has_shrunk_without_end():
    broke = dataclasses.replace(walk(question(over=MARKET)).result.metrics, total_return=-1.0)
    assert walk_forward._growth(broke) == -math.inf


def test_a_grid_does_not_walk():
    with pytest.raises(InvalidRequest, match="cannot walk forward"):
        walk(question(Grid, ["levels=5,9"], over=MARKET))
