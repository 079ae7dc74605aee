"""Loops over bars: compiled with numba where it is installed, else as numpy or plain Python does.

Both ways make the same operations in the same order, so their results are equal to the last bit.
numba is loaded at the first call, because importing it takes longer than most commands.
"""

# ruff: noqa: PLR0917 -- what is compiled takes plain arrays, by their place

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from importlib import import_module
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trading_system.frames import Column

Counts = NDArray[np.int64]
Mask = NDArray[np.bool_]
Signs = NDArray[np.int8]

COUNT_LIMIT = 2.0**62
"""Counts stay below, so that the difference of two of them is an int64."""


class Kernel:
    """A loop for the compiler, and `plain`, which does the same without one."""

    def __init__(self, loop: Callable[..., Any], plain: Callable[..., Any]) -> None:
        self.loop = loop
        self.plain = plain

    @cached_property
    def fastest(self) -> Callable[..., Any]:
        """The compiled loop, kept on disk between runs; `plain` without numba."""
        try:
            numba = import_module("numba")
        except ImportError:
            return self.plain
        compiled: Callable[..., Any] = numba.njit(cache=True, nogil=True)(self.loop)
        return compiled

    def __call__(self, *arguments: object) -> Any:
        return self.fastest(*arguments)


def _count_loop(values: Column, scale: float, totals: Counts) -> float:
    counts = totals[1:]
    top = np.int64(0)
    odd = False
    total = totals[0] = np.int64(0)
    for start in range(0, len(values), 1024):
        block, place = values[start : start + 1024], counts[start : start + 1024]
        for k in range(len(block)):
            count = np.rint(block[k] * scale)
            usual = abs(count) < 2.0**62
            place[k] = np.int64(count if usual else 0.0)
            odd |= not usual
            top = max(top, abs(place[k]))
        for k in range(len(block)):
            total += place[k]
            place[k] = total
    return np.inf if odd else float(top)


def _count_plain(values: Column, scale: float, totals: Counts) -> float:
    counts = values * scale
    np.rint(counts, out=counts)
    top = float(max(counts.max(initial=0.0), -counts.min(initial=0.0)))
    if not top < COUNT_LIMIT:
        return np.inf
    totals[0] = 0
    np.cumsum(counts.astype(np.int64), out=totals[1:])
    return top


count = Kernel(_count_loop, _count_plain)
"""(values, scale, totals out (n+1,)) -> largest size: running totals of round(value x scale).

Infinity, and totals without meaning, when one is not a number or not below COUNT_LIMIT.
"""


def _order_loop(totals: Counts, fast: int, slow: int, below: int, out: Signs) -> None:
    out[: slow - 1] = 0
    # Four views that begin together: an index that is never negative becomes vectors.
    ends, starts = totals[slow:], totals[: max(len(totals) - slow, 0)]
    middles, signs = totals[slow - fast :], out[slow - 1 :]
    for k in range(len(ends)):
        quick = (ends[k] - middles[k]) * slow
        calm = (ends[k] - starts[k]) * fast
        signs[k] = (1 if quick > calm else 0) + (below if quick < calm else 0)


def _order_plain(totals: Counts, fast: int, slow: int, below: int, out: Signs) -> None:
    ends = totals[slow:]
    quick = ends - totals[slow - fast : slow - fast + len(ends)]
    calm = ends - totals[: len(ends)]
    quick *= slow
    calm *= fast
    out[: slow - 1] = 0
    np.greater(quick, calm, out=out[slow - 1 :].view(bool))
    if below:
        out[slow - 1 :][quick < calm] = below


order = Kernel(_order_loop, _order_plain)
"""(totals, fast, slow, below, out (n,)): 1 where the fast mean is higher, `below` where lower.

0 where both are equal and before there are `slow` values. Exact: both sums are multiplied by the
other period instead of divided by their own.
"""


