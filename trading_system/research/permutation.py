"""Could luck have done it? The best of the same sweep over markets that have no pattern.

Masters, Permutation and Randomization Tests for Trading System Development (2020), chapter 3: the
log moves of the bars are shuffled, so that trend, volatility and the shapes of bars stay, and their
order, the only thing a strategy can know, is gone. Refuses nothing: a p-value is an answer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from trading_system.backtest.records import Rows
from trading_system.frames import Column, Frame
from trading_system.research.engines import Engine
from trading_system.research.journal import Journal
from trading_system.research.objectives import Objective
from trading_system.research.space import accepted
from trading_system.research.sweep import batches
from trading_system.research.trial import Question, judge

SCORE = np.dtype([("permutation", np.int64), ("score", np.float64)])
"""The best score of all combinations over a permuted market."""

_AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shuffled:
    """A question about these combinations, to be asked of permuted markets."""

    question: Question
    candidates: Sequence[int]
    objective: Objective
    seed: int


def permuted(frame: Frame, start: int, seed: Sequence[int]) -> Frame:
    """A frame whose moves from bar `start` on are shuffled; those before it stay as they are.

    Moves from close to open are shuffled by themselves; those from the open to high, low and close
    stay together, with the volume. So the last close is the same, but for rounding.
    """
    rng = np.random.default_rng(seed)
    first = max(start, 1)
    gaps, bars = (rng.permutation(len(frame) - first) for _ in range(2))
    opened = (frame.open[first:] / frame.close[first - 1 : -1])[gaps]
    high, low, close = (
        (column[first:] / frame.open[first:])[bars]
        for column in (frame.high, frame.low, frame.close)
    )
    # Products of ratios, in their order, are what the sums of logs would be, and no machine has a
    # logarithm of its own to do otherwise.
    closes = np.cumprod(np.concatenate([frame.close[first - 1 : first], opened * close]))
    opens = closes[:-1] * opened
    prices = np.array([opens, opens * high, opens * low, closes[1:]])
    prices[1], prices[2] = prices.max(axis=0), prices.min(axis=0)  # where rounding crossed them
    columns = [
        np.concatenate([column[:first], moved])
        for column, moved in zip(
            (frame.open, frame.high, frame.low, frame.close), prices, strict=True
        )
    ]
    volume = np.concatenate([frame.volume[:first], frame.volume[first:][bars]])
    return Frame.from_array(np.column_stack([frame.open_time, *columns, volume]))


def run(
    shuffled: Shuffled,
    count: int,
    *,
    engine: Engine,
    journal: Journal,
    done: Callable[[int], object],
) -> None:
    """Ask `count` permuted markets and keep their scores; those that are kept are not asked again.

    `done` is told how many are kept.
    """
    kept = len(journal)
    done(kept)
    for rows in engine.map(ask, shuffled, batches(range(kept, count), 1)):
        journal.append(rows)
        kept += len(rows)
        done(kept)


def ask(shuffled: Shuffled) -> Callable[[Sequence[int]], Rows]:
    """A function from numbers of permutations to rows of SCORE."""
    question = shuffled.question
    history = question.history
    kind = question.recipe.kind()

    def asked(numbers: Sequence[int]) -> Rows:
        rows = np.zeros(len(numbers), SCORE)
        for place, number in enumerate(numbers):
            frame = permuted(history.frame, history.warmup, [shuffled.seed, number])
            other = dataclasses.replace(question, history=dataclasses.replace(history, frame=frame))
            combinations = accepted(kind, question.space, shuffled.candidates)
            judged = judge(other)
            rows[place] = (
                number,
                max(
                    float(shuffled.objective.scores(judged(batch)).max())
                    for batch in batches((number for number, _ in combinations), _AT_ONCE)
                ),
            )
        return rows

    return asked


def p_value(score: float, others: Column) -> float:
    """How probable such a score is by luck: (1 + those that are as good) / (1 + all).

    The market as it was counts as one of them, so that it is never 0: Davison, Hinkley, Bootstrap
    Methods and their Application (1997), formula 4.11.
    """
    return float((1 + np.count_nonzero(others >= score)) / (1 + len(others)))
