"""Recorded candles as columns of whole numbers, all of one symbol in the same units."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from trading_system.simulator.seeded.noise import Ints

_ENOUGH = 2**62


class Scale(NamedTuple):
    """Decimal digits of prices and volumes; a quote amount has those of both."""

    price: int
    volume: int

    @property
    def quote(self) -> int:
        return self.price + self.volume


class Candles(NamedTuple):
    """Some candles, ascending; times in ms UTC, the rest in units of their scale.

    `first_id` is the id of its first trade on the tape, which has fewer than the `trades` told.
    """

    start: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints
    quote: Ints
    trades: Ints
    taker_volume: Ints
    taker_quote: Ints
    first_id: Ints

    @property
    def size(self) -> int:
        """How many candles; `len` counts the columns."""
        return len(self.start)

    def part(self, first: int, last: int | None = None) -> Candles:
        """The candles from number `first` up to but without number `last`."""
        return Candles._make(column[first:last] for column in self)

    def followed_by(self, later: Candles) -> Candles:
        return Candles._make(np.concatenate(pair) for pair in zip(self, later, strict=True))


def folded(parts: Candles, opens: Ints) -> Candles:
    """Longer candles, one for each of the `opens` that has a part; `opens` tells where each is.

    `opens` has the open time of the longer candle for every part, ascending.
    """
    if not parts.size:
        return parts
    firsts = np.flatnonzero(np.diff(opens, prepend=opens[0] - 1))
    lasts = np.append(firsts[1:], len(opens)) - 1

    def total(column: Ints) -> Ints:
        if float(column.sum(dtype=np.float64)) >= _ENOUGH:  # months of quote in eight decimals
            column = column.astype(object)
        sums: Ints = np.add.reduceat(column, firsts)
        return sums

    return Candles(
        start=opens[firsts],
        open=parts.open[firsts],
        high=np.maximum.reduceat(parts.high, firsts),
        low=np.minimum.reduceat(parts.low, firsts),
        close=parts.close[lasts],
        volume=total(parts.volume),
        quote=total(parts.quote),
        trades=total(parts.trades),
        taker_volume=total(parts.taker_volume),
        taker_quote=total(parts.taker_quote),
        first_id=parts.first_id[firsts],
    )
