"""How the tapes of markets pass by the orders that wait there, trade by trade, by their time.

Spot and futures share it; what a trade does to an order is each market's own business.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from heapq import heapify, heappop, heapreplace
from typing import Protocol

from trading_system.simulator.book import Book
from trading_system.simulator.feeds import Feed
from trading_system.simulator.model import MarketTrade, Side
from trading_system.simulator.triggers import Triggers


class Passed(Protocol):
    """A market with orders, which meets the trades that concern them."""

    def next_trade(self, now: int, /) -> MarketTrade | None: ...
    def meet(self, trade: MarketTrade, /) -> None: ...


def passing(markets: Mapping[str, Passed], now: int) -> Iterator[MarketTrade]:
    """Show each market its next trade up to now, the earliest of all first; yields what was met."""
    coming = [
        (trade.time, symbol, trade)
        for symbol, market in markets.items()
        if (trade := market.next_trade(now)) is not None
    ]
    heapify(coming)
    while coming:
        _, symbol, trade = coming[0]
        market = markets[symbol]
        market.meet(trade)
        yield trade
        following = market.next_trade(now)
        if following is None:
            heappop(coming)
        else:
            heapreplace(coming, (following.time, symbol, following))


def next_trade(
    feed: Feed, symbol: str, book: Book, triggers: Triggers, *, after: int, now: int
) -> MarketTrade | None:
    """The first trade of the tape behind the id `after`, up to now, that concerns any order."""
    below = [price for price, _ in triggers.bounds() if price is not None]
    above = [price for _, price in triggers.bounds() if price is not None]
    best_bid, best_ask = book.best(Side.BUY), book.best(Side.SELL)
    return feed.next_trade(
        symbol,
        after=after,
        now=now,
        at_or_below=max(below + ([] if best_bid is None else [best_bid]), default=None),
        at_or_above=min(above + ([] if best_ask is None else [best_ask]), default=None),
    )
