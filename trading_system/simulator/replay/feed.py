"""A market that was recorded, and goes on seeded from its last price."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import cast

import numpy as np

from trading_system.simulator.feeds import BOOK_IDS, KlineRow
from trading_system.simulator.model import Depth, Level, MarketTrade, SymbolRules
from trading_system.simulator.replay.candles import History, text, written
from trading_system.simulator.replay.reader import UNIT, Recording, read
from trading_system.simulator.replay.rules import rules_of
from trading_system.simulator.replay.tape import Tape
from trading_system.simulator.seeded.feed import SeededFeed
from trading_system.simulator.seeded.history import Origin
from trading_system.simulator.seeded.intervals import SECOND, Interval
from trading_system.simulator.seeded.levels import DAY, MINUTE

_LEVELS = 100


class ReplayFeed:
    """Recorded candles as feeds.Feed: holes stay holes, nothing before the first candle.

    A recorded candle is told once it has closed. After the last one a seeded path goes on from its
    close. Of a recording of OHLCV alone the tape sums to the candles exactly, quote volume included
    to the last 10^-8; of one with all columns in open, high, low, close and volume.
    """

    def __init__(self, recordings: Iterable[Recording], *, seed: int) -> None:
        self._histories = {each.symbol: History(each) for each in recordings}
        self._rules = {
            symbol: rules_of(symbol, each.values[:, :4], each.values[:, 4])
            for symbol, each in self._histories.items()
        }
        self._after = SeededFeed(
            seed,
            self._rules,
            origins={
                symbol: Origin(each.end, _ticks(each, self._rules[symbol]), each.next_id)
                for symbol, each in self._histories.items()
            },
        )

    @classmethod
    def from_paths(cls, paths: Iterable[Path], *, seed: int, shift: bool, now: int) -> ReplayFeed:
        """Read files or folders; raises ValueError.

        `shift` moves all of them by one whole number of days, so that the latest recorded candle
        closes within the day before `now`: the hour of the day stays what it was.
        """
        recordings = read(paths)
        if shift:
            latest = max(History(each).end for each in recordings)
            days = (now - latest) // DAY * DAY
            recordings = [each._replace(times=each.times + days) for each in recordings]
        return cls(recordings, seed=seed)

    @property
    def symbols(self) -> Mapping[str, SymbolRules]:
        return self._rules

    def klines(
        self,
        symbol: str,
        interval: str,
        *,
        start: int | None,
        end: int | None,
        limit: int,
        now: int,
        utc_offset: int = 0,
    ) -> list[KlineRow]:
        """As feeds.Feed has it; KeyError for an unknown symbol or interval."""
        history, grid = self._histories[symbol], Interval.named(interval, utc_offset)
        times, values = history.page(interval, utc_offset, now)
        first = 0 if start is None else int(np.searchsorted(times, start))
        past = len(times) if end is None else int(np.searchsorted(times, end, side="right"))
        later = self._later(symbol, interval, start, end, limit, now, utc_offset)
        if start is None:
            first = max(first, past - limit)
        else:
            past = min(past, first + limit)
        rows = _joined(written(times[first:past], values[first:past], grid), later)
        return rows[-limit:] if start is None else rows[:limit]

    def _later(  # noqa: PLR0917 -- the question, passed on
        self,
        symbol: str,
        interval: str,
        start: int | None,
        end: int | None,
        limit: int,
        now: int,
        utc_offset: int,
    ) -> list[KlineRow]:
        """The rows of the seeded path; its first candle may be the rest of a recorded one."""
        history = self._histories[symbol]
        if now < history.end or (end is not None and end < history.end - DAY * 31):
            return []
        rows = self._after.klines(
            symbol,
            interval,
            start=start,
            end=end,
            limit=limit,
            now=now,
            utc_offset=utc_offset,
        )
        return [row for row in rows if end is None or cast("int", row[0]) <= end]

    def trades(self, symbol: str, *, start: int, end: int, now: int) -> list[MarketTrade]:
        history = self._histories[symbol]
        first = int(np.searchsorted(history.times, start - history.length, side="right"))
        past = min(int(np.searchsorted(history.times, end)), history.closed(now))
        found = [each for each in _told(history.tape(first, past)) if start <= each.time < end]
        if end > history.end:
            found += self._after.trades(symbol, start=start, end=end, now=now)
        return found

    def trades_from(self, symbol: str, *, first_id: int, limit: int, now: int) -> list[MarketTrade]:
        history = self._histories[symbol]
        found: list[MarketTrade] = []
        if first_id < history.next_id:
            first = max(0, int(np.searchsorted(history.ids, first_id, side="right")) - 1)
            past = min(first + limit + 1, history.closed(now))
            recorded = (each for each in _told(history.tape(first, past)) if each.id >= first_id)
            found = list(islice(recorded, limit))
        if len(found) < limit and now >= history.end:
            rest = max(first_id, history.next_id)
            left = limit - len(found)
            found += self._after.trades_from(symbol, first_id=rest, limit=left, now=now)
        return found

    def latest_trades(self, symbol: str, *, limit: int, now: int) -> list[MarketTrade]:
        last = self.last_trade(symbol, now=now)
        return self.trades_from(symbol, first_id=max(1, last.id - limit + 1), limit=limit, now=now)

    def next_trade(
        self,
        symbol: str,
        *,
        after: int,
        now: int,
        at_or_below: Decimal | None,
        at_or_above: Decimal | None,
    ) -> MarketTrade | None:
        history = self._histories[symbol]
        if after < history.next_id - 1:
            found = history.first_reaching(after, now, _units(at_or_below), _units(at_or_above))
            if found is not None:
                return _told(found)[0]
        if now < history.end:
            return None
        return self._after.next_trade(
            symbol,
            after=max(after, history.next_id - 1),
            now=now,
            at_or_below=at_or_below,
            at_or_above=at_or_above,
        )

    def last_trade(self, symbol: str, *, now: int) -> MarketTrade:
        """The newest trade; LookupError before the first recorded candle has closed."""
        history = self._histories[symbol]
        if now > history.end:
            try:
                return self._after.last_trade(symbol, now=now)
            except LookupError:
                pass  # the seeded path has only just begun
        closed = history.closed(now)
        if not closed:
            raise LookupError(f"nothing of {symbol} is recorded before {now}")
        id_before = history.ids[closed]
        first = int(np.searchsorted(history.ids, id_before)) - 1
        return _told(history.tape(max(first, 0), closed))[-1]

    def average_price(self, symbol: str, *, minutes: int, now: int) -> Decimal:
        found = self.trades(symbol, start=now - minutes * MINUTE + 1, end=now + 1, now=now)
        volume = sum((each.quantity for each in found), Decimal(0))
        if not volume:
            return self.last_trade(symbol, now=now).price
        amount = sum((each.price * each.quantity for each in found), Decimal(0))
        return (amount / volume).quantize(Decimal("1e-8"))

    def depth(self, symbol: str, *, now: int) -> Depth:
        second = now // SECOND
        if second * SECOND > self._histories[symbol].end:
            try:
                return self._after.depth(symbol, now=now)
            except LookupError:
                pass  # the seeded path has only just begun
        return _book(self._rules[symbol], self.last_trade(symbol, now=second * SECOND), second)

    def quote(self, symbol: str, *, now: int) -> Depth:
        if now // SECOND * SECOND > self._histories[symbol].end:
            try:
                return self._after.quote(symbol, now=now)
            except LookupError:
                pass
        depth = self.depth(symbol, now=now)
        return Depth(depth.last_update_id, depth.bids[:1], depth.asks[:1])


def _ticks(history: History, rules: SymbolRules) -> int:
    return int(Decimal(text(history.last_close)) / rules.tick_size)


def _units(price: Decimal | None) -> int | None:
    return None if price is None else int(price * UNIT)


def _told(trades: Tape) -> list[MarketTrade]:
    return [
        MarketTrade(number, Decimal(text(price)), Decimal(text(quantity)), time, bool(maker))
        for number, time, price, quantity, maker in zip(
            *(column.tolist() for column in trades), strict=True
        )
    ]


def _joined(recorded: list[KlineRow], seeded: list[KlineRow]) -> list[KlineRow]:
    """Both, one after the other; a candle that both have a part of is made one."""
    if not recorded or not seeded or recorded[-1][0] != seeded[0][0]:
        return recorded + seeded
    before, after = recorded[-1], seeded[0]
    sums = [
        cast("int", before[8]) + cast("int", after[8]) if place == 8 else _sum(before, after, place)  # noqa: PLR2004 -- the wire's place for the count of trades
        for place in (5, 7, 8, 9, 10)
    ]
    high = max(before[2], after[2], key=_decimal)
    low = min(before[3], after[3], key=_decimal)
    one = [before[0], before[1], high, low, after[4], sums[0], after[6], *sums[1:], "0"]
    return [*recorded[:-1], one, *seeded[1:]]


def _sum(before: KlineRow, after: KlineRow, place: int) -> str:
    return f"{_decimal(before[place]) + _decimal(after[place]):.8f}"


def _decimal(value: object) -> Decimal:
    return Decimal(str(value))


def _book(rules: SymbolRules, last: MarketTrade, second: int) -> Depth:
    """A plain book of a hundred levels a side, one tick apart, sized after the last trade."""
    size = max(last.quantity // rules.step_size, Decimal(1)) * rules.step_size
    above = last.price if not last.buyer_is_maker else last.price + rules.tick_size
    asks = [
        Level(above + rules.tick_size * place, size * (1 + place % 7)) for place in range(_LEVELS)
    ]
    bids = [
        Level(above - rules.tick_size * (place + 1), size * (1 + place % 5))
        for place in range(_LEVELS)
        if above > rules.tick_size * (place + 1)
    ]
    return Depth(second * BOOK_IDS, bids, asks)
