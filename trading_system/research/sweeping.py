"""A sweep from question to files: judged, kept, ranked, drawn, and asked how real it is.

Refuses to ask a search how real it is: it would have to search again, in every market.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from trading_system.domain.errors import ConfigurationError, InvalidRequest
from trading_system.frames import Column
from trading_system.research import journal, permutation, sweep, sweep_table, walk_forward
from trading_system.research.configuration import Configuration
from trading_system.research.engines import Engine
from trading_system.research.objectives import Objective
from trading_system.research.ranking import ranked
from trading_system.research.result_files import write_whole
from trading_system.research.space import Space, Survey
from trading_system.research.sweep_page import Answer, page
from trading_system.research.sweep_record import Description, Folder, describe
from trading_system.research.trial import ROW, Question
from trading_system.research.walk_forward import Lengths, Record, Walk

GRID, RANDOM = "grid", "random"
_SEARCHED = 10_000
"""So many combinations at random tell what warm-up a search needs."""

Progress = Callable[[str, int], Callable[[int], object]]
"""From a stage and how much there is to do in it, to what is told how much is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How combinations are found: all (`grid`), some (`random`), or by a sampler of Optuna's.

    `trials` and `seed` are for the latter two, `study` is the storage of a search.
    """

    way: str = GRID
    trials: int = 100
    seed: int = 0
    study: str | None = None

    @property
    def searches(self) -> bool:
        """Whether what is judged depends on what was judged before."""
        return self.way not in {GRID, RANDOM}

    def candidates(self, space: Space) -> Sequence[int]:
        """The combinations that are judged, where that is known; else some that are like them."""
        if self.way == GRID:
            return range(space.size)
        return space.sample(_SEARCHED if self.searches else self.trials, self.seed)

    def described(self, objective: Objective) -> dict[str, Any]:
        """What it adds to the question; a study goes on when more trials are asked for."""
        if self.way == GRID:
            return {"way": GRID}
        if self.way == RANDOM:
            return {"way": RANDOM, "trials": self.trials, "seed": self.seed}
        return {"way": self.way, "seed": self.seed, "objective": objective.metric}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Job:
    """A sweep and how it is done."""

    question: Question
    configuration: Configuration
    plan: Plan
    candidates: Sequence[int]
    survey: Survey
    objective: Objective

    @property
    def description(self) -> Description:
        """What is asked, which says where the answer is."""
        how = self.plan.described(self.objective)
        return describe(self.question, self.configuration, how)


def check(plan: Plan, windows: Lengths | None, permutations: int) -> None:
    """Raise InvalidRequest for what cannot be asked together, before anything is computed.

    ConfigurationError for a search without the extra.
    """
    if plan.searches and (windows is not None or permutations):
        raise InvalidRequest(
            "walking forward and permutations take the same combinations every time: "
            f"--search {GRID} or --search {RANDOM}"
        )
    if plan.searches and plan.way not in (samplers := _search().samplers()):
        ways = ", ".join(dict.fromkeys((GRID, RANDOM, *samplers)))
        raise InvalidRequest(f"there is no way {plan.way!r} to search: {ways}")


def judge(job: Job, folder: Folder, engine: Engine, progress: Progress) -> None:
    """Judge what is not judged yet; what is, is kept whenever this ends, however it ends."""
    with journal.opened(folder.rows, ROW) as rows:
        if not job.plan.searches:
            done = progress("combinations", job.survey.accepted)
            sweep.run(
                job.question,
                job.candidates,
                job.survey.accepted,
                engine=engine,
                journal=rows,
                done=done,
            )
            return
        search = _search()
        wanted = search.Search(
            sampler=job.plan.way,
            trials=job.plan.trials,
            seed=job.plan.seed,
            storage=job.plan.study or folder.study,
            study=f"sweep_{job.description.id}",
        )
        done = progress("trials", wanted.trials)
        search.run(job.question, wanted, job.objective, engine=engine, journal=rows, done=done)


def walk(job: Job, lengths: Lengths, engine: Engine, progress: Progress) -> Record:
    """Walk forward with the same combinations; raises InvalidRequest."""
    asked = Walk(
        question=job.question,
        windows=walk_forward.windows(job.question.history, lengths),
        objective=job.objective,
    )
    done = progress("walking forward", job.survey.accepted)
    return walk_forward.walk(asked, job.candidates, job.survey.accepted, engine=engine, done=done)


def luck(job: Job, count: int, folder: Folder, engine: Engine, progress: Progress) -> Column:
    """The best scores in so many permuted markets, kept as they come."""
    asked = permutation.Shuffled(
        question=job.question,
        candidates=job.candidates,
        objective=job.objective,
        seed=job.plan.seed,
    )
    name = f"{job.objective.metric}_{job.plan.seed}"
    with journal.opened(folder.permutations(name), permutation.SCORE) as rows:
        done = progress("permuted markets", count)
        permutation.run(asked, count, engine=engine, journal=rows, done=done)
        scores: Column = rows.rows()["score"][:count]
        return scores


def answer(
    job: Job,
    folder: Folder,
    best: int,
    *,
    walked: Record | None = None,
    scores: Column | None = None,
) -> Answer:
    """What is kept so far, with the `best` combinations of it."""
    with journal.opened(folder.rows, ROW) as kept:
        rows = kept.rows()
    return Answer(
        id=job.description.id,
        question=job.question,
        objective=job.objective,
        rows=rows,
        refused=job.survey.refused,
        best=ranked(job.question, rows, job.objective, best),
        walk=walked,
        luck=scores,
    )


def write(found: Answer, job: Job, folder: Folder) -> list[Path]:
    """The table and, if anything was judged, the page; raises StorageError."""
    sweep_table.write(folder.table, job.question.space, found.rows, job.description.text)
    if not found.best:
        return [folder.table]
    write_whole(folder.page, page(found))
    return [folder.table, folder.page]


def _search() -> ModuleType:
    """What knows Optuna, which takes a while to load."""
    try:
        from trading_system.research import search  # noqa: PLC0415 -- see above
    except ModuleNotFoundError as missing:
        raise ConfigurationError(
            "searches need Optuna: pip install 'trading-system[backtest]'"
        ) from missing
    return search
