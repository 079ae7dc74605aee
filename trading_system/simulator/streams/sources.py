"""Where the events of a stream come from: asked again and again, a source tells what is new.

It is asked with times that only grow, on the grid of its stream's pace. Whatever the pause in
between, trades and closed candles are told completely, each of them once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from trading_system.simulator.exchange import Exchange
from trading_system.simulator.feeds import Feed, KlineRow, RecordedFrames
from trading_system.simulator.model import Level
from trading_system.simulator.streams import frames
from trading_system.simulator.streams.book_changes import BookChanges
from trading_system.simulator.streams.names import StreamName, Topic
from trading_system.simulator.streams.ticker_sources import AllTickers, Ticker
from trading_system.simulator.wire import Json, amount

_MINUTE = 60_000
_MOST_TRADES = 1_000  # of one symbol at once, so that a long pause is made up for in steps
_MOST_CANDLES = 100
_OPEN_TIME, _CLOSE_TIME, _COUNT = 0, 6, 8

Source = Callable[[int], Iterable[object]]
"""Frames that are due at a time, ms UTC; None between them where there is a lot to work out."""


class Fed(Protocol):
    """Whatever trades on a feed."""

    feed: Feed


def open_source(exchange: Exchange, name: StreamName, now: int) -> Source:
    """The events of this stream after `now`, as recorded where they were.

    Raises LookupError for a symbol that is not listed or has no price yet.
    """
    if exchange.frames is not None and exchange.frames.has(name.text, now=now):
        return Recorded(exchange.frames, name, now)
    if name.symbol is not None and name.symbol not in exchange.feed.symbols:
        raise LookupError(f"{name.symbol} is not listed")
    return _SOURCES[name.topic, name.symbol is None](exchange, name, now)


class Recorded:
    """Frames as they were recorded; LookupError once the recording has ended."""

    def __init__(self, recording: RecordedFrames, name: StreamName, now: int) -> None:
        self._recording = recording
        self._stream = name.text
        self._told = now

    def __call__(self, now: int) -> Iterator[str]:
        yield from self._recording.due(self._stream, after=self._told, until=now)
        self._told = now
        if not self._recording.has(self._stream, now=now):
            raise LookupError(f"{self._stream} was recorded no further")


class Trades:
    """Every trade of the tape after the moment of opening."""

    def __init__(self, exchange: Exchange, name: StreamName, now: int) -> None:
        self._feed = exchange.feed
        self._symbol = str(name.symbol)
        self._frame = frames.trade if name.topic is Topic.TRADE else frames.aggregate_trade
        self._next = now + 1

    def __call__(self, now: int) -> Iterator[Json]:
        told = 0
        while self._next <= now and told < _MOST_TRADES:
            end = min(now + 1, self._next + _MINUTE)
            trades = self._feed.trades(self._symbol, start=self._next, end=end, now=now)
            self._next = end
            told += len(trades)
            for trade in trades:
                yield self._frame(self._symbol, trade, now)


class Candles:
    """The running candle each time, and every candle's last state exactly once."""

    def __init__(self, exchange: Fed, name: StreamName, now: int) -> None:
        self._feed = exchange.feed
        self._symbol = str(name.symbol)
        self._name = name
        self._start = now
        """Candles that open before it have been told as closed, or were so before."""
        self._first_ids: dict[int, int] = {}
        for row in self._rows(start=None, limit=1, now=now):
            closing = _whole(row, _CLOSE_TIME)
            self._start = closing + 1 if closing < now else _whole(row, _OPEN_TIME)

    def __call__(self, now: int) -> Iterator[Json]:
        rows = self._rows(start=self._start, limit=_MOST_CANDLES, now=now)
        closed = [row for row in rows if _whole(row, _CLOSE_TIME) < now]
        for row in closed:
            self._start = _whole(row, _CLOSE_TIME) + 1
            yield self._told(row, closed=True, now=now)
        if rows and not closed:
            yield self._told(rows[-1], closed=False, now=now)

    def _rows(self, *, start: int | None, limit: int, now: int) -> list[KlineRow]:
        return self._feed.klines(
            self._symbol,
            self._name.interval,
            start=start,
            end=None,
            limit=limit,
            now=now,
            utc_offset=self._name.utc_offset,
        )

    def _told(self, row: KlineRow, *, closed: bool, now: int) -> Json:
        opening, count = _whole(row, _OPEN_TIME), _whole(row, _COUNT)
        if count and opening not in self._first_ids:
            last = self._feed.last_trade(self._symbol, now=min(now, _whole(row, _CLOSE_TIME)))
            self._first_ids = {opening: last.id - count + 1}
        return frames.kline(
            self._symbol,
            self._name.interval,
            row,
            first_id=self._first_ids.get(opening),
            closed=closed,
            now=now,
        )


