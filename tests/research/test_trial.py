from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest

from tests.research.sweeps import HISTORY, fragile, question
from trading_system.domain.errors import ConfigurationError, InvalidRequest, TradingError
from trading_system.research import trial
from trading_system.research.playing import play
from trading_system.strategies.base import build
from trading_system.strategies.grid import Grid
from trading_system.strategies.registry import load
from trading_system.strategies.rsi_reversion import RsiReversion
from trading_system.strategies.sma_cross import SmaCross


@pytest.mark.parametrize(
    ("kind", "axes"),
    [
        (SmaCross, ["fast=2:8:3", "slow=20,30"]),
        (RsiReversion, ["period=5,9"]),
        (Grid, ["levels=5,9", "atr_width=4,8"]),
    ],
)
def test_a_row_is_the_backtest_of_its_combination_to_the_last_bit(kind, axes):
    asked = question(kind, axes)
    numbers = range(asked.space.size)
    for number, row in zip(numbers, trial.judge(asked)(numbers), strict=True):
        alone = play(build(kind, asked.space.values(number)), HISTORY, asked.rules)
        expected = np.zeros((), trial.ROW)
        expected[()] = (number, *dataclasses.astuple(alone.metrics))
        assert row.tobytes() == expected.tobytes()


def test_a_combination_that_fails_is_named(tmp_path):
    judged = trial.judge(question(fragile(tmp_path), ["turns=1:5", "dead=no"]))
    assert len(judged([0, 1])) == 2
    with pytest.raises(TradingError, match=r"fragile with turns=3, dead=no: .*ZeroDivisionError"):
        judged([0, 1, 2])


def test_targets_of_a_combination_that_fails_are_named(tmp_path):
    targets = trial.targets_of(question(fragile(tmp_path), ["turns=2,3"]))
    assert targets(0)[:5].tolist() == [0, 0, 1, 1, 0]
    with pytest.raises(TradingError, match="fragile with turns=3: ZeroDivisionError"):
        targets(1)


@pytest.mark.parametrize("door", [trial.judge, trial.targets_of])
def test_another_version_of_the_program_is_refused(door):
    asked = dataclasses.replace(question(), code="0123456789ab")
    with pytest.raises(ConfigurationError, match="another version of this program"):
        door(asked)


def test_a_strategy_of_ones_own_travels_as_text_to_where_its_file_is_not(tmp_path):
    asked = question(fragile(tmp_path), ["turns=1,2"])
    here = trial.judge(asked)([0, 1])
    (tmp_path / "fragile.py").unlink()
    trial._kind.cache_clear()  # as in another process
    elsewhere = pickle.loads(pickle.dumps(asked))  # noqa: S301 -- our own bytes
    assert elsewhere.recipe.kind().name == "fragile"
    assert trial.judge(elsewhere)([0, 1]).tobytes() == here.tobytes()


def test_a_file_that_says_something_else_by_now_is_not_believed(tmp_path):
    recipe = question(fragile(tmp_path), ["turns=1"]).recipe
    path = tmp_path / "fragile.py"
    path.write_text(path.read_text().replace("low=1, high=9", "low=5, high=9"))
    with pytest.raises(InvalidRequest, match="out of range"):
        build(trial.recipe(load(path)[0]).kind(), {"turns": 1})
    assert build(dataclasses.replace(recipe, source=recipe.source + "# the same\n").kind(), {})
