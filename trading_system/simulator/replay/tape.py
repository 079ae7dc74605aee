"""A tape for recorded candles: a handful of trades each, whose sums are the candle."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

import numpy as np

from trading_system.simulator.model import MarketTrade
from trading_system.simulator.replay.reader import UNIT, Ints, text

OPEN, HIGH, LOW, CLOSE, VOLUME = range(5)
_TRADES = 4
_WHEN = np.array([0, 1, 2, 3])  # quarters of the candle; the last trade comes at its very end


class Tape(NamedTuple):
    """Trades of some candles, candle after candle: ids, times in ms, prices and quantities."""

    ids: Ints
    times: Ints
    prices: Ints
    quantities: Ints
    buyer_is_maker: Ints

    def part(self, first: int, past: int) -> Tape:
        """Some of the trades."""
        return Tape(*(column[first:past] for column in self))

    def told(self) -> list[MarketTrade]:
        """The same in the simulator's own words."""
        return [
            MarketTrade(number, Decimal(text(price)), Decimal(text(quantity)), time, bool(maker))
            for number, time, price, quantity, maker in zip(
                *(column.tolist() for column in self), strict=True
            )
        ]


def counts(values: Ints) -> Ints:
    """How many trades each candle's tape has: four, or one of all where the volume is tiny."""
    volume = values[:, VOLUME]
    return np.where(volume >= _TRADES, _TRADES, np.minimum(volume, 1))


def tape(times: Ints, values: Ints, first_ids: Ints, length: int) -> Tape:
    """Open, first extreme, second extreme, close; a rising candle visits its low first.

    The quantities of a candle sum to its volume, its first price is the open, its last the close.
    A candle of less than four units of volume has one trade, at its close.
    """
    count = counts(values)
    rising = values[:, CLOSE] >= values[:, OPEN]
    second = np.where(rising, values[:, LOW], values[:, HIGH])
    third = np.where(rising, values[:, HIGH], values[:, LOW])
    prices = np.stack([values[:, OPEN], second, third, values[:, CLOSE]], axis=1)
    share = values[:, VOLUME] // _TRADES
    rest = values[:, VOLUME] - share * (_TRADES - 1)
    quantities = np.stack([share, share, share, rest], axis=1)
    step = length // _TRADES
    moments = times[:, None] + np.append(_WHEN[:-1] * step, length - 1)
    ids = first_ids[:, None] + np.arange(_TRADES)
    makers = np.stack([~rising, rising, ~rising, ~rising], axis=1)
    # The one trade of a tiny candle stands in the last place.
    kept = np.arange(_TRADES)[None, :] >= _TRADES - count[:, None]
    ids -= (_TRADES - count)[:, None]
    columns: tuple[Ints, ...] = (ids, moments, prices, quantities, makers.astype(np.int64))
    return Tape(*(column[kept] for column in columns))


def completed(values: Ints) -> Ints:
    """Nine columns: what a file of OHLCV does not tell follows from the tape.

    Quote volumes are sums of price x quantity, cut to 10^-8.
    """
    if values.shape[1] > VOLUME + 1:
        return values
    zeros = np.zeros(len(values), np.int64)
    trades = tape(zeros, values, zeros, _TRADES)
    count = counts(values)
    owner = np.repeat(np.arange(len(values)), count)
    quotes = products(trades.prices, trades.quantities)
    taken = ~trades.buyer_is_maker.astype(bool)
    sums = [np.zeros(len(values), np.int64) for _ in range(3)]
    np.add.at(sums[0], owner, quotes)
    np.add.at(sums[1], owner[taken], trades.quantities[taken])
    np.add.at(sums[2], owner[taken], quotes[taken])
    return np.column_stack([values, sums[0], count, sums[1], sums[2]])


def products(prices: Ints, quantities: Ints) -> Ints:
    """Price x quantity in units of 10^-8; the full product would not fit 64 bits."""
    whole, part = np.divmod(prices, UNIT)
    lots, crumbs = np.divmod(quantities, UNIT)
    # (whole + part/U) x (lots + crumbs/U) x U, each term within 64 bits
    small = part * crumbs // UNIT
    product: Ints = whole * quantities + part * lots + small
    return product
