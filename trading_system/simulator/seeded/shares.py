"""Dividing whole numbers exactly: what goes in comes out, to the last unit.

Each function works on the last axis and on any number of rows at once.
"""

from __future__ import annotations

import numpy as np

from trading_system.simulator.seeded.noise import Floats, Ints


def apportion(total: Ints, weights: Floats) -> Ints:
    """Whole shares of `total` (shape ..., 1) in proportion to `weights`, adding up to it.

    The running total is rounded instead of the shares: no remainder is left to hand out, and no
    share is more than one unit from its due. At least one weight of a row must be positive.
    """
    running = weights.cumsum(axis=-1)
    running /= running[..., -1:]
    edges = np.zeros((*running.shape[:-1], running.shape[-1] + 1), np.int64)
    np.floor(running * total, casting="unsafe", out=edges[..., 1:])
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


def centred(values: Floats, weights: Floats | Ints, target: Floats) -> Floats:
    """Values in [0, 1] moved so that their weighted mean is `target` (shape ..., 1) in [0, 1].

    Too high: all shrink towards 0 in proportion; too low: all grow towards 1. Always possible, and
    gentle where the mean was nearly right.
    """
    mean = (values * weights).sum(axis=-1, keepdims=True) / np.maximum(
        weights.sum(axis=-1, keepdims=True), 1
    )
    down = np.minimum(target / np.maximum(mean, 1e-12), 1.0)
    up = np.minimum((1.0 - target) / np.maximum(1.0 - mean, 1e-12), 1.0)
    moved: Floats = np.where(mean >= target, values * down, 1.0 - (1.0 - values) * up)
    return moved
