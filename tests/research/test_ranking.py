from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from tests.research.sweeps import HISTORY, fragile, question
from trading_system.research.objectives import objective
from trading_system.research.playing import play
from trading_system.research.ranking import deflated_sharpe, neighbours, ranked
from trading_system.research.space import Axis, Space
from trading_system.research.trial import judge
from trading_system.strategies.base import build
from trading_system.strategies.sma_cross import SmaCross

AXES = ["fast=2:6:2", "slow=20:40:10"]


@pytest.mark.parametrize(
    ("combination", "expected"), [(0, [1, 4]), (5, [1, 4, 6, 9]), (11, [7, 10]), (3, [2, 7])]
)
def test_neighbours_differ_by_one_place_on_one_axis(combination, expected):
    axes = (Axis(name="a", values=(1, 2, 3)), Axis(name="b", values=(1, 2, 3, 4)))
    assert neighbours(Space(axes=axes, defaults={}), combination) == expected


def test_the_best_are_told_with_what_is_beside_them():
    asked = question(axes=AXES)
    rows = judge(asked)(range(9))
    best, second = ranked(asked, rows, objective("sharpe"), 2)
    order = np.argsort(-rows["sharpe"])
    assert [best.combination, second.combination] == order[:2].tolist()
    assert best.metrics == play(build(SmaCross, best.values), HISTORY, asked.rules).metrics
    beside = [rows["sharpe"][n] for n in neighbours(asked.space, best.combination)]
    assert best.neighbours == pytest.approx(np.mean(beside))


def test_one_without_neighbours_has_no_figure_of_theirs():
    asked = question(axes=["fast=5"])
    (only,) = ranked(asked, judge(asked)([0]), objective("sharpe"), 5)
    assert math.isnan(only.neighbours)


def test_the_deflated_sharpe_is_that_of_bailey_and_lopez_de_prado():
    """Written down again by their formulas, from the equity alone."""
    asked = question(axes=AXES)
    rows = judge(asked)(range(9))
    equity = play(build(SmaCross, asked.space.values(4)), HISTORY, asked.rules).equity
    gains = np.diff(equity, prepend=10_000) / np.concatenate([[10_000], equity[:-1]])
    normal, n = NormalDist(), len(gains)
    spread = np.std(rows["sharpe"] / math.sqrt(8760), ddof=1)
    lucky = spread * (
        (1 - np.euler_gamma) * normal.inv_cdf(1 - 1 / 9)
        + np.euler_gamma * normal.inv_cdf(1 - 1 / (9 * math.e))
    )
    sharpe = gains.mean() / gains.std(ddof=1)
    scores = (gains - gains.mean()) / gains.std()
    error = 1 - (scores**3).mean() * sharpe + ((scores**4).mean() - 1) / 4 * sharpe**2
    expected = normal.cdf((sharpe - lucky) * math.sqrt((n - 1) / error))
    assert deflated_sharpe(asked, rows, 4) == pytest.approx(expected)


def test_a_trial_that_never_traded_counts_as_one_with_a_sharpe_of_nothing(tmp_path):
    asked = question(fragile(tmp_path), ["turns=1,2", "dead=no,yes"])
    rows = judge(asked)(range(4))
    assert np.isnan(rows["sharpe"]).tolist() == [False, True, False, True]
    told = rows.copy()
    told["sharpe"][[1, 3]] = 0.0
    assert deflated_sharpe(asked, rows, 0) == deflated_sharpe(asked, told, 0)
