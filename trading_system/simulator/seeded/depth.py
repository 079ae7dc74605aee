"""The book around a price: as many levels as a screen asks for, another book every second."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from trading_system.simulator.seeded.noise import Floats, Ints, Noise
from trading_system.simulator.seeded.portable import exp, log

LEVELS = 200
_GAP_TOPIC, _SIZE_TOPIC = 700, 701
_USUAL_SPREAD = 1 / 2_000_000  # of the price: a tick or a few
_USUAL_GAP = 1 / 60_000  # of the price, between levels at the end of the book


class Ladder(NamedTuple):
    """One side of the book, best first: prices in ticks, quantities in lots."""

    price: Ints
    quantity: Ints


def ladders(
    price: int, *, is_ask: bool, usual: float, second: int, noise: Noise, levels: int = LEVELS
) -> tuple[Ladder, Ladder]:
    """Bids and asks in this second around the last price, which is the best ask or the best bid.

    `usual` is the size of a usual trade in lots. Gaps widen away from the price. There are LEVELS
    on either side, but for bids that would fall below the first tick; `levels` asks for the best
    ones of them alone.
    """
    ranks = np.arange(levels)
    places = second * 2 * LEVELS + np.stack((ranks, LEVELS + ranks))
    luck = -log(noise.lanes(_GAP_TOPIC, places))
    widening = ranks / LEVELS
    gaps = 1 + (luck[0] * widening * price * _USUAL_GAP).astype(np.int64)
    away = gaps.cumsum(axis=1) - gaps[:, :1]
    spread = 1 + int(luck[1, 0, 0] * price * _USUAL_SPREAD)
    best_ask = price if is_ask else price + spread
    bids, asks = best_ask - spread - away[0], best_ask + away[1]
    sizes = _sizes(noise.normals(_SIZE_TOPIC, places), usual)
    there = bids > 0
    return Ladder(bids[there], sizes[0][there]), Ladder(asks, sizes[1])


def _sizes(luck: Floats, usual: float) -> Ints:
    """Lots at each level: log-normal, and more of them further away."""
    growth = 1.0 + np.arange(luck.shape[1]) / 25
    sizes: Ints = 1 + (usual * growth * exp(1.1 * luck)).astype(np.int64)
    return sizes
