"""A recorded book at any moment: a snapshot where there is one, and the diffs after it.

Without a snapshot it holds what diffs and best prices have told so far, and no guess beyond that.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import accumulate
from typing import NamedTuple

import orjson

from trading_system.simulator.model import Depth, Level
from trading_system.simulator.replay.recording import Snapshot, StreamRecording, Track

_KEPT = 128  # books are kept every so many changes, to go back to

Rows = Sequence[Sequence[str]]


class Ladder:
    """One side's levels by price, their prices ascending."""

    def __init__(self, levels: dict[Decimal, Level], prices: list[Decimal]) -> None:
        self._levels = levels
        self._prices = prices

    @classmethod
    def of(cls, rows: Rows = ()) -> Ladder:
        ladder = cls({}, [])
        ladder.apply(rows)
        return ladder

    def apply(self, rows: Rows) -> None:
        """Set each level to its new quantity; 0 takes it away."""
        for price_text, quantity_text in rows:
            price, quantity = Decimal(price_text), Decimal(quantity_text)
            if quantity:
                if price not in self._levels:
                    insort(self._prices, price)
                self._levels[price] = Level(price, quantity)
            elif self._levels.pop(price, None) is not None:
                del self._prices[bisect_left(self._prices, price)]

    def limit(self, *, lowest: Decimal | None = None, highest: Decimal | None = None) -> None:
        """Take away every level outside of these prices."""
        first = 0 if lowest is None else bisect_left(self._prices, lowest)
        past = len(self._prices) if highest is None else bisect_right(self._prices, highest)
        for price in (*self._prices[:first], *self._prices[past:]):
            del self._levels[price]
        self._prices = self._prices[first:past]

    def ascending(self) -> list[Level]:
        return [self._levels[price] for price in self._prices]

    def descending(self) -> list[Level]:
        return [self._levels[price] for price in reversed(self._prices)]

    def lowest(self) -> list[Level]:
        return [self._levels[price] for price in self._prices[:1]]

    def highest(self) -> list[Level]:
        return [self._levels[price] for price in self._prices[-1:]]

    def copy(self) -> Ladder:
        return Ladder(self._levels.copy(), self._prices.copy())


class _Book(NamedTuple):
    last_update_id: int
    bids: Ladder
    asks: Ladder

    def copy(self) -> _Book:
        return _Book(self.last_update_id, self.bids.copy(), self.asks.copy())


class _Change(NamedTuple):
    """A diff's data or a best price's: what the book was like after this id."""

    last_update_id: int
    time: int
    text: str


class OrderBook:
    """Asked for any moment, cheaply for moments that ascend; empty before it is known."""

    def __init__(self, changes: Iterable[_Change], snapshot: Snapshot | None) -> None:
        """Changes of ids up to the snapshot's are in it already."""
        self._book = _Book(0, Ladder.of(), Ladder.of())
        if snapshot is not None:
            bids, asks = Ladder.of(snapshot.bids), Ladder.of(snapshot.asks)
            self._book = _Book(snapshot.last_update_id, bids, asks)
        later = (each for each in changes if each.last_update_id > self._book.last_update_id)
        self._changes = sorted(later)
        # The exchange's order is that of the ids, whatever the order of receipt was.
        self._times = list(accumulate((change.time for change in self._changes), max))
        self._place = 0
        self._kept = [self._book.copy()]
        self._told = (-1, Depth(-1, [], []))

    def depth(self, now: int) -> Depth:
        """Every known level; the same object until something changes."""
        self._go(now)
        if self._told[0] != self._place:
            number, bids, asks = self._book
            self._told = (self._place, Depth(number, bids.descending(), asks.ascending()))
        return self._told[1]

    def quote(self, now: int) -> Depth:
        """The best level of either side."""
        self._go(now)
        number, bids, asks = self._book
        return Depth(number, bids.highest(), asks.lowest())

    def _go(self, now: int) -> None:
        """Make `_book` what it was after the first `_place` changes, those up to now."""
        wanted = bisect_right(self._times, now)
        if wanted < self._place:
            kept = wanted // _KEPT
            self._book, self._place = self._kept[kept].copy(), kept * _KEPT
        while self._place < wanted:
            self._book = _changed(self._book, self._changes[self._place])
            self._place += 1
            if self._place == len(self._kept) * _KEPT:
                self._kept.append(self._book.copy())


def recorded_book(recording: StreamRecording, symbol: str) -> OrderBook | None:
    """The book of a symbol; None where no stream told of it. ValueError where diffs are missing."""
    diffs = recording.track(symbol, "depth@100ms", "depth")
    snapshot = next((each for each in recording.snapshots if each.symbol == symbol), None)
    changes = [] if diffs is None else _diffs(diffs, symbol)
    best = recording.track(symbol, "bookTicker")
    if best is not None and snapshot is None:
        changes += _best(best)
    return OrderBook(changes, snapshot) if changes else None


def _diffs(track: Track, symbol: str) -> list[_Change]:
    changes: list[_Change] = []
    for time, text in zip(track.times, track.texts, strict=True):
        data = orjson.loads(text)
        if changes and data["U"] > changes[-1].last_update_id + 1:
            raise ValueError(
                f"the recorded book of {symbol} has a gap: "
                f"update {changes[-1].last_update_id} is followed by {data['U']}"
            )
        changes.append(_Change(data["u"], time, text))
    return changes


def _best(track: Track) -> list[_Change]:
    return [
        _Change(orjson.loads(text)["u"], time, text)
        for time, text in zip(track.times, track.texts, strict=True)
    ]


def _changed(book: _Book, change: _Change) -> _Book:
    """The book's ladders are changed in place."""
    data = orjson.loads(change.text)
    if "U" in data:
        book.bids.apply(data["b"])
        book.asks.apply(data["a"])
    else:
        bid, ask = Decimal(data["b"]), Decimal(data["a"])
        book.bids.limit(highest=bid)
        book.bids.apply([(data["b"], data["B"])])
        book.asks.limit(lowest=ask)
        book.asks.apply([(data["a"], data["A"])])
    return book._replace(last_update_id=change.last_update_id)
