"""One long candle becomes several shorter ones that fold back into it exactly.

A candle that may be split keeps three promises, and so do its children:
* at least QUIET trades a minute, and at least LOTS lots a trade on either taker side;
* on either taker side the mean price keeps off low and high by 1/INSET of the range;
* open and close lie between low and high.
They leave the tape enough trades and lots to touch open, high, low and close (see tape.py).
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from trading_system.simulator.seeded import candles
from trading_system.simulator.seeded.candles import Candles
from trading_system.simulator.seeded.noise import Floats, Ints, Noise
from trading_system.simulator.seeded.shares import apportion, centred, pour

MINUTE = 60_000
DAY = 1440 * MINUTE
QUIET = 8
LOTS = 4
INSET = 16

LENGTHS = (32 * DAY, DAY, 120 * MINUTE, 15 * MINUTE, MINUTE)
"""Candle lengths from block to minute, aligned to the epoch; small steps keep coarse pages cheap."""

FANOUT = tuple(longer // shorter for longer, shorter in pairwise(LENGTHS))

_UNREST = (0.0, 0.34, 0.26, 0.28, 0.26)  # sd of log volatility among the children of each level
_UNREST_TOPIC, _STEP_TOPIC, _SHARE_TOPIC, _RANGE_TOPIC = 100, 200, 300, 400  # the level is added
# A random walk's expected range over its standard deviation, and a little more: wicks add variance.
_RANGE_OVER_STEP = 1.1 * np.sqrt(8.0 / np.pi)
_INNER = 1.0 - 2.0 / INSET
_REACH = 0.8  # of the way to an extreme that borders go: the extreme itself belongs inside a child
_STRETCH = (0.6, 1.4)
_NEWTON_STEPS, _STEEPEST = 2, 12.0
_LEANING = (0.15, 7.0)
_EAGERNESS = 1.3  # volume grows with this power of the range
_TINY = 1e-9



class _Walk(NamedTuple):
    """The price at the children's borders (P, n+1) and the usual size of each step (P, n)."""

    borders: Ints
    usual: Floats


def split(parents: Candles, level: int, noise: Noise) -> Candles:
    """The candles of `level` (1 and up) inside these candles of the level above, in order."""
    start = parents.start[:, None] + np.arange(FANOUT[level - 1]) * LENGTHS[level]
    unrest = _unrest(start, level, noise)
    luck = noise.lanes(_SHARE_TOPIC + level, start)
    walk = _walk(parents, noise.normals(_STEP_TOPIC + level, start), unrest)
    reach = _reach(parents, walk, noise.lanes(_RANGE_TOPIC + level, start))
    trades = _trades(parents, level, unrest)
    middle = _middle(walk, reach, luck[1])
    busy = _busy(reach, luck[0])
    volume = _volume(parents, trades, busy, middle, _push(walk, luck[2]))
    quote = _quote(parents, middle, volume)
    low, high = _range(parents, reach, volume, quote)
    return candles.built(
        start=start,
        first_id=parents.first_id[:, None] + trades.cumsum(axis=1) - trades,
        open=walk.borders[:, :-1],
        high=high,
        low=low,
        close=walk.borders[:, 1:],
        trades=trades,
        volume=volume,
        quote=quote,
    )


def lowest_quote(low: Ints, high: Ints, volume: Ints) -> Ints:
    """The least quote amount that keeps the mean price off the low, as promised above."""
    least: Ints = low * volume + (high - low) * volume // INSET
    return least


def highest_quote(low: Ints, high: Ints, volume: Ints) -> Ints:
    """The greatest quote amount that keeps the mean price off the high."""
    most: Ints = high * volume - (high - low) * volume // INSET
    return most


def _day_rhythm() -> Floats:
    """Log volatility by quarter of an hour, UTC: quiet at night in Europe, loud as New York opens."""
    hours = np.arange(96) / 4
    return 0.42 * np.cos((hours - 15.0) * np.pi / 12) + 0.12 * np.cos((hours - 14.0) * np.pi / 6)


