"""What everybody may see of every symbol's book, and who wants to see each look that is taken.

Whoever tells a book by its changes must know of every level that somebody may have seen in
between, so every whole book that is shown is shown to the watchers too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Protocol
from weakref import WeakSet

from trading_system.simulator.feeds import Feed
from trading_system.simulator.model import Depth


class Watcher(Protocol):
    """Somebody who follows a book."""

    def see(self, depth: Depth) -> None:
        """This is the book now; it may be the same as before."""
        ...


class Merged(Protocol):
    """A market that has had users' orders, as far as its book is shown."""

    def depth(self, now: int) -> Depth: ...

    def quote(self, now: int) -> Depth: ...


class Books:
    """The books of the feed's symbols; only those in `markets` have ever had users' orders."""

    def __init__(self, feed: Feed, markets: Mapping[str, Merged]) -> None:
        self._feed = feed
        self._markets = markets
        self._watchers: defaultdict[str, WeakSet[Watcher]] = defaultdict(WeakSet)

    def depth(self, symbol: str, now: int) -> Depth:
        """The whole merged book; KeyError for an unknown symbol."""
        market = self._markets.get(symbol)
        depth = self._feed.depth(symbol, now=now) if market is None else market.depth(now)
        if symbol in self._watchers:
            for watcher in self._watchers[symbol]:
                watcher.see(depth)
        return depth

    def quote(self, symbol: str, now: int) -> Depth:
        """Its best bid and best ask alone, which no watcher needs to know."""
        market = self._markets.get(symbol)
        if market is None:
            return self._feed.quote(symbol, now=now)
        return market.quote(now)

    def watch(self, symbol: str, watcher: Watcher) -> None:
        """Show it every whole book that is shown to anybody, as long as the watcher lives."""
        self._watchers[symbol].add(watcher)
