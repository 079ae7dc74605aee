"""Sums over windows that are exact: no drift, and a tie is a tie.

Prices are decimals, so they are counted in whole units of 10^-d: integers add up without rounding,
in any order and from any start. d is such that the first value has twelve digits: more than any
venue's prices have. Values with still more digits are rounded to that unit, all alike. d depends on
nothing but the first value, so that later values change nothing about earlier sums. Rejected:
running float64 sums, which drift, and a fallback for odd values, whose choice would look ahead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trading_system.domain.errors import InvalidRequest
from trading_system.frames import Column
from trading_system.strategies import kernels
from trading_system.strategies.kernels import Signs

_DIGITS = 12
_MOST_DECIMALS = 22  # 10^22 is the largest power of ten that float64 holds exactly
_LIMIT = 2**63
_BLOCK = 2_048  # values at once


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WindowSums:
    """Running totals of values as integers: value = count / `scale`.

    `totals` has the shape (n + 1,), the sum of the first i values at i, modulo 2^64: differences
    are right as long as they fit in 63 bits, however long the frame. `top` is the largest count.
    """

    totals: NDArray[np.int64]
    scale: float
    top: int

    def means(self, period: int) -> Column:
        """The mean of the last `period` values, shape (n,); NaN before there are as many.

        Raises InvalidRequest when a sum could be too large.
        """
        sums = self._sums(period)
        whole = sums // period
        means = np.full(len(self.totals) - 1, np.nan)
        means[period - 1 :] = (whole + (sums - whole * period) / period) / self.scale
        return means

    def order(self, fast: int, slow: int, *, below: int) -> Signs:
        """1 where the mean of `fast` values is above that of `slow` (more than fast), shape (n,).

        `below` where it is below; 0 where both are equal and before there are `slow` values.
        Raises InvalidRequest when a sum could be too large.
        """
        out = np.empty(len(self.totals) - 1, np.int8)
        if self.top * fast * slow < _LIMIT:
            kernels.order(self.totals, fast, slow, below, out)
            return out
        # Whole parts first, then the rests over a common denominator: exact as well, but slower.
        calm = self._sums(slow)
        quick = self._sums(fast)[len(self.totals[fast:]) - len(calm) :]
        whole = quick // fast - calm // slow
        rest = quick % fast * slow - calm % slow * fast
        sign = np.where(whole != 0, whole, rest)
        out[: slow - 1] = 0
        out[slow - 1 :] = np.where(sign > 0, 1, np.where(sign < 0, below, 0))
        return out

    def _sums(self, period: int) -> NDArray[np.int64]:
        if self.top * period >= _LIMIT:
            raise InvalidRequest(
                f"prices rise too far within the frame for exact sums of {period} of them"
            )
        ends = self.totals[period:]
        return ends - self.totals[: len(ends)]


def window_sums(values: Column) -> WindowSums:
    """Sums over any window of `values`, shape (n,); InvalidRequest for NaN, infinity and 2^62."""
    scale = _scale(values)
    totals = np.empty(len(values) + 1, np.int64)
    top = _counted(kernels.count(values, scale, totals))
    return WindowSums(totals=totals, scale=scale, top=top)


def order(values: Column, fast: int, slow: int, *, below: int) -> Signs:
    """`WindowSums.order` of `values`, for who needs their sums once: they are not kept."""
    scratch = np.empty(slow + 1 + max(_BLOCK, 4 * slow), np.int64)
    out = np.empty(len(values), np.int8)
    top = _counted(kernels.cross(values, _scale(values), fast, slow, below, scratch, out))
    if top * fast * slow < _LIMIT:
        return out
    return window_sums(values).order(fast, slow, below=below)


def _counted(top: float) -> int:
    """The largest count, if all could be counted."""
    if top == math.inf:
        raise InvalidRequest("a price is no number, or too large beside the first of the frame")
    return int(top)


def _scale(values: Column) -> float:
    """Units in 1, a power of ten: twelve digits for the first value."""
    first = abs(float(values[0])) if len(values) else 0.0
    if not 0 < first < math.inf:
        first = 1.0
    decimals = _DIGITS - 1 - math.floor(math.log10(first))
    return 10.0 ** min(max(decimals, 0), _MOST_DECIMALS)
