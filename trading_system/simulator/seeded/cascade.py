"""One long candle becomes several shorter ones that fold back into it exactly.

Children keep the promises of levels.py as their parents do. Nothing is drawn in sequence, so any
candle can be reached without those before it.
"""

from __future__ import annotations

import numpy as np

from trading_system.simulator.seeded import activity, candles
from trading_system.simulator.seeded.candles import Candles
from trading_system.simulator.seeded.levels import (
    DAY,
    FANOUT,
    INSET,
    LENGTHS,
    MINUTE,
    highest_quote,
    lowest_quote,
)
from trading_system.simulator.seeded.noise import Floats, Ints, Noise
from trading_system.simulator.seeded.portable import exp
from trading_system.simulator.seeded.shares import centred, pour
from trading_system.simulator.seeded.walk import Reach, middle, reach, walk

_UNREST = (0.0, 0.34, 0.26, 0.28, 0.26)  # sd of log volatility among the children of each level
_UNREST_TOPIC, _STEP_TOPIC, _SHARE_TOPIC, _RANGE_TOPIC = 100, 200, 300, 400  # the level is added
_INNER = 1.0 - 2.0 / INSET
_BELOW, _ABOVE = 1.0 - 1e-15, 1.0 + 1e-15  # a quotient may be rounded to the wrong side of a tick
_QUARTER = 15 * MINUTE


def split(parents: Candles, level: int, noise: Noise) -> Candles:
    """The candles of `level` (1 and up) inside these candles of the level above, in order."""
    start = parents.start[:, None] + np.arange(FANOUT[level - 1]) * LENGTHS[level]
    luck = noise.lanes(_SHARE_TOPIC + level, start, 3)
    mood = _UNREST[level] * noise.normals(_UNREST_TOPIC + level, start)
    unrest = exp(mood + _rhythm(start, level))
    way = walk(parents, noise.normals(_STEP_TOPIC + level, start), unrest)
    reached = reach(parents, way, noise.lanes(_RANGE_TOPIC + level, start, 2))
    price = middle(way, reached, luck[1])
    trades = activity.trade_counts(parents, level, unrest)
    busy, push = activity.busy(reached, luck[0]), activity.push(way.pace, luck[2])
    volume = activity.volumes(parents, trades, busy, push, price)
    quote = _quotes(parents, price, volume)
    low, high = _ranges(parents, reached, volume, quote)
    return candles.built(
        start=start,
        first_id=parents.first_id[:, None] + trades.cumsum(axis=1) - trades,
        open=way.opens,
        high=high,
        low=low,
        close=way.closes,
        trades=trades,
        volume=volume,
        quote=quote,
    )


def _day_rhythm() -> Floats:
    """Log volatility by quarter of an hour, UTC: loudest as New York opens."""
    hours = np.arange(96) / 4
    rhythm: Floats = 0.42 * np.cos((hours - 15) * np.pi / 12) + 0.12 * np.cos(
        (hours - 14) * np.pi / 6
    )
    return rhythm


_DAY_RHYTHM = _day_rhythm()
_WEEK_RHYTHM = np.array([0.1, 0.1, 0.1, 0.1, 0.05, -0.3, -0.25])  # from Monday


def _rhythm(start: Ints, level: int) -> Floats:
    """Log volatility by the rhythm of week and day (P, n)."""
    if LENGTHS[level] == DAY:
        return _WEEK_RHYTHM[(start // DAY + 3) % 7]
    inside = np.arange(start.shape[1]) * LENGTHS[level] // _QUARTER
    rhythm: Floats = _DAY_RHYTHM[start[:, :1] // _QUARTER % len(_DAY_RHYTHM) + inside]
    return rhythm


def _quotes(parents: Candles, price: Floats, volume: Ints) -> Ints:
    """Quote amounts by taker side (2, P, n): volume times a mean price near the given one.

    Every mean stays in the inner part of the parent's range, so that each child can keep the same
    promise whatever range it gets. What rounding leaves over goes where there is room for it.
    """
    low, high = parents.low[:, None], parents.high[:, None]
    span = np.maximum(high - low, 1)
    where = np.clip(((price - low) / span - 1.0 / INSET) / _INNER, 0.0, 1.0)
    mean = (parents.quote / parents.volume - parents.low) / span[:, 0]
    target = np.clip((mean - 1.0 / INSET) / _INNER, 0.0, 1.0)[:, :, None]
    inner = 1.0 / INSET + _INNER * centred(where, volume, target)
    quote: Ints = low * volume + np.rint((high - low) * volume * inner).astype(np.int64)
    least, most = lowest_quote(low, high, volume), highest_quote(low, high, volume)
    quote = np.clip(quote, least, most)
    missing = parents.quote[:, :, None] - quote.sum(axis=2, keepdims=True)
    room = np.where(missing > 0, most - quote, quote - least)
    quote += np.sign(missing) * pour(np.abs(missing), room)
    return quote


def _ranges(parents: Candles, reached: Reach, volume: Ints, quote: Ints) -> tuple[Ints, Ints]:
    """Low and high of each child (P, n): what the price reaches, and room around the means.

    A margin of 1/(INSET - 2) of all that must be inside keeps the promise about means, for with it
    on both sides it is 1/INSET of the whole. The parent's own promise covers what it cuts off.
    """
    mean = quote / volume
    least = np.floor(mean.min(axis=0) * _BELOW).astype(np.int64)
    most = np.ceil(mean.max(axis=0) * _ABOVE).astype(np.int64)
    lowest, highest = np.minimum(reached.low, least), np.maximum(reached.high, most)
    margin = (highest - lowest + INSET - 3) // (INSET - 2)
    low = np.maximum(np.minimum(lowest, least - margin), parents.low[:, None])
    high = np.minimum(np.maximum(highest, most + margin), parents.high[:, None])
    return low, high
