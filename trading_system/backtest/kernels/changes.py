"""Where the target changes: found 64 bars at a time, without asking bar by bar.

A branch that is taken at one bar in forty costs more than all that is computed there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trading_system.backtest.kernels.compiling import compiled
from trading_system.frames import Column

SPAN = 512
"""Bars that are looked at in one go."""

_Bits = np.uint64
_ONE = _Bits(1)
_BIT = np.array([1 << k for k in range(64)], np.uint64)
_AT_ONCE = 4  # changes that most groups of 64 bars do not exceed

# The six bits above bit 58 of SEQUENCE << k differ for each k: Leiserson, Prokop, Randall, Using de
# Bruijn Sequences to Index a 1 in a Computer Word (1998).
_SEQUENCE = 0x03F79D71B4CB0A89
_SHIFT = _Bits(58)
_PLACE = np.zeros(64, np.int64)
_PLACE[[((_SEQUENCE << k) % (1 << 64)) >> 58 for k in range(64)]] = range(64)
_FACTOR = _Bits(_SEQUENCE)


def no_places() -> NDArray[np.int64]:
    """Room for what `changes` finds."""
    return np.zeros(SPAN + _AT_ONCE, np.int64)


@compiled
def changes(targets: Column, start: int, stop: int, places: NDArray[np.int64]) -> int:
    """Write down the bars from `start` to `stop` whose target is not that of the bar before.

    Returns how many there are; the very first bar is always one.
    """
    found = 0
    if start == 0:
        places[0] = 0
        start, found = 1, 1
    for base in range(start, stop, 64):
        count = min(64, stop - base)
        now, before = targets[base : base + count], targets[base - 1 : base - 1 + count]
        mask, several = _Bits(0), 0
        for k in range(count):
            changed = now[k] != before[k]
            mask |= _BIT[k] if changed else _Bits(0)
            several += changed
        for k in range(_AT_ONCE):  # always as many: what is too much is overwritten
            places[found + k] = base + lowest(mask)
            mask &= mask - _ONE
        for k in range(_AT_ONCE, several):
            places[found + k] = base + lowest(mask)
            mask &= mask - _ONE
        found += several
    return found


@compiled
def lowest(mask: np.uint64) -> int:
    """The place of the lowest bit; any place when there is none."""
    place: int = _PLACE[((mask & (~mask + _ONE)) * _FACTOR) >> _SHIFT]
    return place
