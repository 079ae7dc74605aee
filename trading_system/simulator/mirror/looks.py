"""What the venue saw of a market that is no function of time: written down, and shown again.

A command is judged and carried out by what the market told at that moment, so that is kept with it.
Of a book only the levels that were looked at are kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

from trading_system.simulator.command_file import CommandLogError
from trading_system.simulator.feeds import Feed, KlineRow
from trading_system.simulator.mirror import listing
from trading_system.simulator.model import Depth, Level, MarketTrade, SymbolRules

Seen = dict[str, dict[str, Any]]
"""By symbol: what was looked at, as plain values for JSON."""

RULES, LAST, AVERAGE, BOOK, TRADES = "rules", "last", "average", "book", "trades"


class _Walked(list[Level]):
    """Levels of a book that know how far down somebody has looked."""

    seen = 0

    def __iter__(self) -> Iterator[Level]:
        for place, level in enumerate(super().__iter__(), start=1):
            self.seen = max(self.seen, place)
            yield level


class Looks:
    """A feed between the venue and a mirrored one; see feeds.Feed.

    What is looked at while `watching` is given by `take`; `show` what was taken, and the venue sees
    that again until `live`.
    """

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._showing = False
        self._watching = False
        self._seen: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        self._books: dict[str, Depth] = {}
        self._shown: dict[str, dict[str, Any]] = {}
        self._rules: dict[str, SymbolRules] = {}
        """As they were last kept."""
        self._listed: tuple[Mapping[str, SymbolRules], Mapping[str, SymbolRules]] | None = None
        self.last_ids: dict[str, int] = {}
        """The newest trade that is known to have been shown to the venue, by symbol."""

    @property
    def symbols(self) -> Mapping[str, SymbolRules]:
        """What is listed; what was traded here and is listed no more is known, but closed."""
        if self._showing:
            return self._rules
        listed = self._feed.symbols
        if self._listed is None or self._listed[0] is not listed:
            gone = {
                name: replace(rules, status="BREAK")
                for name, rules in self._rules.items()
                if name not in listed
            }
            self._listed = listed, {**listed, **gone} if gone else listed
        return self._listed[1]

    @contextmanager
    def watching(self) -> Iterator[None]:
        """What is looked at within the block belongs together and is all of one moment."""
        self._seen.clear()
        self._books.clear()
        self._watching = True
        try:
            yield
        finally:
            self._watching = False

    @property
    def moved(self) -> bool:
        """Whether trades of the market met orders when it was last watched."""
        return any(TRADES in looks for looks in self._seen.values())

    def take(self) -> Seen:
        """What was looked at last."""
        for symbol, (number, bids, asks) in self._books.items():
            self._seen[symbol][BOOK] = [number, _walked(bids), _walked(asks)]
        for symbol, looks in self._seen.items():
            self._keep_rules(symbol, looks)
        return dict(self._seen)

    def show(self, seen: Mapping[str, Mapping[str, Any]]) -> None:
        """Have the venue see this again; KeyError, ValueError or the like for what is no look."""
        self._showing = True
        self._shown = {symbol: dict(looks) for symbol, looks in seen.items()}
        for symbol, looks in self._shown.items():
            if RULES in looks:
                self._rules[symbol] = listing.decode(looks[RULES])
            looks[TRADES] = [_trade(each) for each in reversed(looks.get(TRADES, ()))]

    def live(self) -> None:
        """Have the venue see what is there now."""
        self._showing = False

    def next_trade(
        self,
        symbol: str,
        *,
        after: int,
        now: int,
        at_or_below: Decimal | None,
        at_or_above: Decimal | None,
    ) -> MarketTrade | None:
        if self._showing:
            coming = self._shown.get(symbol, {}).get(TRADES)
            found = coming.pop() if coming else None
        else:
            found = self._feed.next_trade(
                symbol, after=after, now=now, at_or_below=at_or_below, at_or_above=at_or_above
            )
            if found is not None:
                self._seen[symbol].setdefault(TRADES, []).append(list(found))
        if found is not None:
            self.last_ids[symbol] = found.id
        return found

    def last_trade(self, symbol: str, *, now: int) -> MarketTrade:
        if self._showing:
            last = _trade(self._look(symbol, LAST))
            self.last_ids[symbol] = last.id
            return last
        last = self._feed.last_trade(symbol, now=now)
        if self._watching:
            self._seen[symbol][LAST] = list(last)
        return last

    def average_price(self, symbol: str, *, minutes: int, now: int) -> Decimal:
        if self._showing:
            return Decimal(self._look(symbol, AVERAGE)[str(minutes)])
        average = self._feed.average_price(symbol, minutes=minutes, now=now)
        if self._watching:
            self._seen[symbol].setdefault(AVERAGE, {})[str(minutes)] = str(average)
        return average

    def depth(self, symbol: str, *, now: int) -> Depth:
        if self._showing:
            number, bids, asks = self._look(symbol, BOOK)
            return Depth(number, _levels(bids), _levels(asks))
        if not self._watching:
            return self._feed.depth(symbol, now=now)
        if symbol not in self._books:
            number, bids, asks = self._feed.depth(symbol, now=now)
            self._books[symbol] = Depth(number, _Walked(bids), _Walked(asks))
        return self._books[symbol]

    def quote(self, symbol: str, *, now: int) -> Depth:
        return self._feed.quote(symbol, now=now)

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

    def _look(self, symbol: str, what: str) -> Any:
        try:
            return self._shown[symbol][what]
        except KeyError:
            raise CommandLogError(
                f"a kept command looks at another part of the market today ({symbol}, {what}): "
                "the exchange has changed. Remove or rename its journal to begin anew."
            ) from None

    def _keep_rules(self, symbol: str, looks: dict[str, Any]) -> None:
        """Keep with it under which rules it was judged, where they are others than before."""
        rules = self._feed.symbols.get(symbol)
        if rules is not None and rules != self._rules.get(symbol):
            self._rules[symbol] = rules
            looks[RULES] = listing.encode(rules)


def _walked(side: Iterable[Level]) -> list[list[str]]:
    """The levels that were looked at, as texts."""
    assert isinstance(side, _Walked)  # noqa: S101 -- as `depth` has made it
    return [[str(price), str(quantity)] for price, quantity in side[: side.seen]]


def _levels(rows: Iterable[tuple[str, str]]) -> list[Level]:
    return [Level(Decimal(price), Decimal(quantity)) for price, quantity in rows]


def _trade(row: Sequence[Any]) -> MarketTrade:
    number, price, quantity, time, buyer_is_maker = row
    return MarketTrade(number, Decimal(price), Decimal(quantity), time, buyer_is_maker)
