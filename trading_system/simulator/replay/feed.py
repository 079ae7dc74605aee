"""A market that was recorded, and goes on seeded from its last price."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import cast

import numpy as np

from trading_system.simulator.feeds import KlineRow
from trading_system.simulator.model import Depth, MarketTrade, SymbolRules
from trading_system.simulator.replay.candles import written
from trading_system.simulator.replay.past import Past
from trading_system.simulator.replay.reader import UNIT
from trading_system.simulator.seeded.feed import SeededFeed
from trading_system.simulator.seeded.history import Origin
from trading_system.simulator.seeded.intervals import SECOND, Interval
from trading_system.simulator.seeded.levels import DAY, MINUTE


class ReplayFeed:
    """What was recorded as feeds.Feed: holes stay holes, nothing before the recording.

    After the end of it a seeded path goes on from the last price.
    """

    def __init__(self, pasts: Iterable[Past], *, seed: int) -> None:
        self._pasts = {each.rules.symbol: each for each in pasts}
        self._rules = {symbol: each.rules for symbol, each in self._pasts.items()}
        self._after = SeededFeed(
            seed,
            self._rules,
            origins={symbol: _origin(each) for symbol, each in self._pasts.items()},
        )

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
        past, grid = self._pasts[symbol], Interval.named(interval, utc_offset)
        times, values = past.page(interval, utc_offset, now)
        first = 0 if start is None else int(np.searchsorted(times, start))
        until = len(times) if end is None else int(np.searchsorted(times, end, side="right"))
        later = self._later(symbol, interval, start, end, limit, now, utc_offset)
        if start is None:
            first = max(first, until - limit)
        else:
            until = min(until, first + limit)
        rows = _joined(written(times[first:until], values[first:until], grid), later)
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
        origin = self._pasts[symbol].end
        if now < origin or (end is not None and end < origin - DAY * 31):
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
        past = self._pasts[symbol]
        found = past.between(start, end, now).told()
        if end > past.end:
            found += self._after.trades(symbol, start=start, end=end, now=now)
        return found

    def trades_from(self, symbol: str, *, first_id: int, limit: int, now: int) -> list[MarketTrade]:
        past = self._pasts[symbol]
        found: list[MarketTrade] = []
        if first_id < past.next_id:
            found = past.from_id(first_id, limit, now).told()
        if len(found) < limit and now >= past.end:
            rest = max(first_id, past.next_id)
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
        past = self._pasts[symbol]
        if after < past.next_id - 1:
            found = past.first_reaching(after, now, _units(at_or_below), _units(at_or_above))
            if found is not None:
                return found.told()[0]
        if now < past.end:
            return None
        return self._after.next_trade(
            symbol,
            after=max(after, past.next_id - 1),
            now=now,
            at_or_below=at_or_below,
            at_or_above=at_or_above,
        )

    def last_trade(self, symbol: str, *, now: int) -> MarketTrade:
        """The newest trade; LookupError before there is one."""
        past = self._pasts[symbol]
        if now > past.end:
            try:
                return self._after.last_trade(symbol, now=now)
            except LookupError:
                pass  # the seeded path has only just begun
        return past.last_trade(now)

    def average_price(self, symbol: str, *, minutes: int, now: int) -> Decimal:
        found = self.trades(symbol, start=now - minutes * MINUTE + 1, end=now + 1, now=now)
        volume = sum((each.quantity for each in found), Decimal(0))
        if not volume:
            return self.last_trade(symbol, now=now).price
        amount = sum((each.price * each.quantity for each in found), Decimal(0))
        return (amount / volume).quantize(Decimal("1e-8"))

    def depth(self, symbol: str, *, now: int) -> Depth:
        past = self._pasts[symbol]
        if now // SECOND * SECOND > past.end:
            try:
                return self._after.depth(symbol, now=now)
            except LookupError:
                pass
        return past.depth(now)

    def quote(self, symbol: str, *, now: int) -> Depth:
        past = self._pasts[symbol]
        if now // SECOND * SECOND > past.end:
            try:
                return self._after.quote(symbol, now=now)
            except LookupError:
                pass
        return past.quote(now)


def _origin(past: Past) -> Origin:
    return Origin(past.end, int(past.last_price / past.rules.tick_size), past.next_id)


def _units(price: Decimal | None) -> int | None:
    return None if price is None else int(price * UNIT)


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
