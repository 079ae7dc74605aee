"""Where the target changes: found 64 bars at a time, without asking bar by bar.

A branch that is taken at one bar in forty costs more than all that is computed there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trading_system.backtest.kernels.compiling import compiled
from trading_system.frames import Column

Targets = NDArray[Any]
"""One exposure a bar, shape (n,): of float64, or of int8 where they are whole."""

_Bits = np.uint64
_ONE = _Bits(1)
_BIT = np.array([1 << k for k in range(64)], np.uint64)
_AT_ONCE = 2  # changes that most groups of 64 bars do not exceed

# The six bits above bit 58 of SEQUENCE << k differ for each k: Leiserson, Prokop, Randall, Using de
# Bruijn Sequences to Index a 1 in a Computer Word (1998).
_SEQUENCE = 0x03F79D71B4CB0A89
_SHIFT = _Bits(58)
_PLACE = np.zeros(64, np.int64)
_PLACE[[((_SEQUENCE << k) % (1 << 64)) >> 58 for k in range(64)]] = range(64)
_FACTOR = _Bits(_SEQUENCE)

ROOM = 64 + _AT_ONCE
"""Fewer places than that are not begun with."""


@compiled
def decide(
    targets: Targets, start: int, places: NDArray[np.int64], wanted: Column
) -> tuple[int, int]:
    """Write down from the bar `start` on where the target changes and to what; (how many, next).

    `next` is the bar to go on from, n at the end. The very first bar always is a change. A target
    that is not within [-1, 1] ends it: then there are -1, and `next` is its bar.
    """
    found, bar = 0, start
    if bar == 0:
        places[0] = 0
        bar, found = 1, 1
    while bar + 64 <= len(targets) and found <= len(places) - ROOM:
        found += changes(targets, bar, places[found:])
        bar += 64
    while bar < len(targets) < bar + 64 and found < len(places):
        places[found] = bar
        found += targets[bar] != targets[bar - 1]
        bar += 1
    for k in range(found):
        target = float(targets[places[k]])
        if not -1.0 <= target <= 1.0:
            return -1, places[k]
        wanted[k] = target
    return found, bar


@compiled
def changes(targets: Targets, bar: int, places: NDArray[np.int64]) -> int:
    """Write down which of the 64 bars from `bar` on have another target than the one before."""
    now, before = targets[bar : bar + 64], targets[bar - 1 : bar + 63]
    mask, found = _Bits(0), 0
    for k in range(64):  # a number that the compiler knows: no loop remains
        changed = now[k] != before[k]
        mask |= _BIT[k] if changed else _Bits(0)
        found += changed
    for k in range(_AT_ONCE):  # always as many: what is too much is overwritten
        places[k] = bar + lowest(mask)
        mask &= mask - _ONE
    for k in range(_AT_ONCE, found):
        places[k] = bar + lowest(mask)
        mask &= mask - _ONE
    return found


@compiled
def lowest(mask: np.uint64) -> int:
    """The place of the lowest bit; any place when there is none."""
    place: int = _PLACE[((mask & (~mask + _ONE)) * _FACTOR) >> _SHIFT]
    return place
