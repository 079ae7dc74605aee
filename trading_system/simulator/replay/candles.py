"""Recorded candles of one symbol: pages of any interval, and the tape beneath them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import numpy as np

from trading_system.simulator.feeds import BOOK_IDS, KlineRow
from trading_system.simulator.model import Depth, MarketTrade
from trading_system.simulator.replay.past import best_of, plain_book
from trading_system.simulator.replay.reader import DECIMALS, Ints, Recording, text
from trading_system.simulator.replay.rules import rules_of
from trading_system.simulator.replay.tape import (
    CLOSE,
    HIGH,
    LOW,
    OPEN,
    Tape,
    completed,
    counts,
    tape,
)
from trading_system.simulator.seeded.intervals import INTERVALS, SECOND, Interval
from trading_system.simulator.seeded.units import Unit
from trading_system.simulator.seeded.units import written as texts_of

_QUOTE, _TRADES, _TAKER_BASE, _TAKER_QUOTE = range(5, 9)
_UNIT = Unit(1, DECIMALS)
_KEPT = 32  # aggregated intervals
_SEARCHED = 4_096  # candles looked at in one go


class History:
    """A recording as past.Past; what has not closed at `now` is not told.

    Of a recording of OHLCV alone the tape sums to the candles exactly, quote volume included to
    the last 10^-8; of one with all columns in open, high, low, close and volume.
    """

    def __init__(self, recording: Recording) -> None:
        self.rules = rules_of(recording.symbol, recording.values[:, :4], recording.values[:, 4])
        self.interval = recording.interval
        self.length = Interval.named(recording.interval).length
        self.times = recording.times
        self.values = completed(recording.values)
        self.ids = np.concatenate([[1], 1 + np.cumsum(counts(self.values))])
        self.end = int(self.times[-1]) + self.length
        self._aggregated: dict[tuple[str, int], tuple[Ints, Ints]] = {}

    @property
    def next_id(self) -> int:
        """The id of the first trade after all of these."""
        return int(self.ids[-1])

    @property
    def last_price(self) -> Decimal:
        return Decimal(text(int(self.values[-1, CLOSE])))

    def closed(self, now: int) -> int:
        """How many candles have closed by now."""
        return int(np.searchsorted(self.times, now - self.length, side="right"))

    def page(self, interval: str, utc_offset: int, now: int) -> tuple[Ints, Ints]:
        """Open times and values of every candle of an interval; finer ones than recorded: none."""
        if INTERVALS.index(interval) < INTERVALS.index(self.interval):
            return self.times[:0], self.values[:0]
        closed = self.closed(now)
        if closed < len(self.times):
            return self._fold(interval, utc_offset, closed)
        key = (interval, utc_offset)
        if key not in self._aggregated:
            while len(self._aggregated) >= _KEPT:
                self._aggregated.pop(next(iter(self._aggregated)))
            self._aggregated[key] = self._fold(interval, utc_offset, closed)
        return self._aggregated[key]

    def _fold(self, interval: str, utc_offset: int, closed: int) -> tuple[Ints, Ints]:
        times, values = self.times[:closed], self.values[:closed]
        if interval == self.interval or not closed:
            return times, values
        return folded(times, values, Interval.named(interval, utc_offset))

    def between(self, start: int, end: int, now: int) -> Tape:
        """The trades with start <= time < end of the candles that have closed by now."""
        first = int(np.searchsorted(self.times, start - self.length, side="right"))
        past = min(int(np.searchsorted(self.times, end)), self.closed(now))
        trades = self.tape(first, past)
        return trades.part(*np.searchsorted(trades.times, (start, end)).tolist())

    def from_id(self, first_id: int, limit: int, now: int) -> Tape:
        """The trades from this id on."""
        first = max(0, int(np.searchsorted(self.ids, first_id, side="right")) - 1)
        trades = self.tape(first, min(first + limit + 1, self.closed(now)))
        start = int(np.searchsorted(trades.ids, first_id))
        return trades.part(start, start + limit)

    def last_trade(self, now: int) -> MarketTrade:
        """The newest trade; LookupError before the first candle has closed."""
        closed = self.closed(now)
        if not closed:
            raise LookupError(f"nothing of {self.rules.symbol} is recorded before {now}")
        first = int(np.searchsorted(self.ids, self.ids[closed])) - 1
        return self.tape(max(first, 0), closed).told()[-1]

    def depth(self, now: int) -> Depth:
        """A made-up book that stands still within a second."""
        second = now // SECOND
        return plain_book(self.rules, self.last_trade(second * SECOND), second * BOOK_IDS)

    def quote(self, now: int) -> Depth:
        return best_of(self.depth(now))

    def tape(self, first: int, past: int) -> Tape:
        """The trades of the candles from index `first` up to but not including `past`."""
        part = slice(first, past)
        return tape(self.times[part], self.values[part], self.ids[part], self.length)

    def first_reaching(
        self, after: int, now: int, below: int | None, above: int | None
    ) -> Tape | None:
        """The trade after this id whose price reaches a bound; candles that cannot are skipped."""
        start = max(0, int(np.searchsorted(self.ids, after + 1, side="right")) - 1)
        for first, past in _stretches(start, self.closed(now)):
            can = np.zeros(past - first, bool)
            if below is not None:
                can |= self.values[first:past, LOW] <= below
            if above is not None:
                can |= self.values[first:past, HIGH] >= above
            for index in (first + np.flatnonzero(can)).tolist():
                found = first_of(self.tape(index, index + 1), after, below, above)
                if found is not None:
                    return found
        return None


def folded(times: Ints, values: Ints, grid: Interval) -> tuple[Ints, Ints]:
    """Open times and values of the grid's candles, from shorter ones; at least one of them."""
    numbers = numbers_of(times, grid)
    first = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1))
    last = np.append(first[1:], len(times)) - 1
    sums = np.add.reduceat(values, first)
    sums[:, OPEN] = values[first, OPEN]
    sums[:, HIGH] = np.maximum.reduceat(values[:, HIGH], first)
    sums[:, LOW] = np.minimum.reduceat(values[:, LOW], first)
    sums[:, CLOSE] = values[last, CLOSE]
    return opens_of(numbers[first], grid), sums


