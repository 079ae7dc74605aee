"""Where the events of a futures stream come from: the spot sources, in the words of futures.

As there, trades and closed candles are told completely, whatever the pause in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from trading_system.simulator.futures.exchange import FuturesExchange
from trading_system.simulator.futures.frames import (
    aggregate_trade,
    depth_update,
    mark_price,
    mini_ticker,
    quote,
    ticker,
)
from trading_system.simulator.futures.wire import Json, Scale
from trading_system.simulator.model import Refused
from trading_system.simulator.streams.book_changes import BookChanges, Changes
from trading_system.simulator.streams.names import StreamName, Topic
from trading_system.simulator.streams.sources import Candles, Source
from trading_system.simulator.tickers import DAY

_MINUTE = 60_000


def open_source(exchange: FuturesExchange, name: StreamName, now: int) -> Source:
    """The events of this stream after `now`; LookupError for a contract that is not listed."""
    try:
        exchange.venue.rules(str(name.symbol))
    except Refused as refusal:
        raise LookupError(f"{name.symbol} is not listed") from refusal
    return _SOURCES[name.topic](exchange, name, now)


class Trades:
    """Every trade of the tape after the moment of opening, each an aggregate of its own."""

    def __init__(self, exchange: FuturesExchange, name: StreamName, now: int) -> None:
        self._feed = exchange.feed
        self._symbol = str(name.symbol)
        self._scale = Scale(exchange.venue.rules(self._symbol))
        self._next = now + 1

    def __call__(self, now: int) -> Iterator[Json]:
        while self._next <= now:
            end = min(now + 1, self._next + _MINUTE)
            trades = self._feed.trades(self._symbol, start=self._next, end=end, now=now)
            self._next = end
            for trade in trades:
                yield aggregate_trade(self._symbol, trade, self._scale, now)


class Quotes:
    """The best bid and ask, whenever one of them has changed."""

    def __init__(self, exchange: FuturesExchange, name: StreamName, now: int) -> None:  # noqa: ARG002 -- a Source opens so
        self._books = exchange.venue.books
        self._symbol = str(name.symbol)
        self._scale = Scale(exchange.venue.rules(self._symbol))
        self._told: object = None

    def __call__(self, now: int) -> Iterator[Json]:
        best = self._books.quote(self._symbol, now)
        if (best.bids, best.asks) != self._told:
            self._told = (best.bids, best.asks)
            yield quote(self._symbol, best, self._scale, now)


class PartialDepth:
    """The best levels, whenever the book has changed, each naming the one told before."""

    def __init__(self, exchange: FuturesExchange, name: StreamName, now: int) -> None:
        self._books = exchange.venue.books
        self._symbol = str(name.symbol)
        self._levels = name.levels
        self._scale = Scale(exchange.venue.rules(self._symbol))
        self._told = self._books.depth(self._symbol, now).last_update_id

    def __call__(self, now: int) -> Iterator[Json]:
        book = self._books.depth(self._symbol, now)
        if book.last_update_id != self._told:
            first, self._told = self._told + 1, book.last_update_id
            bids, asks = book.bids[: self._levels], book.asks[: self._levels]
            changes = Changes(first, book.last_update_id, bids, asks)
            yield depth_update(self._symbol, changes, self._scale, now)


class DepthUpdates:
    """What changed in the book since the last time."""

    def __init__(self, exchange: FuturesExchange, name: StreamName, now: int) -> None:
        self._books = exchange.venue.books
        self._symbol = str(name.symbol)
        self._scale = Scale(exchange.venue.rules(self._symbol))
        self._changes = BookChanges(self._books.depth(self._symbol, now))
        self._books.watch(self._symbol, self._changes)

    def __call__(self, now: int) -> Iterator[Json]:
        self._books.depth(self._symbol, now)
        changes = self._changes.take()
        if changes is not None:
            yield depth_update(self._symbol, changes, self._scale, now)


class Tickers:
    """The last 24 hours, in full or in short."""

    def __init__(self, exchange: FuturesExchange, name: StreamName, now: int) -> None:  # noqa: ARG002 -- a Source opens so
        self._exchange = exchange
        self._name = name
        self._scale = Scale(exchange.venue.rules(str(name.symbol)))

    def __call__(self, now: int) -> Iterator[Json]:
        symbol = str(self._name.symbol)
        window = self._exchange.windows.at(symbol, DAY, now)
        if self._name.topic is Topic.MINI_TICKER:
            yield mini_ticker(window, self._scale, now)
            return
        last = self._exchange.feed.last_trade(symbol, now=now)
        yield ticker(window, self._scale, last_quantity=last.quantity, now=now)


class MarkPrice:
    """The mark price, which is the last one."""

    def __init__(self, exchange: FuturesExchange, name: StreamName, now: int) -> None:  # noqa: ARG002 -- a Source opens so
        self._accounts = exchange.venue.accounts
        self._symbol = str(name.symbol)

    def __call__(self, now: int) -> Iterator[Json]:
        yield mark_price(self._symbol, self._accounts.mark(self._symbol, now), now)


_SOURCES: dict[Topic, Callable[[FuturesExchange, StreamName, int], Source]] = {
    Topic.AGGREGATE_TRADE: Trades,
    Topic.KLINE: Candles,
    Topic.QUOTE: Quotes,
    Topic.PARTIAL_DEPTH: PartialDepth,
    Topic.DEPTH: DepthUpdates,
    Topic.MINI_TICKER: Tickers,
    Topic.TICKER: Tickers,
    Topic.MARK_PRICE: MarkPrice,
}
