"""Sharpes of many resamples of a few returns: what a bootstrap spends its time with."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from trading_system.backtest.kernels.compiling import compiled
from trading_system.frames import Column


@compiled
def resample(
    gains: Column, starts: NDArray[np.uint32], length: int, pairs: Column, ratios: Column
) -> int:
    """Write down Σr / √(Σr² - (Σr)²/n) of each resample, shape (m,); of how many there is one.

    A row of `starts`, shape (m, k), says where its blocks of `length` returns begin, which go round
    the n `gains`. `pairs` is scratch of shape (n, 2). There is none where returns do not deviate by
    more than rounding.
    """
    n, count = len(gains), starts.shape[1] * length
    for start in range(n):
        total = square = 0.0
        for place in range(start, start + length):
            gain = gains[place if place < n else place - n]
            total += gain
            square += gain * gain
        pairs[start, 0], pairs[start, 1] = total, square
    seen = 0
    for i in range(len(starts)):
        total = square = 0.0
        for start in starts[i]:
            total += pairs[start, 0]
            square += pairs[start, 1]
        spread = square - total * total / count
        if spread > square * 1e-14 * count:  # less is rounding, as in `metrics.deviation`
            ratios[seen] = total / math.sqrt(spread)
            seen += 1
    return seen
