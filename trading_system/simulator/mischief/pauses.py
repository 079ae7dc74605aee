"""A market that stood still for a while: as if nothing had been traded in those times, for good.

Trades of a pause are taken out of the tape and the ids of later ones move up, so that they have no
gap. Candles that lie within a pause are missing, those at its edges are made of what is left. No
journal keeps pauses: after a restart there were none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import NamedTuple

from trading_system.simulator.feeds import Feed, KlineRow
from trading_system.simulator.mischief import candles
from trading_system.simulator.mischief.spans import Span
from trading_system.simulator.model import Depth, MarketTrade, SymbolRules

_MINUTE = 60_000
_FOREVER = 1 << 62
_CENT = Decimal("1e-8")
_OF_TRADES = {"1s", "1m"}
_OF_MINUTES = {"3m", "5m", "15m", "30m", "1h"}
_OF_HOURS = {"2h", "4h", "6h", "8h", "12h", "1d"}
_MOST_PARTS = 60


class Pause(NamedTuple):
    """No trade in `span`: the feed's ids from `first` up to before `after` are left out."""

    span: Span
    first: int
    after: int


class PausedFeed:
    """Another feed with pauses in it; see feeds.Feed. Nobody pays for it before the first one."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._halts: dict[str, tuple[str, Span]] = {}
        self._pauses: dict[str, list[Pause]] = {}

    def halt(self, id_: str, target: str, now: int) -> None:
        """From now on nothing is traded in the symbols of this glob."""
        self._halts[id_] = target, Span(now + 1, _FOREVER)
        self._pauses.clear()

    def resume(self, id_: str, now: int) -> None:
        """They are traded again."""
        target, span = self._halts[id_]
        self._halts[id_] = target, span._replace(end=max(now + 1, span.start))
        self._pauses.clear()

    @property
    def symbols(self) -> Mapping[str, SymbolRules]:
        return self._feed.symbols

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
        pauses, now = self._at(symbol, now)

        def ask(start: int | None, end: int | None, limit: int) -> list[KlineRow]:
            return self._feed.klines(
                symbol,
                interval,
                start=start,
                end=end,
                limit=limit,
                now=now,
                utc_offset=utc_offset,
            )

        def change(row: KlineRow) -> KlineRow | None:
            first, last = candles.times(row)
            if not any(pause.span.meets(first, last) for pause in pauses):
                return row
            if interval in _OF_TRADES:
                left = self.trades(symbol, start=first, end=last + 1, now=now)
                return candles.of_trades(row, left)
            parts = self.klines(
                symbol,
                _shorter(interval),
                start=first,
                end=last,
                limit=_MOST_PARTS,
                now=now,
                utc_offset=utc_offset,
            )
            return candles.of_rows(row, parts)

        if not pauses:
            return ask(start, end, limit)
        return candles.page(ask, change, start=start, end=end, limit=limit)

    def trades(self, symbol: str, *, start: int, end: int, now: int) -> list[MarketTrade]:
        pauses, now = self._at(symbol, now)
        return _told(self._feed.trades(symbol, start=start, end=end, now=now), pauses)

    def trades_from(self, symbol: str, *, first_id: int, limit: int, now: int) -> list[MarketTrade]:
        pauses, now = self._at(symbol, now)
        found: list[MarketTrade] = []
        while len(found) < limit:
            left, first = limit - len(found), _feed_id(first_id + len(found), pauses)
            more = self._feed.trades_from(symbol, first_id=first, limit=left, now=now)
            told = _told(more, pauses)
            found += told
            if not told:
                break
        return found

    def latest_trades(self, symbol: str, *, limit: int, now: int) -> list[MarketTrade]:
        pauses, now = self._at(symbol, now)
        if not pauses:
            return self._feed.latest_trades(symbol, limit=limit, now=now)
        first = max(1, self.last_trade(symbol, now=now).id - limit + 1)
        return self.trades_from(symbol, first_id=first, limit=limit, now=now)

    def next_trade(
        self,
        symbol: str,
        *,
        after: int,
        now: int,
        at_or_below: Decimal | None,
        at_or_above: Decimal | None,
    ) -> MarketTrade | None:
        pauses, now = self._at(symbol, now)
        after = _feed_id(after + 1, pauses) - 1
        while True:
            found = self._feed.next_trade(
                symbol, after=after, now=now, at_or_below=at_or_below, at_or_above=at_or_above
            )
            if found is None:
                return None
            if told := _told([found], pauses):
                return told[0]
            after = max(pause.after for pause in pauses if pause.first <= found.id) - 1

    def last_trade(self, symbol: str, *, now: int) -> MarketTrade:
        pauses, now = self._at(symbol, now)
        last = self._feed.last_trade(symbol, now=now)
        for pause in reversed(pauses):
            if pause.first <= last.id < pause.after:  # nothing was traded since it ended
                last = self._feed.last_trade(symbol, now=pause.span.start - 1)
        return _renumbered(last, pauses)

    def average_price(self, symbol: str, *, minutes: int, now: int) -> Decimal:
        pauses, now = self._at(symbol, now)
        first = now - minutes * _MINUTE + 1
        if not any(pause.span.meets(first, now) for pause in pauses):
            return self._feed.average_price(symbol, minutes=minutes, now=now)
        trades = self.trades(symbol, start=first, end=now + 1, now=now)
        volume = sum((trade.quantity for trade in trades), Decimal(0))
        if not volume:
            return self.last_trade(symbol, now=now).price
        quote = sum((trade.quantity * trade.price for trade in trades), Decimal(0))
        return (quote / volume).quantize(_CENT)

    def depth(self, symbol: str, *, now: int) -> Depth:
        return self._feed.depth(symbol, now=self._at(symbol, now)[1])

    def quote(self, symbol: str, *, now: int) -> Depth:
        return self._feed.quote(symbol, now=self._at(symbol, now)[1])

    def _at(self, symbol: str, now: int) -> tuple[list[Pause], int]:
        """The pauses of a symbol, ascending; and the last moment up to `now` that was in none."""
        if not self._halts:
            return [], now
        pauses = self._pauses.get(symbol)
        if pauses is None:
            pauses = self._pauses[symbol] = [self._pause(symbol, s) for s in self._spans(symbol)]
        for pause in pauses:
            if pause.span.has(now):
                return pauses, pause.span.start - 1
        return pauses, now

    def _spans(self, symbol: str) -> list[Span]:
        """When it stood still; spans that meet are one."""
        joined: list[Span] = []
        for span in sorted(
            span for target, span in self._halts.values() if fnmatchcase(symbol, target)
        ):
            if joined and span.start <= joined[-1].end:
                joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
            else:
                joined.append(span)
        return joined

    def _pause(self, symbol: str, span: Span) -> Pause:
        first = self._feed.last_trade(symbol, now=span.start - 1).id + 1
        if span.end == _FOREVER:
            return Pause(span, first, _FOREVER)
        return Pause(span, first, self._feed.last_trade(symbol, now=span.end - 1).id + 1)


def _feed_id(id_: int, pauses: Iterable[Pause]) -> int:
    """The feed's id of a trade that is told with this one."""
    for pause in pauses:
        if id_ >= pause.first and pause.after != _FOREVER:
            id_ += pause.after - pause.first
    return id_


def _renumbered(trade: MarketTrade, pauses: Iterable[Pause]) -> MarketTrade:
    gone = sum(pause.after - pause.first for pause in pauses if pause.after <= trade.id)
    return trade._replace(id=trade.id - gone)


def _told(trades: Iterable[MarketTrade], pauses: Iterable[Pause]) -> list[MarketTrade]:
    """Those outside of every pause, by the ids they are told with."""
    return [
        _renumbered(trade, pauses)
        for trade in trades
        if not any(pause.first <= trade.id < pause.after for pause in pauses)
    ]


def _shorter(interval: str) -> str:
    """The interval that candles of this one are put together of."""
    if interval in _OF_MINUTES:
        return "1m"
    return "1h" if interval in _OF_HOURS else "1d"