_DAY_RHYTHM = _day_rhythm()
_WEEK_RHYTHM = np.array([0.1, 0.1, 0.1, 0.1, 0.05, -0.3, -0.25])  # from Monday


def _unrest(start: Ints, level: int, noise: Noise) -> Floats:
    """Log volatility of the children: noise, and the rhythm of week and day where it shows."""
    unrest = _UNREST[level] * noise.normals(_UNREST_TOPIC + level, start)
    if level == 1:
        unrest += _WEEK_RHYTHM[(start // DAY + 3) % 7]
    elif LENGTHS[level] >= 15 * MINUTE:
        unrest += _DAY_RHYTHM[start // (15 * MINUTE) % 96]
    return unrest


def _trades(parents: Candles, level: int, unrest: Floats) -> Ints:
    """Trade counts: the promised few everywhere, the rest where the market is restless."""
    quiet = QUIET * LENGTHS[level] // MINUTE
    spare = parents.trades[:, None] - quiet * unrest.shape[1]
    return quiet + apportion(spare, np.exp(0.5 * unrest))


def _busy(reach: tuple[Ints, Ints], luck: Floats) -> Floats:
    """How the volume of each parent spreads over its children (P, n): it goes with the range."""
    span = reach[1] - reach[0]
    usual = span.mean(axis=1, keepdims=True) + _TINY
    return (0.1 + (span / usual) ** _EAGERNESS) * np.exp(1.1 * luck)


def _push(walk: _Walk, luck: Floats) -> Floats:
    """How much more takers buy than sell in each child (P, n): chance, and the way it goes."""
    step = walk.borders[:, 1:] - walk.borders[:, :-1]
    return 0.25 * (luck - 0.5) + 0.1 * step / (walk.usual + _TINY)


def _volume(
    parents: Candles, trades: Ints, busy: Floats, middle: Floats, push: Floats
) -> Ints:
    """Lots by taker side (2, P, n): more in busy times, and more on the side that pushes.

    Both sides lean to higher or lower prices, so that the parent's mean prices come out without
    the children's having to move: a difference of means would grow from level to level.
    """
    low, span = parents.low[:, None], np.maximum(parents.high - parents.low, 1)[:, None]
    middle = (middle - low) / span
    wanted = (parents.quote / parents.volume)[:, :, None] / span - low / span
    weights = _leaning(busy, middle - wanted.mean(axis=0))
    total = weights.sum(axis=1, keepdims=True)
    off = middle - (weights * middle).sum(axis=1, keepdims=True) / total
    variance = (weights * off * off).sum(axis=1, keepdims=True) + _TINY * total
    push = push - (weights * push * off).sum(axis=1, keepdims=True) / variance * off
    miss = wanted - (middle - off)[None]
    tilt = np.stack((push, -push)) + miss * (total / variance) * off
    weights = weights * np.clip(1.0 + tilt, 0.1, 3.0)
    spare = parents.volume[:, :, None] - LOTS * parents.trades[:, None]
    return LOTS * trades + apportion(spare, weights)


def _leaning(weights: Floats, off: Floats) -> Floats:
    """Weights (P, n) times exp(lean * off), `lean` such that the mean of `off` is nearly 0.

    By Newton's method; the derivative of the mean is the variance.
    """
    leaning, lean = weights, np.zeros((len(off), 1))
    for _ in range(_NEWTON_STEPS):
        total = leaning.sum(axis=1, keepdims=True)
        miss = (leaning * off).sum(axis=1, keepdims=True) / total
        variance = (leaning * off * off).sum(axis=1, keepdims=True) / total - miss * miss
        lean = np.clip(lean - miss / (variance + 1e-3), -_STEEPEST, _STEEPEST)
        leaning = weights * np.clip(np.exp(lean * off), *_LEANING)
    return leaning


def _walk(parents: Candles, noise: Floats, unrest: Floats) -> _Walk:
    """A random walk from open to close that nearly reaches high and low and meets the mean price.

    Time runs by variance: a restless child takes a larger part of the way.
    """
    opening, closing = parents.open[:, None], parents.close[:, None]
    low, high = parents.low[:, None], parents.high[:, None]
    floor, ceiling = np.minimum(opening, closing), np.maximum(opening, closing)
    clock = _running(np.exp(2.0 * unrest))
    total = clock[:, -1:].copy()
    usual = np.exp(unrest) / np.sqrt(total) * ((high - low) / _RANGE_OVER_STEP)
    clock /= total
    strayed = _running(noise * usual)
    strayed -= clock * strayed[:, -1:]
    strayed *= _facing(strayed, high - ceiling, floor - low)
    path = opening + clock * (closing - opening) + strayed
    path += _bump(parents, path, clock, usual)
    path = _fitted(path, clock, low, high, floor, ceiling)
    borders = np.rint(path).astype(np.int64)
    borders[:, :1], borders[:, -1:] = opening, closing
    return _Walk(borders, usual)


def _running(values: Floats) -> Floats:
    """Running totals of each row, from 0."""
    totals = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(values, axis=1, out=totals[:, 1:])
    return totals


def _facing(strayed: Floats, headroom: Ints, footroom: Ints) -> Floats:
    """-1 for walks that stray to the side with less room (mirrored, they fit), 1 for the rest."""
    lean = strayed.max(axis=1, keepdims=True) + strayed.min(axis=1, keepdims=True)
    return np.where(lean * (headroom - footroom) < 0, -1.0, 1.0)


def _bump(parents: Candles, path: Floats, clock: Floats, usual: Floats) -> Floats:
    """A parabola, 0 at both ends, that brings the path's mean near to the parent's.

    The mean is weighted by the size of the steps, for volume will go with them.
    """
    arch = clock * (1.0 - clock)
    total = usual.sum(axis=1, keepdims=True) + _TINY
    mean = (_middles(path) * usual).sum(axis=1, keepdims=True) / total
    lift = (_middles(arch) * usual).sum(axis=1, keepdims=True) / total
    wanted = parents.quote.sum(axis=0) / parents.volume.sum(axis=0)
    bump: Floats = arch * ((wanted[:, None] - mean) / np.maximum(lift, 0.05))
    return bump


def _fitted(
    path: Floats, clock: Floats, low: Ints, high: Ints, floor: Ints, ceiling: Ints
) -> Floats:
    """The path bent so that its highest and lowest border come near to high and low.

    What is added runs straight from the open over the two extremes to the close, as a random walk
    does that must pass there. What still leaves the range is reflected at its edges.
    """
    rows = np.arange(len(path))[:, None]
    top = 1 + path[:, 1:-1].argmax(axis=1)[:, None]
    bottom = 1 + path[:, 1:-1].argmin(axis=1)[:, None]
    rise = ceiling + _REACH * (high - ceiling) - np.maximum(path[rows, top], ceiling)
    fall = floor - _REACH * (floor - low) - np.minimum(path[rows, bottom], floor)
    up_first = top < bottom
    one, two = np.minimum(top, bottom), np.maximum(top, bottom)
    first, second = np.where(up_first, rise, fall), np.where(up_first, fall, rise)
    early, late = clock[rows, one], clock[rows, two]
    start = first * np.minimum(clock / early, 1.0)
    middle = (second - first) * np.clip((clock - early) / (late - early + _TINY), 0.0, 1.0)
    end = -second * np.maximum((clock - late) / (1.0 - late), 0.0)
    path = path + (start + middle + end)
    path = high - np.abs(high - path)
    path = low + np.abs(path - low)
    fitted: Floats = np.minimum(path, high)
    return fitted


def _middles(borders: Floats | Ints) -> Floats:
    middles: Floats = (borders[:, 1:] + borders[:, :-1]) * 0.5
    return middles


def _reach(parents: Candles, walk: _Walk, luck: Floats) -> tuple[Ints, Ints]:
    """How low and how high the price goes inside each child (P, n).

    The child that comes nearest to the parent's high touches it, and likewise the low.
    """
    opens, closes = walk.borders[:, :-1], walk.borders[:, 1:]
    down, up = _overshoot(opens - closes, walk.usual, luck)
    lowest, highest = np.minimum(opens, closes) - down, np.maximum(opens, closes) + up
    rows = np.arange(len(opens))
    lowest[rows, lowest.argmin(axis=1)] = parents.low
    highest[rows, highest.argmax(axis=1)] = parents.high
    return (
        np.maximum(lowest, parents.low[:, None]),
        np.minimum(highest, parents.high[:, None]),
    )


def _overshoot(step: Ints, usual: Floats, luck: Floats) -> Ints:
    """How far a random walk goes beyond the lower and the higher of its ends (2, P, n).

    A Brownian bridge's maximum over the higher end is (sqrt(d^2 - 2 s^2 ln u) - |d|) / 2.
    """
    square = (step * step)[None] - (2.0 * usual * usual) * np.log(luck[:2])
    beyond: Ints = np.rint((np.sqrt(square) - np.abs(step)) * 0.5).astype(np.int64)
    return beyond


def _middle(walk: _Walk, reach: tuple[Ints, Ints], luck: Floats) -> Floats:
    """About what price each child trades at (P, n), by where it begins, ends and reaches."""
    middle = 0.5 * _middles(walk.borders) + 0.25 * (reach[0] + reach[1])
    middle += 0.6 * (luck - 0.5) * walk.usual
    return np.clip(middle, reach[0], reach[1])


def _quote(parents: Candles, middle: Floats, volume: Ints) -> Ints:
    """Quote amounts by taker side (2, P, n): volume times a mean price near the middle.

    Every mean stays in the inner part of the parent's range, so that each child can keep the same
    promise whatever range it gets. What rounding leaves over goes where there is room for it.
    """
    low, high = parents.low[:, None], parents.high[:, None]
    span = np.maximum(high - low, 1)
    where = np.clip(((middle - low) / span - 1.0 / INSET) / _INNER, 0.0, 1.0)
    mean = (parents.quote / parents.volume - parents.low) / span[:, 0]
    target = np.clip((mean - 1.0 / INSET) / _INNER, 0.0, 1.0)[:, :, None]
    inner = 1.0 / INSET + _INNER * centred(where, volume, target)
    quote = low * volume + np.rint((high - low) * volume * inner).astype(np.int64)
    least, most = lowest_quote(low, high, volume), highest_quote(low, high, volume)
    quote = np.clip(quote, least, most)
    missing = parents.quote[:, :, None] - quote.sum(axis=2, keepdims=True)
    quote += pour(np.maximum(missing, 0), most - quote)
    quote -= pour(np.maximum(-missing, 0), quote - least)
    return quote


def _range(
    parents: Candles, reach: tuple[Ints, Ints], volume: Ints, quote: Ints
) -> tuple[Ints, Ints]:
    """Low and high of each child (P, n): what the price reaches, and room around the means.

    A margin of 1/(INSET - 2) of all that must be inside keeps the promise about means.
    """
    whole, rest = np.divmod(quote, volume)
    least, most = whole.min(axis=0), (whole + (rest > 0)).max(axis=0)
    lowest, highest = np.minimum(reach[0], least), np.maximum(reach[1], most)
    margin = (highest - lowest + INSET - 3) // (INSET - 2)
    low = np.maximum(np.minimum(lowest, least - margin), parents.low[:, None])
    high = np.minimum(np.maximum(highest, most + margin), parents.high[:, None])
    return low, high
