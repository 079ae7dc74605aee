"""How the price goes through a candle: a random walk bent to its open, high, low, close and mean.

All arrays are of P parents and n children; the borders between children are n + 1.
"""

from __future__ import annotations

from math import pi, sqrt
from typing import NamedTuple

import numpy as np

from trading_system.simulator.seeded.candles import Candles
from trading_system.simulator.seeded.noise import Floats, Ints
from trading_system.simulator.seeded.portable import log

# A random walk's expected range over its standard deviation, and a little more: what touches the
# parent's extremes adds variance.
_RANGE_OVER_STEP = 1.1 * sqrt(8.0 / pi)
_REACH = 0.8  # of the way to an extreme that borders go: the extreme itself lies inside a child
_TINY = 1e-9


class Walk(NamedTuple):
    """The price at the borders (P, n+1) and the usual size of each step (P, n), in ticks."""

    borders: Ints
    usual: Floats

    @property
    def opens(self) -> Ints:
        return self.borders[:, :-1]

    @property
    def closes(self) -> Ints:
        return self.borders[:, 1:]

    @property
    def pace(self) -> Floats:
        """Each step, measured by its usual size."""
        pace: Floats = (self.closes - self.opens) / (self.usual + _TINY)
        return pace


class Reach(NamedTuple):
    """How low and how high the price goes inside each child (P, n), in ticks."""

    low: Ints
    high: Ints


def walk(parents: Candles, steps: Floats, unrest: Floats) -> Walk:
    """From open to close by these standard normal steps, which unrest makes longer.

    Time runs by variance, so that a restless child takes a larger part of the way.
    """
    opening, closing = parents.open[:, None], parents.close[:, None]
    span = (parents.high - parents.low)[:, None]
    clock = _running(unrest * unrest)
    total = clock[:, -1:].copy()
    usual = (unrest / np.sqrt(total)) * (span / _RANGE_OVER_STEP)
    clock /= total
    strayed = _running(steps * usual)
    strayed -= clock * strayed[:, -1:]
    path = opening + clock * (closing - opening) + strayed
    path += _bump(parents, path, clock, usual)
    borders = np.rint(_fitted(parents, path, clock)).astype(np.int64)
    borders[:, :1], borders[:, -1:] = opening, closing
    return Walk(borders, usual)


def reach(parents: Candles, way: Walk, luck: Floats) -> Reach:
    """How far each child goes beyond its ends, by luck (2, P, n) in (0, 1).

    The child that comes nearest to the parent's high touches it, and likewise the low.
    """
    down, up = _overshoot(way, luck)
    low, high = np.minimum(way.opens, way.closes) - down, np.maximum(way.opens, way.closes) + up
    rows = np.arange(len(low))
    low[rows, low.argmin(axis=1)] = parents.low
    high[rows, high.argmax(axis=1)] = parents.high
    return Reach(
        np.maximum(low, parents.low[:, None]),
        np.minimum(high, parents.high[:, None]),
    )


def middle(way: Walk, reached: Reach, luck: Floats) -> Floats:
    """About what price each child trades at (P, n): by where it begins and ends and reaches."""
    prices = 0.25 * (way.opens + way.closes + reached.low + reached.high)
    prices += 0.6 * (luck - 0.5) * way.usual
    return np.clip(prices, reached.low, reached.high)


def _running(values: Floats) -> Floats:
    """Running totals of each row, from 0."""
    totals = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(values, axis=1, out=totals[:, 1:])
    return totals


def _middles(borders: Floats) -> Floats:
    middles: Floats = (borders[:, 1:] + borders[:, :-1]) * 0.5
    return middles


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


def _fitted(parents: Candles, path: Floats, clock: Floats) -> Floats:
    """The path bent so that its highest and lowest border come near to high and low.

    What is added runs straight from the open over the two extremes to the close, as a random walk
    does that must pass there. What still leaves the range is reflected at its edges.
    """
    low, high = parents.low[:, None], parents.high[:, None]
    floor = np.minimum(parents.open, parents.close)[:, None]
    ceiling = np.maximum(parents.open, parents.close)[:, None]
    rows = np.arange(len(path))[:, None]
    top = 1 + path[:, 1:-1].argmax(axis=1)[:, None]
    bottom = 1 + path[:, 1:-1].argmin(axis=1)[:, None]
    rise = ceiling + _REACH * (high - ceiling) - np.maximum(path[rows, top], ceiling)
    fall = floor - _REACH * (floor - low) - np.minimum(path[rows, bottom], floor)
    first = np.where(top < bottom, rise, fall)
    second = np.where(top < bottom, fall, rise)
    early, late = clock[rows, np.minimum(top, bottom)], clock[rows, np.maximum(top, bottom)]
    bent = path + _bent(clock, (early, late), (first, second))
    bent = np.subtract(high, np.abs(high - bent))
    fitted: Floats = np.minimum(low + np.abs(bent - low), high)
    return fitted


def _bent(clock: Floats, times: tuple[Floats, Floats], values: tuple[Floats, Floats]) -> Floats:
    """A line of three pieces: 0 at clock 0, these two values at these two times, 0 at clock 1."""
    (early, late), (first, second) = times, values
    bent: Floats = first * np.minimum(clock / early, 1.0)
    bent += (second - first) * np.clip((clock - early) / (late - early + _TINY), 0.0, 1.0)
    bent -= second * np.maximum((clock - late) / (1.0 - late), 0.0)
    return bent


def _overshoot(way: Walk, luck: Floats) -> Ints:
    """How far a random walk goes beyond the lower and the higher of its ends (2, P, n).

    A Brownian bridge's maximum over the higher end is (sqrt(d^2 - 2 s^2 ln u) - |d|) / 2.
    """
    step = way.closes - way.opens
    square = (step * step)[None] - (2.0 * way.usual * way.usual) * log(luck)
    beyond: Ints = np.rint((np.sqrt(square) - np.abs(step)) * 0.5).astype(np.int64)
    return beyond