def _stretches(start: int, end: int) -> Iterator[tuple[int, int]]:
    for first in range(start, end, _SEARCHED):
        yield first, min(first + _SEARCHED, end)


def first_of(trades: Tape, after: int, below: int | None, above: int | None) -> Tape | None:
    """The first of these trades after this id whose price reaches either bound."""
    reached = np.zeros(len(trades.ids), bool)
    if below is not None:
        reached |= trades.prices <= below
    if above is not None:
        reached |= trades.prices >= above
    found = np.flatnonzero(reached & (trades.ids > after))
    if not len(found):
        return None
    return Tape(*(column[found[:1]] for column in trades))


def written(times: Ints, values: Ints, grid: Interval) -> list[KlineRow]:
    """Rows as on the wire, eight decimals everywhere."""
    rows: list[KlineRow] = []
    closes = opens_of(numbers_of(times, grid) + 1, grid) - 1
    told = (*range(_QUOTE + 1), _TAKER_BASE, _TAKER_QUOTE)
    texts = texts_of(values[:, told], (_UNIT,) * len(told))
    counts_of = values[:, _TRADES].tolist()
    for k, (time, close) in enumerate(zip(times.tolist(), closes.tolist(), strict=True)):
        o, h, l, c, v, quote, base, taken = texts[8 * k : 8 * k + 8]  # noqa: E741 -- the wire's letters
        rows.append([time, o, h, l, c, v, close, quote, counts_of[k], base, taken, "0"])
    return rows


def numbers_of(times: Ints, grid: Interval) -> Ints:
    """Interval.number of many times at once."""
    if grid.length:
        return (times - grid.origin) // grid.length
    months = (times - grid.origin).astype("datetime64[ms]").astype("datetime64[M]")
    return months.astype(np.int64)


def opens_of(numbers: Ints, grid: Interval) -> Ints:
    """When the candles of these numbers open."""
    if grid.length:
        return numbers * grid.length + grid.origin
    months = numbers.astype("datetime64[M]").astype("datetime64[ms]")
    return months.astype(np.int64) + grid.origin
