"""One symbol's market as a pure function of time, reached from long candles down to the moment.

Every question is answered by walking the cascade: candles that matter are split, the others are
left whole. Nothing here knows money, only ticks and lots.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from trading_system.simulator.catalogue import character_of
from trading_system.simulator.model import SymbolRules
from trading_system.simulator.seeded.candles import Candles, folded, joined
from trading_system.simulator.seeded.cascade import split
from trading_system.simulator.seeded.history import Origin, history
from trading_system.simulator.seeded.intervals import SECOND, Interval
from trading_system.simulator.seeded.levels import LENGTHS, MINUTE
from trading_system.simulator.seeded.noise import Flags, Ints, Noise
from trading_system.simulator.seeded.store import Store
from trading_system.simulator.seeded.tape import Tape, aggregated, tape
from trading_system.simulator.seeded.units import Units

_MINUTES = len(LENGTHS) - 1  # the level of one-minute candles
_BEGINNING = Origin()


class Page(NamedTuple):
    """Candles and, for each, the time at which the next one opens."""

    candles: Candles
    ends: Ints


class Minute(NamedTuple):
    """The candle of one minute, and its trades."""

    candle: Candles
    tape: Tape


class Caches(NamedTuple):
    """What paths remember; several paths may share one."""

    splits: Store[Candles]
    minutes: Store[Minute]

    @classmethod
    def of(cls, splits: int = 512, minutes: int = 16) -> Caches:
        return cls(Store(splits), Store(minutes))


class SeededPath:
    """The price path of `rules.symbol` under `seed`, from `origin` on.

    Two paths with equal arguments agree to the digit. Times are ms UTC, and the path ends where
    history.HORIZON says; the last trade then stays the last.
    """

    def __init__(
        self,
        seed: int,
        rules: SymbolRules,
        *,
        origin: Origin = _BEGINNING,
        caches: Caches | None = None,
    ) -> None:
        character = character_of(rules)
        self.units = Units.of(rules, character)
        self.start = origin.start
        self.noise = Noise(seed, rules.symbol)
        self.usual_quote = character.quote_volume / (1440 * character.trades) / self.units.cent
        """Ticks x lots of a usual trade."""
        self._caches = caches or Caches.of()
        self._key = (seed, rules.symbol, origin)
        self._roots = history(origin, character, self.units, self.noise)
        last = self._roots[0].start[-1]
        self.end = int(last) + LENGTHS[0]
        """No trade happens at or after this time."""

    def page(self, interval: Interval, first: int, count: int, now: int) -> Page:
        """Candles number `first` and on, at most `count` and none that opens after `now`.

        The last one may still be running: it holds what was traded up to `now`. A first number
        before the path's own first candle is not allowed.
        """
        now = min(now, self.end - 1)
        count = min(count, interval.number(now) - first + 1)
        if count <= 0:
            none = np.empty(0, np.int64)
            return Page(Candles(np.empty((11, 0), np.int64)), none)
        edges = interval.opens(first, count + 1)
        fold = self._seconds if interval.length == SECOND else self._folded
        return Page(fold(edges, now), edges[1:])

    def trades_between(self, start: int, end: int, now: int) -> Tape:
        """The tape with start <= time < end and time <= now."""
        end = min(end, now + 1, self.end)
        start = max(start, self.start)
        if end <= start:
            return self._no_trades()
        minute = start // MINUTE * MINUTE
        if end <= minute + MINUTE:
            trades = self._minute(minute).tape
        else:
            trades = self._tape(
                self._minutes(lambda candles, length: _overlap(candles, length, start, end))
            )
        first, last = trades.time.searchsorted((start, end))
        return trades.take(slice(first, last))

    def trades_from(self, first_id: int, limit: int, now: int) -> Tape:
        """At most `limit` trades from this id on, none after `now`."""
        end_id = first_id + limit

        def wanted(candles: Candles, length: int) -> Flags:
            del length
            overlapping: Flags = (candles.first_id < end_id) & (candles.end_id() > first_id)
            return overlapping & (candles.start <= now)

        trades = self._tape(self._minutes(wanted))
        first, last = trades.id.searchsorted((first_id, end_id))
        return trades.take(slice(first, min(last, trades.time.searchsorted(now, "right"))))

    def last_trade(self, now: int) -> Tape:
        """The newest trade up to `now`, alone; LookupError before the first one."""
        minute = min(now, self.end - 1) // MINUTE * MINUTE
        for start in (minute, minute - MINUTE):  # every minute has trades
            trades = self.trades_between(start, start + MINUTE, now)
            if len(trades.id):
                return trades.take(slice(-1, None))
        raise LookupError(f"nothing was traded up to {now}")

    def first_reaching(
        self, *, after: int, now: int, at_or_below: int | None, at_or_above: int | None
    ) -> Tape | None:
        """The first trade after that id, up to `now`, at a price (ticks) in either bound; alone."""
        low = -1 if at_or_below is None else at_or_below
        high = np.iinfo(np.int64).max if at_or_above is None else at_or_above

        def search(level: int, candles: Candles) -> Tape | None:
            maybe = (candles.end_id() > after + 1) & (candles.start <= now)
            maybe &= (candles.low <= low) | (candles.high >= high)
            for k in np.flatnonzero(maybe).tolist():
                candle = candles.span(k, k + 1)
                if level < _MINUTES:
                    found = search(level + 1, self._children(candle, level))
                else:
                    found = reaching(self._tape(candle))
                if found is not None:
                    return found
            return None

        def reaching(trades: Tape) -> Tape | None:
            hit = (trades.id > after) & (trades.time <= now)
            hit &= (trades.price <= low) | (trades.price >= high)
            return trades.take(slice(k := int(hit.argmax()), k + 1)) if hit.any() else None

        for level in range(_MINUTES, -1, -1):
            found = search(level, self._roots[level])
            if found is not None:
                return found
        return None

    def _folded(self, edges: Ints, now: int) -> Candles:
        """The candles between these edges from whole candles and from the tape of this minute."""
        minute = now // MINUTE * MINUTE
        parts = []
        if edges[-1] <= minute:
            known = edges.copy()
        else:
            known = np.append(edges[edges < minute], minute)
            parts.append(self._running(minute, now))
        known[0] = max(known[0], self.start)
        if known[-1] > known[0]:
            parts.append(self._cover(known))
        return folded(joined(parts), edges[:-1])

    def _running(self, minute: int, now: int) -> Candles:
        """The minute that is not over yet."""
        candle, trades = self._minute(minute)
        trades = trades.take(slice(trades.time.searchsorted(now, "right")))
        return aggregated(trades, candle.start, int(candle.open[0]), int(candle.first_id[0]))

    def _seconds(self, edges: Ints, now: int) -> Candles:
        """Candles of a second, straight from the tape."""
        start, end = int(edges[0]), int(edges[-1])
        minutes = self._minutes(lambda candles, length: _overlap(candles, length, start, end))
        trades = self._tape(minutes)
        first, last = trades.time.searchsorted((start, min(end, now + 1)))
        price = int(trades.price[first - 1] if first else minutes.open[0])
        trade_id = int(minutes.first_id[0]) + int(first)
        return aggregated(trades.take(slice(first, last)), edges[:-1], price, trade_id)

    def _cover(self, edges: Ints) -> Candles:
        """Candles of any level that fill the time from the first edge to the last.

        Those with an edge inside are split until none is; the edges lie on whole minutes.
        """
        parts = []

        def cut(candles: Candles, length: int) -> Flags:
            within = edges.searchsorted(candles.start + length) > edges.searchsorted(
                candles.start, "right"
            )
            kept = ~within & _overlap(candles, length, int(edges[0]), int(edges[-1]))
            parts.append(candles.take(kept))
            return within

        self._minutes(cut)
        return joined(parts)

    def _minutes(self, wanted: Callable[[Candles, int], Flags]) -> Candles:
        """The one-minute candles that are wanted, as is every candle above them."""
        candles = self._roots[0]
        for level, length in enumerate(LENGTHS):
            candles = candles.take(wanted(candles, length))
            if level < _MINUTES:
                roots = self._roots[level + 1]
                if not candles.count:
                    candles = roots
                else:
                    candles = joined([roots, self._children(candles, level)])
        return candles

    def _children(self, candles: Candles, level: int) -> Candles:
        """The candles one level below; those of one candle alone are worth remembering."""
        if candles.count > 1:
            return split(candles, level + 1, self.noise)
        key = (self._key, level, int(candles.start[0]))
        return self._caches.splits.get(key, lambda: split(candles, level + 1, self.noise))

    def _tape(self, minutes: Candles) -> Tape:
        if not minutes.count:
            return self._no_trades()
        if minutes.count > 1:
            return tape(minutes, self.noise)
        key = (self._key, int(minutes.start[0]))
        return self._caches.minutes.get(
            key, lambda: Minute(minutes, tape(minutes, self.noise))
        ).tape

    def _minute(self, start: int) -> Minute:
        """The minute that opens at `start`, found without a walk where it is remembered."""

        def found() -> Minute:
            candle = self._minutes(
                lambda candles, length: _overlap(candles, length, start, start + MINUTE)
            )
            return Minute(candle, tape(candle, self.noise))

        return self._caches.minutes.get((self._key, start), found)

    @staticmethod
    def _no_trades() -> Tape:
        none = np.empty(0, np.int64)
        return Tape(none, none, none, none, np.empty(0, np.bool_))


def _overlap(candles: Candles, length: int, start: int, end: int) -> Flags:
    overlapping: Flags = (candles.start < end) & (candles.start + length > start)
    return overlapping
