"""Changes of the target, found in words of bits: the same as one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.backtest.made_up import random_targets
from trading_system.backtest.kernels.changes import ROOM, decide


def found(targets, rows, start=0):
    """(bars, targets) of all changes from a bar on, asked for `rows` at a time."""
    places, wanted = np.empty(rows, np.int64), np.empty(rows)
    every, bar = [], start
    while bar < len(targets):
        count, bar = decide(targets, bar, places, wanted)
        every += zip(places[:count].tolist(), wanted[:count].tolist(), strict=True)
    return every


def one_by_one(targets, start=0):
    changed = [i for i in range(start, len(targets)) if i == 0 or targets[i] != targets[i - 1]]
    return [(i, targets[i]) for i in changed]


@settings(deadline=None, max_examples=200)
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(0, 500),
    start=st.integers(0, 500),
    change=st.sampled_from((0.0, 0.02, 0.3, 1.0)),
    rows=st.integers(ROOM, 3 * ROOM),
)
def test_every_change_is_found_wherever_one_begins(seed, count, start, change, rows):
    targets = random_targets(np.random.default_rng(seed), count, change)
    assert found(targets, rows, start) == one_by_one(targets, start)
    whole = np.sign(targets).astype(np.int8)
    assert found(whole, rows, start) == one_by_one(whole, start)


def test_every_bar_may_be_a_change():
    targets = np.arange(500.0) % 2
    assert found(targets, 200) == list(enumerate(targets.tolist()))
    assert found(np.zeros(500), 200) == [(0, 0.0)]


@pytest.mark.parametrize("wrong", [np.nan, 1.5, -2.0])
@pytest.mark.parametrize("bar", [0, 1, 70, 99])
def test_what_is_no_exposure_is_told_with_its_bar(wrong, bar):
    targets = np.zeros(100)
    targets[bar] = wrong
    assert decide(targets, 0, np.empty(200, np.int64), np.empty(200)) == (-1, bar)
