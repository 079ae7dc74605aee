"""How much is traded in each part of a candle, and by whom: trade counts and lots.

All arrays are of P parents and n children; two taker sides come first, buys then sells.
"""

from __future__ import annotations

import numpy as np

from trading_system.simulator.seeded.candles import Candles
from trading_system.simulator.seeded.levels import LENGTHS, LOTS, MINUTE, QUIET
from trading_system.simulator.seeded.noise import Floats, Ints
from trading_system.simulator.seeded.portable import exp
from trading_system.simulator.seeded.shares import apportion
from trading_system.simulator.seeded.walk import Reach

_NEWTON_STEPS = 2
_STEEPEST = 12.0
_LEANING = (0.15, 7.0)
_TILT = (0.1, 3.0)
_TINY = 1e-9


def trade_counts(parents: Candles, level: int, unrest: Floats) -> Ints:
    """How many trades (P, n): the promised few everywhere, the rest where it is restless."""
    quiet = QUIET * LENGTHS[level] // MINUTE
    spare = parents.trades[:, None] - quiet * unrest.shape[1]
    return quiet + apportion(spare, np.sqrt(unrest))


def busy(reached: Reach, luck: Floats) -> Floats:
    """How the volume spreads (P, n): it goes with the range, and with luck in (0, 1).

    With the range to the power of 5/4, to be exact: one without a large range trades little.
    """
    span = reached.high - reached.low
    span = span / (span.mean(axis=1, keepdims=True) + _TINY)
    weights: Floats = (0.1 + span * np.sqrt(np.sqrt(span))) * exp(1.1 * luck)
    return weights


def push(pace: Floats, luck: Floats) -> Floats:
    """How much more takers buy than sell (P, n): by chance, and where the price rises."""
    return 0.25 * (luck - 0.5) + 0.1 * pace


def volumes(
    parents: Candles, trades: Ints, weights: Floats, pushed: Floats, middle: Floats
) -> Ints:
    """Lots by taker side (2, P, n): as the weights say, and more on the side that pushes.

    Both sides lean to higher or lower prices, so that the parent's mean prices come out without
    the children's having to move: a difference of means would grow from level to level.
    """
    low, span = parents.low[:, None], np.maximum(parents.high - parents.low, 1)[:, None]
    height = (middle - low) / span
    wanted = (parents.quote / parents.volume - parents.low)[:, :, None] / span
    weights = _leaning(weights, height - wanted.mean(axis=0))
    total = weights.sum(axis=1, keepdims=True)
    mean = (weights * height).sum(axis=1, keepdims=True) / total
    off = height - mean
    spread = (weights * off * off).sum(axis=1, keepdims=True) + _TINY * total
    pushed = pushed - (weights * pushed * off).sum(axis=1, keepdims=True) / spread * off
    tilt = np.stack((pushed, -pushed)) + (wanted - mean) * (total / spread) * off
    spare = parents.volume[:, :, None] - LOTS * parents.trades[:, None]
    return LOTS * trades + apportion(spare, weights * np.clip(1.0 + tilt, *_TILT))


def _leaning(weights: Floats, off: Floats) -> Floats:
    """Weights times exp(lean * off), `lean` such that the mean of `off` is nearly 0.

    By Newton's method, within bounds; the derivative of the mean is the variance.
    """
    leaning, lean = weights, np.zeros((len(off), 1))
    for _ in range(_NEWTON_STEPS):
        total = leaning.sum(axis=1, keepdims=True)
        miss = (leaning * off).sum(axis=1, keepdims=True) / total
        variance = (leaning * off * off).sum(axis=1, keepdims=True) / total - miss * miss
        lean = np.clip(lean - miss / (variance + 1e-3), -_STEEPEST, _STEEPEST)
        leaning = weights * np.clip(exp(lean * off), *_LEANING)
    return leaning
