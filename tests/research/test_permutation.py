from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.backtest.made_up import random_frame
from tests.research.questions import history
from tests.research.sweeps import HISTORY, Serial, ignore, question
from trading_system.frames import Frame
from trading_system.research import journal, permutation
from trading_system.research.objectives import objective
from trading_system.research.permutation import SCORE, Shuffled, p_value, permuted
from trading_system.research.trial import judge


@given(st.integers(2, 200), st.integers(0, 199), st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_a_permuted_market_has_the_same_moves_in_another_order(count, start, seed):
    start = min(start, count - 1)
    frame = random_frame(np.random.default_rng(seed), count, 0.02)
    other = permuted(frame, start, [seed, 1])
    first = max(start, 1)
    for name in ("open_time", "open", "high", "low", "close", "volume"):
        assert np.array_equal(getattr(frame, name)[:first], getattr(other, name)[:first])
    assert np.array_equal(frame.open_time, other.open_time)
    for moves in (gaps, shapes):
        assert np.allclose(moves(frame, first), moves(other, first), rtol=1e-9)
    assert frame.close[-1] == pytest.approx(other.close[-1], rel=1e-9)
    assert np.all(other.high >= np.maximum(other.open, other.close))
    assert np.all(other.low <= np.minimum(other.open, other.close))


def gaps(frame, first):
    return np.sort(frame.open[first:] / frame.close[first - 1 : -1])


def shapes(frame, first):
    """What a bar is like, from its open on, with its volume; sorted."""
    ratios = [(column / frame.open)[first:] for column in (frame.high, frame.low, frame.close)]
    rows = np.column_stack([*ratios, frame.volume[first:]])
    return rows[np.lexsort(np.round(rows, 9).T)]


def test_the_same_number_gives_the_same_market_and_another_one_another():
    once, again, other = (permuted(HISTORY.frame, 49, [3, n]).close for n in (1, 1, 2))
    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)


def test_gaps_and_bars_are_shuffled_each_by_themselves():
    other = permuted(HISTORY.frame, 49, [1, 1])
    moved = [
        (frame.open[49:] / frame.close[48:-1], frame.high[49:] / frame.open[49:])
        for frame in (HISTORY.frame, other)
    ]
    places = [
        [int(np.argmin(np.abs(before - after))) for after in afterwards]
        for before, afterwards in zip(*moved, strict=True)
    ]
    for each in places:
        assert each != sorted(each)
    assert places[0] != places[1]


def asked_of(over, axes, seed=1):
    asked = question(axes=axes, over=over, fee_taker=0.0)
    return Shuffled(
        question=asked,
        candidates=range(asked.space.size),
        objective=objective("sharpe"),
        seed=seed,
    )


def scores(shuffled, path, count, engine=None):
    with journal.opened(path, SCORE) as rows:
        permutation.run(shuffled, count, engine=engine or Serial(), journal=rows, done=ignore)
        return np.array(rows.rows())


def test_a_score_is_that_of_the_best_combination_over_that_market(tmp_path):
    shuffled = asked_of(HISTORY, ["fast=2:20:1", "slow=22:30:1"])
    (found,) = scores(shuffled, tmp_path / "rows", 1)
    market = dataclasses.replace(HISTORY, frame=permuted(HISTORY.frame, HISTORY.warmup, [1, 0]))
    rows = judge(dataclasses.replace(shuffled.question, history=market))(shuffled.candidates)
    assert found.item() == (0, rows["sharpe"].max())


def test_permutations_that_were_killed_go_on(tmp_path):
    shuffled = asked_of(HISTORY, ["fast=2,3", "slow=22"])
    whole = scores(shuffled, tmp_path / "whole", 7)
    with pytest.raises(KeyboardInterrupt):
        scores(shuffled, tmp_path / "rows", 7, Serial(dies_after=3))
    engine = Serial()
    assert scores(shuffled, tmp_path / "rows", 7, engine).tolist() == whole.tolist()
    assert engine.judged == [3, 4, 5, 6]


def trending(bars=600):
    """A market that goes up for twenty bars and down for twenty."""
    steps = np.where(np.arange(bars) // 20 % 2, 0.99, 1.01)
    rng = np.random.default_rng(1)
    close = 100 * np.cumprod(steps * rng.normal(1, 0.002, bars))
    made = history(bars - 49)
    rows = [made.frame.open_time, close, close, close, close, np.ones(bars)]
    return dataclasses.replace(made, frame=Frame.from_array(np.column_stack(rows)))


@pytest.mark.parametrize(("market", "low", "high"), [(trending(), 0, 0.05), (HISTORY, 0.1, 1)])
def test_a_pattern_is_hardly_luck_and_a_random_walk_may_well_be(tmp_path, market, low, high):
    shuffled = asked_of(market, ["fast=1,2,3", "slow=4:10:2"])
    rows = judge(shuffled.question)(shuffled.candidates)
    found = scores(shuffled, tmp_path / "rows", 40)
    assert low < p_value(float(rows["sharpe"].max()), found["score"]) <= high


@pytest.mark.parametrize(
    ("others", "p"), [([], 1.0), ([1.0, 2.0, 3.0], 0.75), ([0.0, 1.0, 1.5], 0.25), ([2.0], 1.0)]
)
def test_p_counts_the_market_as_it_was_and_equal_ones(others, p):
    assert p_value(2.0, np.array(others)) == p


def test_nothing_that_trades_is_worse_than_anything():
    assert p_value(-np.inf, np.array([-np.inf, 0.0])) == 1.0
