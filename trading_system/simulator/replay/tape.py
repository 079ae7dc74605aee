"""The trades of recorded candles, made up: up to ten a candle that add up to it.

They lead from the open over the nearer extreme (the low of a rising candle) to the other one and to
the close. Open, extremes and close get a sixteenth of the volume each, or one lot; the rest is
traded around the price that brings the quote amount to what the candle tells, one tick higher where
the division leaves something over. Exact are open, high, low, close and volume; the quote amount
and the taker's volume too, unless the texts of the candle contradict themselves; the taker's quote
amount is whatever comes of it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from trading_system.simulator.replay.candles import Candles
from trading_system.simulator.seeded.noise import Flags, Ints

PLACES = 10
"""The most trades of one candle."""

_FIXED = [0, 1, 8, 9]  # the places of open, first extreme, second extreme, close
_BUYS_RISING = np.array([1, 0, 0, 0, 0, 1, 1, 1, 1, 0], np.bool_)
_BUYS_FALLING = np.array([0, 1, 0, 0, 0, 1, 1, 1, 0, 1], np.bool_)
_SIXTEENTH = 16
_QUARTER = 4


class Tape(NamedTuple):
    """Trades in the order of ids: prices and quantities in units of their scale."""

    id: Ints
    time: Ints
    price: Ints
    quantity: Ints
    taker_buys: Flags

    def part(self, first: int, last: int | None = None) -> Tape:
        return Tape._make(column[first:last] for column in self)


class Grid(NamedTuple):
    """The trades of each candle at their places, shape (candles, PLACES); many of no quantity."""

    price: Ints
    quantity: Ints
    taker_buys: Flags


class _Fixed(NamedTuple):
    """The trades at open, extremes and close, shape (candles, 4), and what they leave over."""

    quantity: Ints
    lots: Ints
    quote: Ints


def typical_quote(candles: Candles) -> Ints:
    """A quote amount for candles that tell none: most is traded at (high + low + close) / 3."""
    price = (candles.high + candles.low + candles.close) // 3
    fixed = _fixed(candles, _knots(candles), np.maximum(candles.volume // _SIXTEENTH, 1))
    quote: Ints = -fixed.quote + fixed.lots * price
    return quote


def least_lots(candles: Candles) -> Ints:
    """How many lots a candle needs so that each of its four prices can be traded at."""
    needed: Ints = _needed(_knots(candles)).sum(axis=1)
    return needed


def grid(candles: Candles) -> Grid:
    """The trades of these candles at their places."""
    rising = candles.close >= candles.open
    knots = _knots(candles)
    fixed = _best_fixed(candles, knots)
    lots = np.maximum(fixed.lots, 1)
    low, high = candles.low * fixed.lots, candles.high * fixed.lots
    centre, over = np.divmod(np.clip(fixed.quote, low, high), lots)
    buys = np.where(rising[:, None], _BUYS_RISING, _BUYS_FALLING)
    bought = (fixed.quantity * buys[:, _FIXED]).sum(axis=1)
    wanted = np.clip(candles.taker_volume - bought, 0, fixed.lots)
    side = np.minimum(np.minimum(wanted, fixed.lots - wanted), fixed.lots // _QUARTER)
    side = np.minimum(side, (fixed.lots - over) // 2)
    away = np.minimum(centre - candles.low, candles.high - centre) * 2 // 3
    away = np.where(rising, away, -away)
    at_centre = fixed.lots - 2 * side - over
    over_bought = np.minimum(over, wanted - side)
    bought = wanted - side - over_bought
    sells = (side, over - over_bought, at_centre - bought)
    buys_there = (bought, over_bought, side)
    rest = np.stack((*sells, *buys_there), axis=1)
    prices = (centre - away, centre + 1, centre, centre, centre + 1, centre + away)
    return Grid(
        price=np.column_stack((knots[:, :2], *prices, knots[:, 2:])),
        quantity=np.column_stack((fixed.quantity[:, :2], rest, fixed.quantity[:, 2:])),
        taker_buys=buys,
    )


def tape(candles: Candles, length: int) -> Tape:
    """Every trade of these candles, each of `length` ms."""
    trades = grid(candles)
    there = trades.quantity > 0
    counts = there.cumsum(axis=1)
    place = np.arange(PLACES)
    # Each place has a tenth of the candle and a moment of its own in the first half of it.
    luck = (candles.start[:, None] // 1_000 * 7_919 + place * 104_729) % (length // (2 * PLACES))
    time = candles.start[:, None] + length * place // PLACES + luck
    number = candles.first_id[:, None] + counts - 1
    return Tape._make(
        column[there] for column in (number, time, trades.price, trades.quantity, trades.taker_buys)
    )


def _knots(candles: Candles) -> Ints:
    """Open, both extremes in their order, and close; shape (candles, 4)."""
    rising = candles.close >= candles.open
    first = np.where(rising, candles.low, candles.high)
    second = np.where(rising, candles.high, candles.low)
    return np.stack((candles.open, first, second, candles.close), axis=1)


def _needed(knots: Ints) -> Flags:
    """Which of the four must be traded at: not twice in a row at one price."""
    needed = np.empty(knots.shape, np.bool_)
    needed[:, 0] = True
    needed[:, 1:] = knots[:, 1:] != knots[:, :-1]
    return needed


def _fixed(candles: Candles, knots: Ints, size: Ints) -> _Fixed:
    """So many lots at each knot that is needed; `quote` is what that leaves of the amount told."""
    quantity = np.where(_needed(knots) & (candles.volume > 0)[:, None], size[:, None], 0)
    return _Fixed(
        quantity,
        candles.volume - quantity.sum(axis=1),
        candles.quote - (quantity * knots).sum(axis=1),
    )


def _best_fixed(candles: Candles, knots: Ints) -> _Fixed:
    """A sixteenth at each knot, but one lot where the amount told could not be met otherwise."""
    large = _fixed(candles, knots, np.maximum(candles.volume // _SIXTEENTH, 1))
    small = _fixed(candles, knots, np.ones_like(candles.volume))
    fits = (large.quote >= candles.low * large.lots) & (large.quote <= candles.high * large.lots)
    return _Fixed(
        np.where(fits[:, None], large.quantity, small.quantity),
        np.where(fits, large.lots, small.lots),
        np.where(fits, large.quote, small.quote),
    )