def _cross_loop(
    values: Column, scale: float, fast: int, slow: int, below: int, totals: Counts, out: Signs
) -> float:
    totals[: slow + 1] = 0
    block = len(totals) - slow - 1
    counts = np.empty(block, np.int64)
    # Four views that begin together: an index that is never negative becomes vectors.
    ends, middles, starts = totals[slow + 1 :], totals[slow + 1 - fast :], totals[1:]
    top = np.int64(0)
    odd = False
    for start in range(0, len(values), block):
        prices, signs = values[start : start + block], out[start : start + block]
        half = len(prices) // 2
        jump = np.int64(0)
        for k in range(len(prices)):
            count = np.rint(prices[k] * scale)
            usual = abs(count) < 2.0**62
            counts[k] = np.int64(count if usual else 0.0)
            odd |= not usual
            top = max(top, abs(counts[k]))
        for k in range(half):
            jump += counts[k]
        # Each addition waits for the one before, so two halves are added up side by side.
        later, rest = ends[half:], counts[half:]
        first = totals[slow]
        second = first + jump
        for k in range(half):
            first += counts[k]
            ends[k] = first
            second += rest[k]
            later[k] = second
        if len(prices) > 2 * half:
            later[half] = second + rest[half]
        for k in range(len(prices)):
            quick = (ends[k] - middles[k]) * slow
            calm = (ends[k] - starts[k]) * fast
            signs[k] = (1 if quick > calm else 0) + (below if quick < calm else 0)
        for k in range(slow + 1):
            totals[k] = totals[block + k]
    out[: slow - 1] = 0
    return np.inf if odd else float(top)


def _cross_plain(
    values: Column, scale: float, fast: int, slow: int, below: int, _: Counts, out: Signs
) -> float:
    every = np.empty(len(values) + 1, np.int64)
    top = _count_plain(values, scale, every)
    _order_plain(every, fast, slow, below, out)
    return top


cross = Kernel(_cross_loop, _cross_plain)
"""(values, scale, fast, slow, below, totals, out (n,)) -> largest size: `count` and `order` in one.

`totals` is scratch, of more than slow + 1 places: some thousand stay in the nearest cache, where
those of all values have to go through memory.
"""


def _smooth_loop(values: Column, seed: float, alpha: float, out: Column) -> None:
    level = seed
    for i in range(len(values)):
        level += alpha * (values[i] - level)
        out[i] = level


def _smooth_plain(values: Column, seed: float, alpha: float, out: Column) -> None:
    levels = accumulate(
        values.tolist(), lambda level, value: level + alpha * (value - level), initial=float(seed)
    )
    next(levels)
    out[:] = np.fromiter(levels, np.float64, len(values))


smooth = Kernel(_smooth_loop, _smooth_plain)
"""(values, seed, alpha, out): exponential smoothing, level += alpha x (value - level)."""


def _square_loop(values: Column, means: Column, period: int, out: Column) -> None:
    for i in range(len(out)):
        total = 0.0
        for j in range(i, i + period):
            distance = values[j] - means[i]
            total += distance * distance
        out[i] = total


def _square_plain(values: Column, means: Column, period: int, out: Column) -> None:
    out[:] = 0.0
    for j in range(period):
        distance = values[j : j + len(out)] - means
        out += distance * distance


square = Kernel(_square_loop, _square_plain)
"""(values, means, period, out): sums of squared distances of `period` values from their mean.

One mean and one result a window, shape (n - period + 1,). Each window by itself, in two passes:
nothing drifts, and nothing cancels.
"""


def _hold_loop(enter: Mask, leave: Mask, out: Column) -> None:
    holding = 0.0
    for i in range(len(out)):
        if enter[i]:
            holding = 1.0
        elif leave[i]:
            holding = 0.0
        out[i] = holding


def _hold_plain(enter: Mask, leave: Mask, out: Column) -> None:
    told = np.flatnonzero(enter | leave)
    out[:] = np.repeat(
        np.concatenate(([0.0], enter[told])), np.diff(told, prepend=0, append=len(out))
    )


hold = Kernel(_hold_loop, _hold_plain)
"""(enter, leave, out): 1 from a bar that enters up to one that leaves; what does both enters."""


def _fill_loop(prices: Column, path: Column, out: Counts) -> None:
    cells = len(prices) - 1
    full = 0
    for i in range(len(path)):
        price = path[i]
        while full < cells and price <= prices[cells - full - 1]:
            full += 1
        while full > 0 and price >= prices[cells - full + 1]:
            full -= 1
        out[i] = full


def _fill_plain(prices: Column, path: Column, out: Counts) -> None:
    full: Any = [0] * len(path)
    _fill_loop(prices.tolist(), path.tolist(), full)  # Python reads lists faster than columns
    out[:] = full


fill = Kernel(_fill_loop, _fill_plain)
"""(prices, path, out): full cells of a grid after each price of a path; see `grid` for the rules.

Full cells are always the uppermost ones: whatever fills a cell has filled those above it, and
whatever empties one has emptied those below.
"""
