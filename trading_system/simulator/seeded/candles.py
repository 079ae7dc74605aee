"""Candles as columns of integers: prices in ticks, volumes in lots, quote in ticks x lots.

Taker buys and taker sells are kept apart; their sums are what the wire shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trading_system.simulator.seeded.noise import Flags, Ints

_ROWS = 11
_START, _ID, _OPEN, _HIGH, _LOW, _CLOSE, _TRADES = range(7)
_VOLUME, _QUOTE = slice(7, 9), slice(9, 11)
_SUMS = slice(6, 11)


@dataclass(frozen=True, slots=True)
class Candles:
    """A number of candles, ascending: one row a field, one column a candle."""

    table: Ints

    @property
    def count(self) -> int:
        return int(self.table.shape[1])

    @property
    def start(self) -> Ints:
        """Open time, ms UTC."""
        return self._row(_START)

    @property
    def first_id(self) -> Ints:
        """The id its first trade has, or would have."""
        return self._row(_ID)

    @property
    def open(self) -> Ints:
        return self._row(_OPEN)

    @property
    def high(self) -> Ints:
        return self._row(_HIGH)

    @property
    def low(self) -> Ints:
        return self._row(_LOW)

    @property
    def close(self) -> Ints:
        return self._row(_CLOSE)

    @property
    def trades(self) -> Ints:
        return self._row(_TRADES)

    @property
    def volume(self) -> Ints:
        """Lots bought by takers, and lots sold by takers; shape (2, count)."""
        return self._row(_VOLUME)

    @property
    def quote(self) -> Ints:
        """Ticks x lots paid by taker buys, and by taker sells; shape (2, count)."""
        return self._row(_QUOTE)

    def _row(self, which: int | slice) -> Ints:
        row: Ints = self.table[which]
        return row

    def take(self, wanted: Flags) -> Candles:
        """Those that are wanted; neighbours are not copied."""
        at = wanted.nonzero()[0]
        if not len(at):
            return Candles(self.table[:, :0])
        first, end = int(at[0]), int(at[-1]) + 1
        if end - first == len(at):
            return self.span(first, end)
        return Candles(self.table.take(at, axis=1))

    def span(self, first: int, end: int) -> Candles:
        """Those from position `first` up to but not including `end`."""
        return Candles(self.table[:, first:end])

    def end_id(self) -> Ints:
        """One past the id of its last trade."""
        ends: Ints = self.first_id + self.trades
        return ends


def built(
    *,
    start: Ints,
    first_id: Ints,
    open: Ints,  # noqa: A002 -- the price at which a candle opens has no other name
    high: Ints,
    low: Ints,
    close: Ints,
    trades: Ints,
    volume: Ints,
    quote: Ints,
) -> Candles:
    """Candles from arrays of any one shape (volume and quote: two such), row after row."""
    table = np.empty((_ROWS, start.size), np.int64)
    for row, field in enumerate((start, first_id, open, high, low, close, trades)):
        table[row] = field.ravel()
    table[_VOLUME] = volume.reshape(2, -1)
    table[_QUOTE] = quote.reshape(2, -1)
    return Candles(table)


def joined(parts: Sequence[Candles]) -> Candles:
    """Candles of several lengths that do not overlap, in the order of time; not all are empty."""
    tables = [part.table for part in parts if part.count]
    if len(tables) == 1:
        return Candles(tables[0])
    tables.sort(key=lambda table: int(table[_START, 0]))
    whole = np.concatenate(tables, axis=1)
    start = whole[_START]
    if (start[1:] < start[:-1]).any():
        whole = whole.take(start.argsort(), axis=1)
    return Candles(whole)


def folded(parts: Candles, opens: Ints) -> Candles:
    """Longer candles that open at `opens`, each made of all the parts up to the next.

    Every open must find a part of its own; a first candle may open before its first part.
    """
    table, firsts = parts.table, parts.start.searchsorted(opens)
    lasts = np.append(firsts[1:], parts.count) - 1
    whole = table[:, firsts]
    whole[_START] = opens
    whole[_CLOSE] = table[_CLOSE, lasts]
    whole[_HIGH] = np.maximum.reduceat(table[_HIGH], firsts)
    whole[_LOW] = np.minimum.reduceat(table[_LOW], firsts)
    whole[_SUMS] = np.add.reduceat(table[_SUMS], firsts, axis=1)
    return Candles(whole)
