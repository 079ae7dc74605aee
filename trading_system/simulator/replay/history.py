"""One symbol's recorded past as a pure function of time; nothing after its end is known here."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from trading_system.simulator.feeds import KlineRow
from trading_system.simulator.replay.assembly import Assembled
from trading_system.simulator.replay.candles import Candles, Scale, folded
from trading_system.simulator.replay.digits import written
from trading_system.simulator.replay.tape import Tape, tape
from trading_system.simulator.seeded.intervals import Interval
from trading_system.simulator.seeded.noise import Ints
from trading_system.simulator.seeded.store import Store

_FOLDS = 32  # intervals kept, each no larger than the recording
_MINUTE, _DAY = 60_000, 86_400_000
_BUSY = 100  # trades in a minute that size the book; the tape has far fewer and larger ones


class Window(NamedTuple):
    """Which candles are asked for, as in feeds.Feed.klines."""

    start: int | None
    end: int | None
    limit: int


class History:
    """Candles of `length` ms, all closed, and the tape they stand for."""

    def __init__(self, recorded: Assembled, length: int) -> None:
        self.rules = recorded.rules
        self.scale: Scale = recorded.scale
        self.length = length
        self._candles = recorded.candles
        self._folds: Store[Candles] = Store(_FOLDS)
        minutes = self._candles.size * length / _MINUTE
        self.usual = float(self._candles.volume.sum(dtype=np.float64)) / minutes / _BUSY
        """Lots of a usual trade."""
        self.start = int(self._candles.start[0])
        self.end = int(self._candles.start[-1]) + length
        """No candle is known from here on."""
        self.last_close = int(self._candles.close[-1])
        last = tape(self._candles.part(-1), length)
        self.next_id = int(self._candles.first_id[-1]) + len(last.id)
        """The id of the first trade after the recording."""

    def rows(self, interval: Interval, window: Window, now: int) -> list[KlineRow]:
        """Candles as on the wire; none for intervals that are not made of whole recorded ones."""
        if not _fits(self.length, interval):
            return []
        candles = _page(self._known(interval, now), window)
        closes = _opens(interval, candles.start, following=1) - 1
        texts = [
            *(written(column, self.scale.price) for column in candles[1:5]),
            written(candles.volume, self.scale.volume),
            written(candles.quote, self.scale.quote),
            written(candles.taker_volume, self.scale.volume),
            written(candles.taker_quote, self.scale.quote),
        ]
        opened, high, low, close, volume, quote, bought, paid = texts
        columns = (
            *(candles.start.tolist(), opened, high, low, close, volume, closes.tolist()),
            *(quote, candles.trades.tolist(), bought, paid, ["0"] * candles.size),
        )
        return list(map(list, zip(*columns, strict=True)))

    def trades_between(self, start: int, end: int, now: int) -> Tape:
        """The tape with start <= time < end and time <= now."""
        end = max(start, min(end, now + 1))
        first, last = self._candles.start.searchsorted((start - self.length, end))
        trades = self._tape(first, last)
        return trades.part(*trades.time.searchsorted((start, end)))

    def trades_from(self, first_id: int, limit: int, now: int) -> Tape:
        """At most `limit` trades from this id on, none after `now`."""
        ids = self._candles.first_id
        first = max(0, int(ids.searchsorted(first_id, "right")) - 1)
        last = min(int(ids.searchsorted(first_id + limit)), self._begun(now))
        trades = self._tape(first, max(first, last))
        found = trades.part(*trades.id.searchsorted((first_id, first_id + limit)))
        return found.part(0, int(found.time.searchsorted(now, "right")))

    def last_trade(self, now: int) -> Tape:
        """The newest trade up to `now`, alone; LookupError before the first one."""
        begun = self._begun(now)
        if begun:
            trades = self._tape(begun - 1, begun)
            before = int(trades.time.searchsorted(now, "right"))
            if before:
                return trades.part(before - 1, before)
            last_id = int(self._candles.first_id[begun - 1]) - 1
            if last_id >= self._candles.first_id[0]:
                return self.trades_from(last_id, 1, now)
        raise LookupError(f"nothing was traded up to {now}")

    def first_reaching(
        self, *, after: int, now: int, at_or_below: int | None, at_or_above: int | None
    ) -> Tape | None:
        """The first trade after that id, up to `now`, at a price in either bound; alone."""
        low = -1 if at_or_below is None else at_or_below
        high = np.iinfo(np.int64).max if at_or_above is None else at_or_above
        first = max(0, int(self._candles.first_id.searchsorted(after, "right")) - 1)
        some = self._candles.part(first, self._begun(now))
        maybe = ((some.low <= low) | (some.high >= high)) & (some.volume > 0)
        for number in np.flatnonzero(maybe).tolist():
            trades = self._tape(first + number, first + number + 1)
            hit = (trades.id > after) & (trades.time <= now)
            hit &= (trades.price <= low) | (trades.price >= high)
            if hit.any():
                return trades.part(found := int(hit.argmax()), found + 1)
        return None

    def _begun(self, now: int) -> int:
        """How many candles have opened."""
        return int(self._candles.start.searchsorted(now, "right"))

    def _tape(self, first: int, last: int) -> Tape:
        return tape(self._candles.part(first, last), self.length)

    def _known(self, interval: Interval, now: int) -> Candles:
        """The interval's candles as far as they are known at this time."""
        whole = self._folds.get(interval, lambda: self._fold(self._candles, interval))
        if now >= self.end:
            return whole
        opening = int(_opens(interval, np.array([now]))[0])
        first = int(self._candles.start.searchsorted(opening))
        closed = max(first, int(self._candles.start.searchsorted(now - self.length, "right")))
        rest = self._candles.part(first, closed)
        if self._begun(now) > closed:
            rest = rest.followed_by(self._running(closed, now))
        done = whole.part(0, int(whole.start.searchsorted(opening)))
        return done.followed_by(self._fold(rest, interval))

    @staticmethod
    def _fold(candles: Candles, interval: Interval) -> Candles:
        opens = _opens(interval, candles.start)
        return candles if (opens == candles.start).all() else folded(candles, opens)

    def _running(self, number: int, now: int) -> Candles:
        """The candle that is not over yet; flat where the last one closed, until it has a trade."""
        candle = self._candles.part(number, number + 1)
        trades = self._tape(number, number + 1)
        trades = trades.part(0, int(trades.time.searchsorted(now, "right")))
        if not len(trades.id):
            if number == 0:
                return candle.part(0, 0)
            still = self._candles.close[number - 1 : number]
            none = np.zeros(1, np.int64)
            return Candles(candle.start, *(still,) * 4, *(none,) * 5, candle.first_id)
        amounts = trades.price * trades.quantity
        return Candles(
            start=candle.start,
            open=trades.price[:1],
            high=trades.price.max(keepdims=True),
            low=trades.price.min(keepdims=True),
            close=trades.price[-1:],
            volume=trades.quantity.sum(keepdims=True),
            quote=amounts.sum(keepdims=True),
            trades=np.array([len(trades.id)]),
            taker_volume=(trades.quantity * trades.taker_buys).sum(keepdims=True),
            taker_quote=(amounts * trades.taker_buys).sum(keepdims=True),
            first_id=candle.first_id,
        )


def _fits(length: int, interval: Interval) -> bool:
    """Whether the interval is made of whole candles of this length."""
    return not (interval.length or _DAY) % length


def _opens(interval: Interval, times: Ints, *, following: int = 0) -> Ints:
    """When the candles open that hold these times, or so many candles later."""
    if interval.length:
        numbers = (times - interval.origin) // interval.length + following
        return numbers * interval.length + interval.origin
    months = (times - interval.origin).astype("datetime64[ms]").astype("datetime64[M]") + following
    return months.astype("datetime64[ms]").astype(np.int64) + interval.origin


def _page(candles: Candles, window: Window) -> Candles:
    first = 0 if window.start is None else int(candles.start.searchsorted(window.start))
    last = candles.size
    if window.end is not None:
        last = int(candles.start.searchsorted(window.end, "right"))
    if window.start is None:
        first = max(0, last - window.limit)
    return candles.part(first, max(first, min(last, first + window.limit)))
