"""The mirrored market as feeds.Feed, except that it is no function of time: what was heard is all.

A symbol is listened to once somebody looks at it. Until it is alive, and whenever the other
exchange cannot be heard, its market is closed: nothing is ever filled at a price that may be old.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import NoReturn

from trading_system.simulator.mirror.pair import Pair
from trading_system.simulator.model import Depth, MarketTrade, Refused, SymbolRules


class Closed(Refused, LookupError):
    """Nothing can be said about this market now; an order is refused as in a real maintenance."""

    def __init__(self) -> None:
        super().__init__(-2010, "Market is closed.")


class MirrorFeed:
    """`rules` is what is listed, `pairs` what is listened to; `clock` tells ms UTC."""

    def __init__(self, rules: Mapping[str, SymbolRules], clock: Callable[[], int]) -> None:
        self.rules = rules
        self.pairs: dict[str, Pair] = {}
        self._clock = clock
        self.on_wanted: Callable[[Pair], None] = lambda _: None
        """Told of every symbol that is looked at for the first time."""

    @property
    def symbols(self) -> Mapping[str, SymbolRules]:
        return self.rules

    def want(self, symbol: str, *, after: int | None = None) -> Pair:
        """The pair, to be listened to from now on; KeyError for what is not listed."""
        pair = self.pairs.get(symbol)
        if pair is None:
            pair = self.pairs[symbol] = Pair(self.rules[symbol].symbol, after=after)
            self.on_wanted(pair)
        pair.used = self._clock()
        return pair

    def next_trade(
        self,
        symbol: str,
        *,
        after: int,
        now: int,
        at_or_below: Decimal | None,
        at_or_above: Decimal | None,
    ) -> MarketTrade | None:
        """As feeds.Feed has it; none while the market is closed, whatever was missed meanwhile."""
        if symbol not in self.rules:
            return None  # no longer listed: what rests there rests
        pair = self.want(symbol)
        if not pair.is_live:
            return None
        found = pair.tape.first_reaching(after, at_or_below=at_or_below, at_or_above=at_or_above)
        return None if found is None or found.time > now else found

    def last_trade(self, symbol: str, *, now: int) -> MarketTrade:  # noqa: ARG002 -- the newest
        last = self._live(symbol).tape.last
        assert last is not None  # noqa: S101 -- or it would not be live
        return last

    def average_price(self, symbol: str, *, minutes: int, now: int) -> Decimal:
        """The other exchange's own average, of its own span; 0 minutes: the last price."""
        if not minutes:
            return self.last_trade(symbol, now=now).price
        average = self._live(symbol).average
        assert average is not None  # noqa: S101 -- or it would not be live
        return average

    def depth(self, symbol: str, *, now: int) -> Depth:  # noqa: ARG002 -- as of now
        return self._live(symbol).book.depth()

    def quote(self, symbol: str, *, now: int) -> Depth:  # noqa: ARG002 -- as of now
        return self._live(symbol).book.quote()

    def klines(self, *_: object, **__: object) -> NoReturn:
        """Closed: calls for the past are passed on before they get here, see passing."""
        raise Closed

    trades = trades_from = latest_trades = klines

    def _live(self, symbol: str) -> Pair:
        if symbol not in self.rules:
            raise Closed  # it was listed once, or nobody would ask
        pair = self.want(symbol)
        if not pair.is_live:
            raise Closed
        return pair
