"""The market as it is shown: what is listed, which candles are missing and which have changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import NamedTuple

from trading_system.simulator.feeds import Feed, KlineRow
from trading_system.simulator.mischief import candles
from trading_system.simulator.mischief.market import Delisted, Halt, Hole, Rewritten, span
from trading_system.simulator.mischief.pauses import PausedFeed
from trading_system.simulator.mischief.spans import Span
from trading_system.simulator.model import Depth, MarketTrade, SymbolRules

MarketEffect = Halt | Delisted | Hole | Rewritten


class _Change(NamedTuple):
    """What becomes of the candles within `span` of the symbols of a glob."""

    target: str
    span: Span
    effect: Hole | Rewritten


class ShownFeed:
    """Another feed as rules change it, from `begin` to `end`; see feeds.Feed."""

    def __init__(self, feed: Feed) -> None:
        self._feed = PausedFeed(feed)
        self._symbols = feed.symbols
        self._halted: dict[str, str] = {}
        self._delisted: dict[str, str] = {}
        self._changes: dict[str, _Change] = {}

    def begin(self, id_: str, effect: MarketEffect, target: str, now: int) -> None:
        """Do this to the symbols of a glob, from now on."""
        match effect:
            case Halt():
                self._halted[id_] = target
                self._feed.halt(id_, target, now)
            case Delisted():
                self._delisted[id_] = target
            case Hole() | Rewritten():
                when = span(effect.minutes, effect.start, now=now)
                self._changes[id_] = _Change(target, when, effect)
        self._list()

    def end(self, id_: str, now: int) -> None:
        """Do it no longer."""
        self._changes.pop(id_, None)
        self._delisted.pop(id_, None)
        if self._halted.pop(id_, None) is not None:
            self._feed.resume(id_, now)
        self._list()

    def hides(self, symbol: str) -> bool:
        """It exists and is not listed now."""
        return bool(self._delisted) and _any(symbol, self._delisted)

    @property
    def symbols(self) -> Mapping[str, SymbolRules]:
        """Another object whenever something about it has changed."""
        return self._symbols

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
        changes = [c for c in self._changes.values() if fnmatchcase(symbol, c.target)]

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
            tick = self._feed.symbols[symbol].tick_size
            for each in changes:
                if not each.span.covers(*candles.times(row)):
                    continue
                if isinstance(each.effect, Hole):
                    return None
                row = candles.rewritten(row, each.effect.what, each.effect.factor, tick)
            return row

        if not changes:
            return ask(start, end, limit)
        return candles.page(ask, change, start=start, end=end, limit=limit)

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

    def average_price(self, symbol: str, *, minutes: int, now: int) -> Decimal:
        return self._feed.average_price(symbol, minutes=minutes, now=now)

    def depth(self, symbol: str, *, now: int) -> Depth:
        return self._feed.depth(symbol, now=now)

    def quote(self, symbol: str, *, now: int) -> Depth:
        return self._feed.quote(symbol, now=now)

    def _list(self) -> None:
        everything = self._feed.symbols
        if not self._halted and not self._delisted:
            self._symbols = everything
            return
        self._symbols = {
            symbol: replace(rules, status="HALT") if _any(symbol, self._halted) else rules
            for symbol, rules in everything.items()
            if not self.hides(symbol)
        }


def _any(symbol: str, targets: Mapping[str, str]) -> bool:
    return any(fnmatchcase(symbol, target) for target in targets.values())
