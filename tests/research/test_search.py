from __future__ import annotations

import dataclasses
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, IntDistribution
from optuna.trial import TrialState

from tests.research.sweeps import Serial, fragile, ignore, question
from trading_system.domain.errors import ConfigurationError, InvalidRequest
from trading_system.research import journal, search
from trading_system.research.objectives import objective
from trading_system.research.space import Axis
from trading_system.research.trial import ROW
from trading_system.strategies.grid import Spacing

ASKED = question(axes=["fast=2:40:1", "slow=6:49:1"])


def run(folder, engine=None, *, trials=9, by="sharpe", asked=ASKED, sampler="tpe", **changes):
    wanted = search.Search(
        sampler=sampler,
        trials=trials,
        seed=7,
        storage=f"sqlite:///{folder}/study.db",
        study="mine",
    )
    wanted = dataclasses.replace(wanted, **changes)
    with journal.opened(Path(folder, "rows"), ROW) as rows:
        search.run(
            asked, wanted, objective(by), engine=engine or Serial(), journal=rows, done=ignore
        )
    return Path(folder, "rows").read_bytes()


def study_in(folder):
    return optuna.load_study(study_name="mine", storage=f"sqlite:///{folder}/study.db")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return folder, run(folder)


def test_the_study_remembers_every_proposal_with_its_figure(whole):
    folder, rows = whole
    study = study_in(folder)
    table = {row["combination"]: row for row in journal.np.frombuffer(rows, ROW)}
    assert len(study.trials) == 9
    assert study.direction.name == "MAXIMIZE"
    for trial in study.trials:
        refused = trial.params["fast"] >= trial.params["slow"]
        assert trial.state == (TrialState.PRUNED if refused else TrialState.COMPLETE)
        if not refused:
            number = ASKED.space.number([trial.params["fast"] - 2, trial.params["slow"] - 6])
            assert trial.value == table[number]["sharpe"]
    assert study.best_value == max(row["sharpe"] for row in table.values())


@pytest.mark.parametrize("deaths", [[3, 0]])
def test_a_search_that_was_killed_goes_on_as_if_nothing_had_been(whole, tmp_path, deaths):
    for death in deaths:
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, Serial(dies_after=death))
    assert run(tmp_path) == whole[1]
    assert [trial.params for trial in study_in(tmp_path).trials] == [
        trial.params for trial in study_in(whole[0]).trials
    ]


@pytest.mark.slow
def test_more_trials_go_on_behind_those_there_are(whole, tmp_path):
    run(tmp_path, trials=8)
    assert run(tmp_path) == whole[1]


def test_what_a_study_knows_and_the_table_lacks_is_judged_for_the_table(whole, tmp_path):
    shutil.copy(whole[0] / "study.db", tmp_path)
    assert run(tmp_path) == whole[1]


def test_a_combination_that_is_proposed_again_is_not_judged_again(tmp_path):
    engine = Serial()
    run(tmp_path, engine, asked=question(axes=["fast=2,3", "slow=30"]), sampler="random")
    assert sorted(engine.judged) == [0, 1]
    assert len(study_in(tmp_path).trials) == 9


def test_what_has_no_figure_is_pruned_and_fees_are_minimised(tmp_path):
    asked = question(fragile(tmp_path), ["turns=1,2,4", "dead=yes,no"])
    run(tmp_path, asked=asked, by="profit_factor")
    dead = [trial for trial in study_in(tmp_path).trials if trial.params["dead"] == "True"]
    assert {trial.state for trial in dead} == {TrialState.PRUNED}
    with TemporaryDirectory() as other:
        run(other, asked=asked, by="fees", trials=3)
        assert study_in(other).direction.name == "MINIMIZE"


@pytest.mark.parametrize(
    ("values", "distribution"),
    [
        ((5, 10, 15), IntDistribution(5, 15, step=5)),
        ((5, 10, 20), CategoricalDistribution(["5", "10", "20"])),
        ((15, 10, 5), CategoricalDistribution(["15", "10", "5"])),
        ((5,), CategoricalDistribution(["5"])),
        ((0.5, 1.0), CategoricalDistribution(["0.5", "1.0"])),
        ((True, False), CategoricalDistribution(["True", "False"])),
        (tuple(Spacing), CategoricalDistribution(["arithmetic", "geometric"])),
    ],
)
def test_even_steps_are_proposed_as_numbers_and_all_else_as_choices(values, distribution):
    assert search._distribution(Axis(name="a", values=values)) == distribution


def test_samplers_have_short_names_and_the_grid_is_none_of_them():
    assert {"tpe", "random", "nsgaii", "cmaes"} <= search.samplers().keys()
    assert not {"grid", "base", "bruteforce", "partialfixed"} & search.samplers().keys()


def test_a_sampler_that_lacks_a_library_says_which(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cmaes", None)
    with pytest.raises(ConfigurationError, match=r"the sampler cmaes needs more: .*cmaes"):
        run(tmp_path, sampler="cmaes")


def test_a_storage_that_cannot_be_used_is_refused(tmp_path):
    with pytest.raises(InvalidRequest, match=r"nowhere/x\.db cannot be used"):
        run(tmp_path, storage=f"sqlite:///{tmp_path}/nowhere/x.db")
