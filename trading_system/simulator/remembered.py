"""A feed that is not asked twice within one second for what every order wants to know.

The book stands still within a second anyway; the average price is that of the last whole second,
as on Binance, where it is told once a second. All else passes through.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from trading_system.simulator.feeds import Feed, KlineRow
from trading_system.simulator.model import Depth, MarketTrade, SymbolRules

_SECOND = 1_000
_MOST = 64  # books of all symbols together would be hundreds of megabytes


class RememberedFeed:
    """Another feed's book and average, each kept until the next second; see feeds.Feed."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._depths: dict[str, tuple[int, Depth]] = {}
        self._quotes: dict[str, tuple[int, Depth]] = {}
        self._averages: dict[tuple[str, int], tuple[int, Decimal]] = {}

    @property
    def symbols(self) -> Mapping[str, SymbolRules]:
        return self._feed.symbols

    def depth(self, symbol: str, *, now: int) -> Depth:
        second = now // _SECOND
        known = self._depths.get(symbol)
        if known is None or known[0] != second:
            if len(self._depths) >= _MOST:
                self._depths.clear()
            known = second, self._feed.depth(symbol, now=now)
            self._depths[symbol] = known
        return known[1]

    def quote(self, symbol: str, *, now: int) -> Depth:
        second = now // _SECOND
        known = self._quotes.get(symbol)
        if known is None or known[0] != second:
            known = second, self._feed.quote(symbol, now=now)
            self._quotes[symbol] = known
        return known[1]

    def average_price(self, symbol: str, *, minutes: int, now: int) -> Decimal:
        second = now // _SECOND
        known = self._averages.get((symbol, minutes))
        if known is None or known[0] != second:
            whole = second * _SECOND
            known = second, self._feed.average_price(symbol, minutes=minutes, now=whole)
            self._averages[symbol, minutes] = known
        return known[1]

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
        return self._feed.klines(
            symbol, interval, start=start, end=end, limit=limit, now=now, utc_offset=utc_offset
        )

    def trades(self, symbol: str, *, start: int, end: int, now: int) -> list[MarketTrade]:
        return self._feed.trades(symbol, start=start, end=end, now=now)

    def trades_from(self, symbol: str, *, first_id: int, limit: int, now: int) -> list[MarketTrade]:
        return self._feed.trades_from(symbol, first_id=first_id, limit=limit, now=now)

    def latest_trades(self, symbol: str, *, limit: int, now: int) -> list[MarketTrade]:
        return self._feed.latest_trades(symbol, limit=limit, now=now)

    def next_trade(
        self,
        symbol: str,
        *,
        after: int,
        now: int,
        at_or_below: Decimal | None,
        at_or_above: Decimal | None,
    ) -> MarketTrade | None:
        return self._feed.next_trade(
            symbol, after=after, now=now, at_or_below=at_or_below, at_or_above=at_or_above
        )

    def last_trade(self, symbol: str, *, now: int) -> MarketTrade:
        return self._feed.last_trade(symbol, now=now)
