"""Sweeps to ask for, over candles that are made up, and an engine that works by itself."""

from __future__ import annotations

from pathlib import Path

from tests.research.questions import configuration, history
from trading_system.backtest.rules import Rules
from trading_system.research import trial
from trading_system.research.objectives import objective
from trading_system.research.space import space, survey
from trading_system.research.sweeping import Job, Plan
from trading_system.strategies.base import build
from trading_system.strategies.registry import load
from trading_system.strategies.sma_cross import SmaCross

HISTORY = history(400)
AXES = ("fast=2:20:2", "slow=6:30:4")

FRAGILE = """
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trading_system.strategies.base import parameter


@dataclass(frozen=True)
class Fragile:
    name: ClassVar[str] = "fragile"
    warmup: ClassVar[int] = 0
    turns: int = parameter(1, low=1, high=9, help="How often; it does not like 3.")
    dead: bool = parameter(default=False, help="Never trade.")

    def targets(self, frame):
        if self.turns == 3:
            raise ZeroDivisionError("three")
        if self.dead:
            return np.zeros(len(frame))
        return (np.arange(len(frame)) // self.turns % 2).astype(float)
"""


def fragile(folder: Path):
    """A strategy of somebody's own, in a file of that folder."""
    path = folder / "fragile.py"
    path.write_text(FRAGILE)
    return load(path)[0]


def question(kind=SmaCross, axes=AXES, conditions=(), over=HISTORY, **rules):
    return trial.Question(
        recipe=trial.recipe(kind),
        space=space(kind, axes, conditions),
        history=over,
        rules=Rules(**rules),
        code=trial.code(),
    )


def job(kind=SmaCross, axes=AXES, conditions=(), over=HISTORY, by="sharpe", plan=None):
    asked = question(kind, axes, conditions, over)
    plan = plan or Plan()
    candidates = plan.candidates(asked.space)
    return Job(
        question=asked,
        configuration=configuration(build(kind, {}), over),
        plan=plan,
        candidates=candidates,
        survey=survey(kind, asked.space, candidates),
        objective=objective(by),
    )


class Serial:
    """An engine without threads that is killed after so many batches."""

    def __init__(self, workers=2, dies_after=None):
        self.workers = workers
        self.dies_after = dies_after
        self.batches = []

    def map(self, prepare, shared, batches):
        work = prepare(shared)
        for batch in batches:
            if len(self.batches) == self.dies_after:
                raise KeyboardInterrupt
            self.batches.append(batch)
            yield work(batch)

    @property
    def judged(self):
        return [number for batch in self.batches for number in batch]


def ignore(_):
    """A `done` that nobody listens to."""


def silent(_stage, _total):
    """A `progress` that nobody looks at."""
    return ignore
