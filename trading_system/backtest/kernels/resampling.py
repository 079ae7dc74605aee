"""Sums over many resamples of a few numbers: what a bootstrap spends its time with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trading_system.backtest.kernels.compiling import compiled
from trading_system.frames import Column


@compiled
def resample(starts: NDArray[np.int32], pairs: Column, totals: Column) -> None:
    """Add up the rows of `pairs`, shape (n, 2), that each row of `starts`, shape (m, k), names.

    `totals` has the shape (m, 2).
    """
    for i in range(len(starts)):
        first = second = 0.0
        for start in starts[i]:
            first += pairs[start, 0]
            second += pairs[start, 1]
        totals[i, 0], totals[i, 1] = first, second
