"""The book around a price: as many levels as a screen asks for, another one every second."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from trading_system.simulator.seeded.noise import Floats, Ints, Noise

LEVELS = 200
_GAP_TOPIC, _SIZE_TOPIC = 700, 701


class Ladder(NamedTuple):
    """One side of the book, best first: prices in ticks, quantities in lots."""

    price: Ints
    quantity: Ints


def ladders(
    price: int,
    taker_bought: bool,
    usual: float,
    second: int,
    noise: Noise,  # noqa: FBT001 -- a fact
) -> tuple[Ladder, Ladder]:
    """Bids and asks in this second, where the last trade was at `price`: the best ask if a taker
    bought, else the best bid.

    `usual` is the size of a usual trade in lots. Levels lie closer than a ten-thousandth of the
    price where ticks allow; a price of few ticks has fewer bids than LEVELS.
    """
    places = second * 2 * LEVELS + np.arange(2 * LEVELS).reshape(2, LEVELS)
    gap, rough, *_ = noise.lanes(_GAP_TOPIC, places)
    pace = price / 40_000  # a side reaches about half a percent from the price
    steps = 1 + np.floor(-np.log(gap) * pace).astype(np.int64)
    steps[:, 0] = 0
    spread = 1 + int(-np.log(rough[0, 0]) * price / 150_000)
    best_ask = price if taker_bought else price + spread
    away = steps.cumsum(axis=1)
    bids, asks = best_ask - spread - away[0], best_ask + away[1]
    sizes = _sizes(noise.normals(_SIZE_TOPIC, places), usual)
    there = bids > 0
    return Ladder(bids[there], sizes[0][there]), Ladder(asks, sizes[1])


def _sizes(luck: Floats, usual: float) -> Ints:
    """Lots at each level: log-normal, and more of them further away."""
    growth = 1.0 + np.arange(LEVELS) / 25
    sizes: Ints = 1 + (usual * growth * np.exp(1.1 * luck)).astype(np.int64)
    return sizes
