"""The best combinations of a sweep, and what tells a good one from a lucky one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from trading_system.backtest import metrics
from trading_system.backtest.metrics import Metrics
from trading_system.backtest.records import Rows
from trading_system.frames import Column
from trading_system.research.objectives import Objective
from trading_system.research.playing import play
from trading_system.research.space import Space
from trading_system.research.trial import Question
from trading_system.strategies.base import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A combination among the best.

    `neighbours`: the objective's metric, on average over those that differ by one place on one
    axis: a plateau is worth more than a peak. `deflated_sharpe`: the probability that the true
    Sharpe is above the best one that as many trials of luck would bring.
    """

    combination: int
    values: Mapping[str, Value]
    metrics: Metrics
    neighbours: float
    deflated_sharpe: float


def ranked(question: Question, rows: Rows, objective: Objective, count: int) -> list[Ranked]:
    """The `count` best rows of ROW, the best first.

    Takes 8 bytes a row for a moment, and one backtest for each of those that are returned.
    """
    return [_ranked(question, rows, objective, int(place)) for place in objective.best(rows, count)]


def deflated_sharpe(question: Question, rows: Rows, combination: int) -> float:
    """Bailey, López de Prado, The Deflated Sharpe Ratio (2014), over the returns of bars.

    Every row is a trial: neighbours that are nearly the same count in full, which is severe.
    """
    strategy = question.space.build(question.recipe.kind(), combination)
    result = play(strategy, question.history, question.rules)
    gains = metrics.returns(result.equity, result.capital)
    periods = metrics.periods_per_year(question.history.timeframe)
    return metrics.deflated_sharpe(gains, _sharpes(rows) / math.sqrt(periods))


def neighbours(space: Space, combination: int) -> list[int]:
    """The combinations that differ by one place on one axis."""
    found, stride = [], 1
    for axis in reversed(space.axes):
        place = combination // stride % len(axis.values)
        found += [combination - stride] if place > 0 else []
        found += [combination + stride] if place < len(axis.values) - 1 else []
        stride *= len(axis.values)
    return sorted(found)


def _ranked(question: Question, rows: Rows, objective: Objective, place: int) -> Ranked:
    combination, *figures = rows[place].item()
    beside = np.isin(rows["combination"], neighbours(question.space, combination))
    around = rows[objective.metric][beside].astype(np.float64)
    around = around[~np.isnan(around)]
    return Ranked(
        combination=combination,
        values=question.space.values(combination),
        metrics=Metrics(**dict(zip(rows.dtype.names[1:], figures, strict=True))),
        neighbours=float(around.mean()) if len(around) else math.nan,
        deflated_sharpe=deflated_sharpe(question, rows, combination),
    )


def _sharpes(rows: Rows) -> Column:
    """Of all trials; 0 for one that never traded, which luck may do as well."""
    sharpes: Column = np.nan_to_num(rows["sharpe"], nan=0.0)
    return sharpes
