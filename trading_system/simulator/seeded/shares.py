"""Dividing whole numbers exactly: what goes in comes out, to the last unit.

Each function works on the last axis and on any number of rows at once.
"""

from __future__ import annotations

import numpy as np

from trading_system.simulator.seeded.noise import Floats, Ints

_TINY = 1e-12


def apportion(total: Ints, weights: Floats) -> Ints:
    """Whole shares of `total` (shape ..., 1) in proportion to `weights`, adding up to it.

    The running total is rounded instead of the shares: no remainder is left to hand out, and no
    share is more than one unit from its due. At least one weight of a row must be positive.
    """
    running = weights.cumsum(axis=-1)
    running /= running[..., -1:]
    edges = np.zeros((*running.shape[:-1], running.shape[-1] + 1), np.int64)
    edges[..., 1:] = running * total
    edges[..., -1:] = total  # a total beyond 2**53 has lost its last digits on the way
    shares: Ints = edges[..., 1:] - edges[..., :-1]
    return shares


def pour(amount: Ints, room: Ints) -> Ints:
    """Fill vessels of size `room` from the left with `amount` (shape ..., 1) >= 0.

    What does not fit anywhere is not poured.
    """
    before = room.cumsum(axis=-1)
    before -= room
    poured: Ints = np.clip(amount - before, 0, room)
    return poured


def centred(values: Floats, weights: Ints, target: Floats) -> Floats:
    """Values in [0, 1] moved so that their weighted mean is `target` (shape ..., 1) in [0, 1].

    Too high: all shrink towards 0 in proportion; too low: all grow towards 1. Always possible, and
    gentle where the mean was nearly right. Weights of a row must not all be 0.
    """
    mean = (values * weights).sum(axis=-1, keepdims=True) / weights.sum(axis=-1, keepdims=True)
    down = np.minimum(target / np.maximum(mean, _TINY), 1.0)
    up = np.minimum((1.0 - target) / np.maximum(1.0 - mean, _TINY), 1.0)
    moved: Floats = (1.0 - up) + (down * up) * values
    return moved
