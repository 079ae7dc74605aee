"""By which metric combinations are ranked, and which are the best."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trading_system.backtest.metrics import Metrics
from trading_system.backtest.records import Rows
from trading_system.domain.errors import InvalidRequest
from trading_system.frames import Column

_LESS_IS_BETTER = {"volatility", "max_drawdown", "max_drawdown_bars", "turnover", "fees"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """A metric; of a drawdown or of fees, less is better."""

    metric: str

    @property
    def sign(self) -> int:
        """1 where more is better, else -1."""
        return -1 if self.metric in _LESS_IS_BETTER else 1

    def score(self, metrics: Metrics) -> float:
        """More is better; a figure that does not exist is the worst of all."""
        figure = self.sign * float(getattr(metrics, self.metric))
        return -math.inf if math.isnan(figure) else figure

    def scores(self, rows: Rows) -> Column:
        """The same of rows with that metric, shape (n,)."""
        figures = self.sign * rows[self.metric].astype(np.float64)
        return np.where(np.isnan(figures), -np.inf, figures)

    def best(self, rows: Rows, count: int) -> NDArray[np.int64]:
        """The places of the best rows, the best first, the earlier one first of equal ones."""
        return np.argsort(-self.scores(rows), kind="stable")[:count]


def objective(name: str) -> Objective:
    """The objective with that metric; InvalidRequest, with the names there are, for another."""
    names = list(Metrics.__slots__)
    if name not in names:
        raise InvalidRequest(f"there is no metric {name!r}: {', '.join(names)}")
    return Objective(metric=name)
