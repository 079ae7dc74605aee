"""A search by Optuna: its samplers propose combinations, its storage remembers them.

The same seed proposes the same ones, however many workers there are and however often the search
was killed: a sampler sees whole generations only, and has a seed of its own for every proposal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState

from trading_system.domain.errors import ConfigurationError, InvalidRequest
from trading_system.research.engines import Engine
from trading_system.research.journal import Journal
from trading_system.research.objectives import Objective
from trading_system.research.space import Axis, Space, accepted
from trading_system.research.sweep import batches
from trading_system.research.trial import Question, judge

_GENERATION = 8
"""Proposals made at once. A constant, not the number of workers: results must not depend on it."""
_OTHERS = {
    "BaseSampler",
    "BaseGASampler",
    "BruteForceSampler",
    "GridSampler",
    "PartialFixedSampler",
}
"""No samplers of their own, or the full grid, which needs no search."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """So many proposals of a sampler; a study of that name in that storage is continued."""

    sampler: str
    trials: int
    seed: int
    storage: str
    study: str


def samplers() -> dict[str, type[optuna.samplers.BaseSampler]]:
    """Optuna's samplers by name: tpe, nsgaii, cmaes ..."""
    names = sorted(set(optuna.samplers.__all__) - _OTHERS)
    return {
        name.removesuffix("Sampler").lower(): getattr(optuna.samplers, name)
        for name in names
        if name.endswith("Sampler")
    }


def run(
    question: Question,
    search: Search,
    objective: Objective,
    *,
    engine: Engine,
    journal: Journal,
    done: Callable[[int], object],
) -> None:
    """Have combinations proposed and judged until there are as many proposals as wanted.

    The journal gets a row a combination; one that is proposed again is not judged again. `done` is
    told how many proposals have been dealt with. Raises InvalidRequest for a storage that cannot be
    used, ConfigurationError for a sampler that needs another library.
    """
    study = _study(search, objective)
    rows = {int(row["combination"]): row.copy() for row in journal.rows()}
    axes = {axis.name: _distribution(axis) for axis in question.space.axes}
    for first in range(0, search.trials, _GENERATION):
        trials = _generation(study, search, axes, range(first, search.trials)[:_GENERATION])
        numbers = [_number(question.space, trial) for trial in trials]
        kind = question.recipe.kind()
        new = dict.fromkeys(number for number in numbers if number not in rows)
        wanted = [number for number, _ in accepted(kind, question.space, new)]
        for found in engine.map(judge, question, batches(wanted, 1)):
            journal.append(found)
            rows |= {int(row["combination"]): row for row in found}
        for trial, number in zip(trials, numbers, strict=True):
            if not trial.state.is_finished():
                _tell(study, trial, rows.get(number), objective)
        done(first + len(trials))


def _study(search: Search, objective: Objective) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return optuna.create_study(
            storage=search.storage,
            study_name=search.study,
            direction="maximize" if objective.sign > 0 else "minimize",
            load_if_exists=True,
        )
    except Exception as error:  # whatever its drivers raise
        raise InvalidRequest(f"{search.storage} cannot be used: {error}") from error


def _generation(
    study: optuna.Study, search: Search, axes: dict[str, BaseDistribution], numbers: Sequence[int]
) -> list[FrozenTrial]:
    """The trials with these numbers: those of an earlier run, and new ones."""
    sampler = samplers()[search.sampler]
    for number in range(len(study.get_trials(deepcopy=False)), numbers[-1] + 1):
        try:
            study.sampler = sampler(seed=search.seed + number)  # type: ignore[call-arg]
            study.ask(axes)
        except ImportError as missing:
            raise ConfigurationError(
                f"the sampler {search.sampler} needs more: {missing}"
            ) from None
    return study.get_trials(deepcopy=False)[numbers[0] : numbers[-1] + 1]


def _tell(study: optuna.Study, trial: FrozenTrial, row: Any, objective: Objective) -> None:
    """The figure; "pruned" for what is refused or has none, so that samplers keep away from it."""
    figure = float("nan") if row is None else float(row[objective.metric])
    if figure == figure:  # noqa: PLR0124 -- not NaN
        study.tell(trial.number, figure)
    else:
        study.tell(trial.number, state=TrialState.PRUNED)


def _distribution(axis: Axis) -> BaseDistribution:
    """Whole numbers in even steps as such; of everything else the texts, as choices."""
    values = axis.values
    steps = {
        after - before for before, after in pairwise(values) if type(before) is type(after) is int
    }
    if len(steps) == 1 and all(type(value) is int for value in values) and min(steps) > 0:
        return IntDistribution(int(values[0]), int(values[-1]), step=steps.pop())
    return CategoricalDistribution([str(value) for value in values])


def _number(space: Space, trial: FrozenTrial) -> int:
    """The combination that a trial proposes."""
    places = []
    for axis in space.axes:
        proposed = trial.params[axis.name]
        texts = [str(value) for value in axis.values]
        places.append(texts.index(str(proposed)))
    return space.number(places)