class Quotes:
    """The best bid and ask, whenever one of them has changed."""

    def __init__(self, exchange: Exchange, name: StreamName, now: int) -> None:  # noqa: ARG002 -- a Source opens so
        self._books = exchange.venue.books
        self._symbol = str(name.symbol)
        self._told: tuple[list[Level], list[Level]] | None = None

    def __call__(self, now: int) -> Iterator[Json]:
        quote = self._books.quote(self._symbol, now)
        if (quote.bids, quote.asks) != self._told:
            self._told = (quote.bids, quote.asks)
            yield frames.quote(self._symbol, quote)


class PartialDepth:
    """The best levels, whenever the book has changed."""

    def __init__(self, exchange: Exchange, name: StreamName, now: int) -> None:  # noqa: ARG002 -- a Source opens so
        self._books = exchange.venue.books
        self._name = name
        self._told = -1

    def __call__(self, now: int) -> Iterator[Json]:
        depth = self._books.depth(str(self._name.symbol), now)
        if depth.last_update_id != self._told:
            self._told = depth.last_update_id
            yield frames.depth(depth, self._name.levels)


class DepthUpdates:
    """What changed in the book since the last time."""

    def __init__(self, exchange: Exchange, name: StreamName, now: int) -> None:
        self._books = exchange.venue.books
        self._symbol = str(name.symbol)
        self._changes = BookChanges(self._books.depth(self._symbol, now))
        self._books.watch(self._symbol, self._changes)

    def __call__(self, now: int) -> Iterator[Json]:
        self._books.depth(self._symbol, now)
        changes = self._changes.take()
        if changes is not None:
            yield frames.depth_update(self._symbol, changes, now)


class AveragePrice:
    """The average price of the last five minutes."""

    def __init__(self, exchange: Exchange, name: StreamName, now: int) -> None:  # noqa: ARG002 -- a Source opens so
        self._feed = exchange.feed
        self._symbol = str(name.symbol)

    def __call__(self, now: int) -> Iterator[Json]:
        average = self._feed.average_price(self._symbol, minutes=frames.AVERAGE_MINUTES, now=now)
        last = self._feed.last_trade(self._symbol, now=now)
        yield frames.average_price(self._symbol, amount(average), last_trade=last.time, now=now)


_OF_ALL = True
_SOURCES: dict[tuple[Topic, bool], Callable[[Exchange, StreamName, int], Source]] = {
    (Topic.TRADE, not _OF_ALL): Trades,
    (Topic.AGGREGATE_TRADE, not _OF_ALL): Trades,
    (Topic.KLINE, not _OF_ALL): Candles,
    (Topic.MINI_TICKER, not _OF_ALL): Ticker,
    (Topic.MINI_TICKER, _OF_ALL): AllTickers,
    (Topic.TICKER, not _OF_ALL): Ticker,
    (Topic.TICKER, _OF_ALL): AllTickers,
    (Topic.QUOTE, not _OF_ALL): Quotes,
    (Topic.PARTIAL_DEPTH, not _OF_ALL): PartialDepth,
    (Topic.DEPTH, not _OF_ALL): DepthUpdates,
    (Topic.AVERAGE_PRICE, not _OF_ALL): AveragePrice,
}


def _whole(row: KlineRow, place: int) -> int:
    return int(str(row[place]))
