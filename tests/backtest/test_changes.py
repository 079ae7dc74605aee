"""Changes of the target, found in words of bits: the same as one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.backtest.made_up import random_targets
from trading_system.backtest.kernels.changes import SPAN, changes, no_places


def found(targets, start, stop):
    places = no_places()
    return places[: changes(targets, start, stop, places)].tolist()


@settings(deadline=None, max_examples=200)
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(1, SPAN),
    start=st.integers(0, SPAN),
    change=st.sampled_from((0.0, 0.02, 0.3, 1.0)),
)
def test_every_change_is_found_wherever_one_begins(seed, count, start, change):
    targets = random_targets(np.random.default_rng(seed), start + count, change)
    expected = [i for i in range(start, start + count) if i == 0 or targets[i] != targets[i - 1]]
    assert found(targets, start, start + count) == expected


def test_what_is_no_number_is_a_change_at_every_bar():
    assert found(np.array([0, np.nan, np.nan, 0.0, 0.0]), 0, 5) == [0, 1, 2, 3]


def test_every_bar_of_a_span_may_be_one():
    assert found(np.arange(2.0 * SPAN), SPAN, 2 * SPAN) == list(range(SPAN, 2 * SPAN))
    assert found(np.zeros(SPAN + 64), SPAN, SPAN + 64) == []
