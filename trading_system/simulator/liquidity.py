"""One symbol's book as its users see it: the feed's levels merged with the users' own orders.

What users took from a feed level stays taken until the feed's book changes. Feed levels that a
user's resting order crosses are not shown: in a real market they would have met that order, here
the tape fills it bit by bit, so the best bid stays below the best ask. Users' trades move neither
the feed's book nor the tape: the accounts are too small to move the market.

The update id is a version of the merged book: equal ids mean equal books, and it only grows. Each
book of the feed leaves room for what users change while it stands.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from heapq import merge

from trading_system.simulator.book import Book
from trading_system.simulator.feeds import Feed
from trading_system.simulator.matching import Offer
from trading_system.simulator.model import Depth, Level, Side

_OTHER = {Side.BUY: Side.SELL, Side.SELL: Side.BUY}


class Liquidity:
    """Everything there is to trade with in one symbol."""

    def __init__(self, symbol: str, feed: Feed, book: Book) -> None:
        self._symbol = symbol
        self._feed = feed
        self._book = book
        self._taken: defaultdict[tuple[Side, Decimal], Decimal] = defaultdict(Decimal)
        self._taken_from = -1
        self._takes = 0
        self._latest = -1
        self._id = -1
        self._id_of = (-1, 0)
        self._merged = Depth(-1, [], [])

    def offers(self, taker: Side, *, limit: Decimal | None, now: int) -> Iterator[Offer]:
        """What a taker would meet up to its limit, best first; at one price the feed first."""
        side = _OTHER[taker]
        depth = self._feed_depth(now)
        feed = (Offer(*level, None) for level in self._feed_levels(side, depth))
        users = (Offer(order.price, part, order) for order, part in self._book.queue(side))
        sign = 1 if side is Side.SELL else -1
        for offer in merge(feed, users, key=lambda offer: sign * offer.price):
            if limit is not None and sign * (offer.price - limit) > 0:
                return
            yield offer

    def take(self, taker: Side, price: Decimal, quantity: Decimal, *, now: int) -> None:
        """Remember what a taker took from a level of the feed."""
        update_id = self._feed_depth(now).last_update_id
        if update_id != self._taken_from:
            self._taken.clear()
            self._taken_from = update_id
        self._taken[_OTHER[taker], price] += quantity
        self._takes += 1

    def depth(self, now: int) -> Depth:
        """The merged book: quantities summed by price, of icebergs only the visible part.

        Asked about an earlier time than before, it answers as of the latest one.
        """
        self._latest = max(self._latest, now)
        depth = self._feed_depth(self._latest)
        update_id = self._update_id(depth)
        if self._merged.last_update_id != update_id:
            bids, asks = (
                _summed((*self._feed_levels(side, depth), *self._book.levels(side)))
                for side in Side
            )
            self._merged = Depth(update_id, bids[::-1], asks)
        return self._merged

    def quote(self, now: int) -> Depth:
        """The best level of either side alone, cheaply where no user has an order."""
        self._latest = max(self._latest, now)
        quote = self._feed.quote(self._symbol, now=self._latest)
        if self._book or quote.last_update_id == self._taken_from:
            depth = self.depth(now)
            return Depth(depth.last_update_id, depth.bids[:1], depth.asks[:1])
        return quote._replace(last_update_id=self._update_id(quote))

    def _update_id(self, depth: Depth) -> int:
        """The version of what this book of the feed and the users' orders make together."""
        changes = self._book.changes + self._takes
        of, counted = self._id_of
        if of != depth.last_update_id:
            self._id = max(depth.last_update_id, self._id + 1)
        self._id += changes - counted
        self._id_of = (depth.last_update_id, changes)
        return self._id

    def _feed_depth(self, now: int) -> Depth:
        return self._feed.depth(self._symbol, now=now)

    def _feed_levels(self, side: Side, depth: Depth) -> Iterator[Level]:
        """The feed's side of the book without what was taken and what a user's order crosses."""
        taken = self._taken if depth.last_update_id == self._taken_from else {}
        levels = depth.asks if side is Side.SELL else depth.bids
        front = self._book.best(_OTHER[side])
        for level in levels:
            if front is not None and _crosses(side, level.price, front):
                continue
            left = level.quantity - taken.get((side, level.price), Decimal(0))
            if left > 0:
                yield Level(level.price, left)


def _crosses(side: Side, price: Decimal, front: Decimal) -> bool:
    return price <= front if side is Side.SELL else price >= front


def _summed(levels: Iterable[Level]) -> list[Level]:
    """Levels of one price made one, ascending."""
    sums: defaultdict[Decimal, Decimal] = defaultdict(Decimal)
    for price, quantity in levels:
        sums[price] += quantity
    return [Level(price, sums[price]) for price in sorted(sums)]
