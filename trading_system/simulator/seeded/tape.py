"""The trades inside minutes: they add up to their candles to the last lot and tick.

Each taker side has its own lots and quote amount to meet. Two of its trades are fixed: one touches
the high (buys) or the low (sells), one makes the open or the close. The free ones follow a zigzag
from open over both extremes to close. Rounding their prices down leaves an amount smaller than the
lots traded: that many lots go one tick higher, and one trade is cut in two to hit it exactly.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from trading_system.simulator.seeded.candles import Candles, built
from trading_system.simulator.seeded.levels import MINUTE
from trading_system.simulator.seeded.noise import Flags, Floats, Ints, Noise
from trading_system.simulator.seeded.portable import exp
from trading_system.simulator.seeded.shares import apportion, centred, pour

_WAY_TOPIC, _FIXED_TOPIC, _FREE_TOPIC, _EDGE_TOPIC = 500, 501, 502, 503
_EXTRA = 3  # trades of a side that are not free: touching, opening or closing, cut off another
_WHOLE = 2  # lots every free trade has at least, so that it can be cut in two
_FIXED_PART = 32  # a fixed trade has no more than this part of its side's lots: 2 * INSET
_PLACES = 1 << 20  # noise places of one minute, half of them for each side
_EVEN = 0.5  # the odds of a coin
_INSIDE = MINUTE - 2  # ms of a minute that leave room for the first and the last trade


class Tape(NamedTuple):
    """Trades in the order of ids: times in ms UTC, prices in ticks, quantities in lots."""

    id: Ints
    time: Ints
    price: Ints
    quantity: Ints
    taker_buys: Flags

    def take(self, wanted: slice | Flags) -> Tape:
        """Those that are wanted."""
        return Tape(
            self.id[wanted],
            self.time[wanted],
            self.price[wanted],
            self.quantity[wanted],
            self.taker_buys[wanted],
        )


class _Way(NamedTuple):
    """How each of M minutes goes: shared by both sides, so that they move together."""

    times: Floats  # (4, M): open, first extreme, second extreme, close; from 0 to 1
    prices: Ints  # (4, M)
    touched: Floats  # (2, M): when the high, when the low
    buy_opens: Flags  # (M): the open is a taker buy and the close a taker sell, or the reverse


class _Trades(NamedTuple):
    """Trades by side and minute, (2, M, n) each; a quantity of 0 says there is none."""

    time: Ints  # ms within the minute
    price: Ints
    quantity: Ints


def tape(minutes: Candles, noise: Noise) -> Tape:
    """Every trade of these one-minute candles, which are in order but need not be neighbours."""
    way = _way(minutes, noise)
    fixed = _fixed(minutes, way, noise)
    free = _free(minutes, way, fixed, noise)
    trades = _Trades(*(np.concatenate(pair, axis=2) for pair in zip(free, fixed, strict=True)))
    trades.time[:, :, -1] = _edge_times(trades, way, noise.lanes(_EDGE_TOPIC, _minute(minutes)))
    return _in_order(minutes, trades, way)


def aggregated(trades: Tape, opens: Ints, price: int, trade_id: int) -> Candles:
    """The candles opening at `opens` that hold these trades, the flat ones too.

    All trades lie at or after the first open. `price` is the last one before them, `trade_id` the
    id that the first of them has or would have.
    """
    edges = np.append(trades.time.searchsorted(opens), len(trades.time))
    counts = np.diff(edges)
    busy = counts > 0
    firsts = edges[:-1]
    before = np.append(price, trades.price)[firsts]  # the last price before each candle
    table = np.repeat(before[None], 4, axis=0)
    sums = np.zeros((4, len(opens)), np.int64)
    if len(trades.time):
        at = firsts[busy]
        table[0, busy] = trades.price[at]
        table[1, busy] = np.maximum.reduceat(trades.price, at)
        table[2, busy] = np.minimum.reduceat(trades.price, at)
        table[3, busy] = trades.price[edges[1:][busy] - 1]
        lots = np.stack((trades.quantity * trades.taker_buys, trades.quantity * ~trades.taker_buys))
        sums[:, busy] = np.add.reduceat(np.concatenate((lots, lots * trades.price)), at, axis=1)
    return built(
        start=opens,
        first_id=trade_id + firsts,
        open=table[0],
        high=table[1],
        low=table[2],
        close=table[3],
        trades=counts,
        volume=sums[:2],
        quote=sums[2:],
    )


def _minute(minutes: Candles) -> Ints:
    return minutes.start // MINUTE


def _way(minutes: Candles, noise: Noise) -> _Way:
    """A zigzag over both extremes; a rising minute mostly visits its low first."""
    one, two, order, side = noise.lanes(_WAY_TOPIC, _minute(minutes))
    early, late = np.minimum(one, two), np.maximum(one, two)
    high_first = order < np.where(minutes.close > minutes.open, 0.2, 0.8)
    first = np.where(high_first, minutes.high, minutes.low)
    second = np.where(high_first, minutes.low, minutes.high)
    return _Way(
        times=np.stack((np.zeros_like(early), early, late, np.ones_like(late))),
        prices=np.stack((minutes.open, first, second, minutes.close)),
        touched=np.stack((np.where(high_first, early, late), np.where(high_first, late, early))),
        buy_opens=side < _EVEN,
    )


def _counts(minutes: Candles) -> Ints:
    """How many of the trades are taker buys and taker sells (2, M): as the lots are."""
    lots = minutes.volume.sum(axis=0)
    buys = np.rint(minutes.trades * (minutes.volume[0] / lots)).astype(np.int64)
    buys = np.clip(buys, _EXTRA + 1, minutes.trades - _EXTRA - 1)
    return np.stack((buys, minutes.trades - buys))


def _fixed(minutes: Candles, way: _Way, noise: Noise) -> _Trades:
    """Two trades a side (2, M, 2): at its extreme, and at the open or the close.

    The time of the latter is set when all the others are known.
    """
    luck = noise.lanes(_FIXED_TOPIC, _minute(minutes) * 2 + np.array([[0], [1]]))[:2]
    most = np.minimum(minutes.volume // _FIXED_PART, 2 * minutes.volume // _counts(minutes))
    quantity = 1 + (luck * (most - 1)).astype(np.int64)
    edge = np.stack(
        (
            np.where(way.buy_opens, minutes.open, minutes.close),
            np.where(way.buy_opens, minutes.close, minutes.open),
        )
    )
    touch = np.stack((minutes.high, minutes.low))
    time = _inside(way.touched)
    return _Trades(
        time=np.stack((time, time), axis=2),
        price=np.stack((touch, edge), axis=2),
        quantity=np.moveaxis(quantity, 0, 2),
    )


def _inside(fraction: Floats) -> Ints:
    """A fraction of the minute in ms, the first and the last ms spared."""
    return 1 + (fraction * _INSIDE).astype(np.int64)


def _free(minutes: Candles, way: _Way, fixed: _Trades, noise: Noise) -> _Trades:
    """What the fixed trades leave to do (2, M, n): the rest of the lots and of the amount."""
    lots = (minutes.volume - fixed.quantity.sum(axis=2))[:, :, None]
    amount = (minutes.quote - (fixed.quantity * fixed.price).sum(axis=2))[:, :, None]
    count = (_counts(minutes) - _EXTRA)[:, :, None]
    column = np.arange(count.max())
    live = column < count
    places = _minute(minutes)[:, None] * _PLACES + column
    when, size, more, stray = noise.lanes(_FREE_TOPIC, np.stack((places, places + _PLACES // 2)))
    weights = exp(3.0 * (size + more)) * live
    quantity = _WHOLE * live + apportion(lots - _WHOLE * count, weights)
    low, high = minutes.low[:, None], minutes.high[:, None]
    span = np.maximum(high - low, 1)
    where = (_zigzag(way, when) - low) / span + 0.15 * (stray - 0.5)
    target = np.clip((amount - low * lots) / (span * lots), 0.0, 1.0)
    where = centred(np.clip(where, 0.0, 1.0), quantity, target)
    # Rounded down, and from a hair below, so that what is missing is never negative.
    price = np.floor(low + (high - low) * where - 1e-6).astype(np.int64)
    price = np.clip(price, low, np.maximum(high - 1, low))
    missing = amount - (quantity * price).sum(axis=2, keepdims=True)
    return _exact(_Trades(_inside(when), price, quantity), missing, high)


def _zigzag(way: _Way, when: Floats) -> Floats:
    """The price of the way (2, M, n) at these times."""
    times, prices = way.times[:, :, None], way.prices[:, :, None]
    slopes = np.diff(prices, axis=0) / np.maximum(np.diff(times, axis=0), 1e-9)
    leg = (when > times[1]).astype(np.int8) + (when > times[2])
    legs = [prices[k] + slopes[k] * (when - times[k]) for k in range(3)]
    prices_then: Floats = np.choose(leg, legs)
    return prices_then


def _exact(trades: _Trades, missing: Ints, high: Ints) -> _Trades:
    """These trades and one more a side, whose amounts now reach what was `missing`.

    Trades from the left go up one tick each; in the rare case that this is not enough, up to the
    high. The one that may only go up in part is cut in two; if there is none, any is.
    """
    time, price, quantity = trades
    raised = pour(missing, quantity * np.minimum(high - price, 1))
    rest = missing - raised.sum(axis=2, keepdims=True)
    raised += pour(rest, quantity * (high - price) - raised)
    ticks, part = np.divmod(raised, np.maximum(quantity, 1))
    price = price + ticks
    at = part.argmax(axis=2)[:, :, None]
    lots = np.take_along_axis(part, at, axis=2)
    cut_price = np.take_along_axis(price, at, axis=2) + (lots > 0)
    lots = np.where(lots > 0, lots, np.take_along_axis(quantity, at, axis=2) // 2)
    left = np.take_along_axis(quantity, at, axis=2) - lots
    np.put_along_axis(quantity, at, left, axis=2)
    return _Trades(
        np.concatenate((time, np.take_along_axis(time, at, axis=2)), axis=2),
        np.concatenate((price, cut_price), axis=2),
        np.concatenate((quantity, lots), axis=2),
    )


def _edge_times(trades: _Trades, way: _Way, luck: Floats) -> Ints:
    """When the minute's first and last trade happen: (2, M), by side."""
    others = trades.time[:, :, :-1]
    live = trades.quantity[:, :, :-1] > 0
    earliest = np.where(live, others, MINUTE).min(axis=(0, 2))
    latest = np.where(live, others, 0).max(axis=(0, 2))
    opening = (luck[0] * (earliest + 1)).astype(np.int64)
    closing = latest + (luck[1] * (MINUTE - latest)).astype(np.int64)
    return np.stack(
        (np.where(way.buy_opens, opening, closing), np.where(way.buy_opens, closing, opening))
    )


def _in_order(minutes: Candles, trades: _Trades, way: _Way) -> Tape:
    """By time; within one ms the open comes first and the close last, the rest by their column."""
    columns = trades.quantity.shape[2]
    rank = np.ones(trades.quantity.shape, np.int64)
    rank[0, :, -1] = np.where(way.buy_opens, 0, 2)
    rank[1, :, -1] = 2 - rank[0, :, -1]
    time = trades.time + np.arange(minutes.count)[:, None] * MINUTE
    place = np.arange(2 * columns).reshape(2, 1, columns)
    key = (time * 3 + rank) * (2 * columns) + place
    live = np.flatnonzero(trades.quantity)
    order = live[key.ravel()[live].argsort()]
    ends = minutes.trades.cumsum()
    shift = np.repeat(minutes.first_id - (ends - minutes.trades), minutes.trades)
    return Tape(
        id=(np.arange(len(order)) + shift).astype(np.int64, copy=False),
        time=(trades.time + minutes.start[:, None]).ravel()[order],
        price=trades.price.ravel()[order],
        quantity=trades.quantity.ravel()[order],
        taker_buys=order < trades.quantity.size // 2,
    )
