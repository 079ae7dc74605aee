"""What would have been chosen at the time, and what came of it: optimise, then trade what follows.

Pardo, The Evaluation and Optimization of Trading Strategies (2008), chapter 11. Windows follow each
other, so that the tests together are one record that no parameter has seen. Targets know nothing of
later candles, so each combination computes its own once, over all of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from trading_system.backtest import engine as backtests
from trading_system.backtest.engine import Result
from trading_system.backtest.metrics import Metrics
from trading_system.domain.errors import InvalidRequest
from trading_system.domain.timeframes import Timeframe
from trading_system.research.engines import Engine
from trading_system.research.history import History, part
from trading_system.research.objectives import Objective
from trading_system.research.space import accepted
from trading_system.research.sweep import batch_size, batches
from trading_system.research.trial import Question, targets_of
from trading_system.strategies.base import Targets
from trading_system.strategies.grid import Grid


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """How long to optimise and how long to trade then, in ms.

    `anchored`: training begins with the first candle every time, instead of moving along.
    """

    train: int
    test: int
    anchored: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Bars of a frame: train on begin <= bar < split, test on split <= bar < end."""

    begin: int
    split: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Walk:
    """What is asked of every combination in every window."""

    question: Question
    windows: tuple[Window, ...]
    objective: Objective


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a window came to; `combination` is None when none was worth choosing: flat then."""

    window: Window
    combination: int | None
    train: Metrics | None
    test: Metrics


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Record:
    """All steps, and the one run over all tests, in which parameters change at every split."""

    steps: tuple[Step, ...]
    result: Result

    @property
    def efficiency(self) -> float:
        """How fast the tests grew, by how fast the trainings did on average: Pardo, chapter 11.

        Growth is the log return of a bar: annual returns of short windows are absurd. NaN where
        training did not grow, because a share of nothing says nothing.
        """
        trained = [_growth(step.train) for step in self.steps if step.train is not None]
        mean = sum(trained) / len(trained) if trained else 0.0
        return _growth(self.result.metrics) / mean if mean > 0 else math.nan


def lengths(text: str) -> Lengths:
    """Read "train=90d,test=30d" or "train=90d,test=30d,anchored"; raises InvalidRequest."""
    parts = [part.strip() for part in text.split(",")]
    anchored = "anchored" in parts
    named = dict(part.split("=", 1) for part in parts if "=" in part)
    if named.keys() != {"train", "test"} or len(parts) != len(named) + anchored:
        raise InvalidRequest(f"{text!r}: write it like train=90d,test=30d or with ,anchored behind")
    return Lengths(
        train=Timeframe.parse(named["train"]).length,
        test=Timeframe.parse(named["test"]).length,
        anchored=anchored,
    )


def windows(history: History, wanted: Lengths) -> tuple[Window, ...]:
    """The windows from the start of the candles on; the last test may be cut short by their end.

    Raises InvalidRequest when there is no candle left to test on, or none to train on.
    """
    times = history.frame.open_time
    start, end = int(times[history.warmup]), int(times[-1]) + 1
    splits = range(start + wanted.train, end, wanted.test)
    begins = (start if wanted.anchored else split - wanted.train for split in splits)
    found = tuple(
        Window(
            begin=int(np.searchsorted(times, begin)),
            split=int(np.searchsorted(times, split)),
            end=int(np.searchsorted(times, split + wanted.test)),
        )
        for begin, split in zip(begins, splits, strict=True)
    )
    if not found:
        raise InvalidRequest("the training alone is as long as all candles: none are left to test")
    for each in found:
        if not each.begin < each.split < each.end:
            raise InvalidRequest("a window has no candles: make it longer, or close the hole")
    return found


def require_walk(question: Question, wanted: Lengths) -> None:
    """Raise InvalidRequest for what cannot walk forward, before anything is judged."""
    _require_no_grid(question)
    windows(question.history, wanted)


def walk(
    asked: Walk,
    candidates: Sequence[int],
    expected: int,
    *,
    engine: Engine,
    done: Callable[[int], object],
) -> Record:
    """Choose the best of the combinations in every window, then trade it in what follows.

    `expected` of the candidates are not refused; `done` is told how many have been judged.
    """
    question = asked.question
    _require_no_grid(question)
    best = [-math.inf] * len(asked.windows)
    chosen: list[int | None] = [None] * len(asked.windows)
    numbers = (number for number, _ in accepted(question.recipe.kind(), question.space, candidates))
    count = 0
    size = batch_size(expected, engine.workers)
    for judged in engine.map(train, asked, batches(numbers, size)):
        for number, scores in judged:
            for place, score in enumerate(scores):
                if score > best[place]:  # so the first of equal ones stays
                    best[place], chosen[place] = score, number
        count += len(judged)
        done(count)
    return _record(asked, chosen)


def train(asked: Walk) -> Callable[[Sequence[int]], list[tuple[int, list[float]]]]:
    """A function from combinations to their scores in the training of each window."""
    targets = targets_of(asked.question)

    def trained(combinations: Sequence[int]) -> list[tuple[int, list[float]]]:
        scored = []
        for combination in combinations:
            column = targets(combination)
            found = [
                asked.objective.score(_metrics(asked.question, column, each.begin, each.split))
                for each in asked.windows
            ]
            scored.append((combination, found))
        return scored

    return trained


def _require_no_grid(question: Question) -> None:
    if issubclass(question.recipe.kind(), Grid):
        raise InvalidRequest("a grid's orders rest where it began: they cannot walk forward")


def _record(asked: Walk, chosen: Sequence[int | None]) -> Record:
    question = asked.question
    targets = targets_of(question)
    stitched = np.zeros(len(question.history.frame))
    steps = []
    for window, combination in zip(asked.windows, chosen, strict=True):
        column = np.zeros(len(stitched)) if combination is None else targets(combination)
        stitched[window.split : window.end] = column[window.split : window.end]
        trained = None
        if combination is not None:
            trained = _metrics(question, column, window.begin, window.split)
        tested = _metrics(question, column, window.split, window.end)
        steps.append(Step(window=window, combination=combination, train=trained, test=tested))
    first, last = asked.windows[0].split, asked.windows[-1].end
    frame = part(question.history.frame, first, last)
    result = backtests.run(frame, stitched[first:last], question.rules, question.history.timeframe)
    return Record(steps=tuple(steps), result=result)


def _metrics(question: Question, targets: Targets, first: int, last: int) -> Metrics:
    """The metrics over some of the bars, beginning with neither position nor history."""
    return backtests.summarize(
        part(question.history.frame, first, last),
        targets[first:last],
        question.rules,
        question.history.timeframe,
    )


def _growth(metrics: Metrics) -> float:
    """The log return of a bar; minus infinity when nothing was left."""
    if metrics.total_return <= -1:
        return -math.inf
    return math.log1p(metrics.total_return) / metrics.bars
