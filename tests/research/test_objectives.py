from __future__ import annotations

import numpy as np
import pytest

from trading_system.domain.errors import InvalidRequest
from trading_system.research.objectives import objective

FIGURES = np.array([(0.5, 3.0), (np.nan, 1.0), (2.0, np.nan), (0.5, 2.0)],
                   [("sharpe", float), ("fees", float)])  # fmt: skip


def test_the_best_come_first_the_earlier_of_equal_ones_before_the_other_and_none_last():
    assert objective("sharpe").best(FIGURES, 4).tolist() == [2, 0, 3, 1]
    assert objective("sharpe").best(FIGURES, 2).tolist() == [2, 0]


def test_of_many_equal_ones_the_earlier_come_first():
    rows = np.zeros(1_000, [("sharpe", float)])
    rows["sharpe"][::7] = 1.0
    assert objective("sharpe").best(rows, 200).tolist()[:143] == list(range(0, 1_000, 7))
    assert objective("sharpe").best(rows, 200).tolist()[143:146] == [1, 2, 3]


def test_of_fees_less_is_better():
    assert objective("fees").best(FIGURES, 4).tolist() == [1, 3, 0, 2]


def test_an_unknown_metric_is_refused_with_those_there_are():
    with pytest.raises(InvalidRequest, match="no metric 'sharp': bars, total_return"):
        objective("sharp")
