from __future__ import annotations

import numpy as np
import pytest

from trading_system.strategies.signals import held, sided

YES, NO = True, False


@pytest.mark.parametrize(
    ("enter", "leave", "targets"),
    [
        ([], [], []),
        ([NO, YES, NO, NO, NO], [NO, NO, NO, YES, NO], [0, 1, 1, 0, 0]),
        ([NO, YES, YES, NO], [YES, NO, NO, NO], [0, 1, 1, 1]),
        ([NO, NO], [NO, NO], [0, 0]),
        ([YES, NO, YES], [NO, YES, YES], [1, 0, 1]),
    ],
)
def test_a_position_is_held_from_entering_to_leaving(enter, leave, targets):
    assert held(np.array(enter, bool), np.array(leave, bool)).tolist() == targets


def test_the_last_bar_does_not_reach_back_to_the_first():
    assert held(np.array([NO, NO, YES]), np.array([NO, NO, NO])).tolist() == [0, 0, 1]


@pytest.mark.parametrize(("short", "targets"), [(NO, [1, 0, 0]), (YES, [1, -1, 0])])
def test_a_side_is_taken_by_what_is_higher(short, targets):
    above, below = np.array([YES, NO, NO]), np.array([NO, YES, NO])
    assert sided(above, below, short=short).tolist() == targets
