"""The tickers' streams: what happened in the last hours, of one symbol or of all that changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from trading_system.simulator import tickers
from trading_system.simulator.exchange import Exchange
from trading_system.simulator.streams import frames
from trading_system.simulator.streams.names import StreamName, Topic
from trading_system.simulator.wire import Json


class Ticker:
    """One symbol's ticker of the stream's kind."""

    def __init__(self, exchange: Exchange, name: StreamName, now: int) -> None:  # noqa: ARG002 -- a Source opens so
        self._teller = _Teller(exchange, name, str(name.symbol))

    def __call__(self, now: int) -> Iterator[Json]:
        yield self._teller.tell(now)


class AllTickers:
    """The tickers of every listed symbol that has traded since the last time, in one array."""

    def __init__(self, exchange: Exchange, name: StreamName, now: int) -> None:  # noqa: ARG002 -- a Source opens so
        self._exchange = exchange
        self._name = name
        self._tellers: dict[str, _Teller] = {}
        self._last_ids: dict[str, int] = {}

    def __call__(self, now: int) -> Iterator[list[Json] | None]:
        changed = []
        for symbol in tuple(self._exchange.feed.symbols):
            try:
                last_id = self._exchange.feed.last_trade(symbol, now=now).id
            except LookupError:
                continue  # too young to have a price
            if last_id != self._last_ids.get(symbol):
                self._last_ids[symbol] = last_id
                changed.append(self._teller(symbol).tell(now))
            yield None
        if changed:
            yield changed

    def _teller(self, symbol: str) -> _Teller:
        if symbol not in self._tellers:
            self._tellers[symbol] = _Teller(self._exchange, self._name, symbol)
        return self._tellers[symbol]


class _Teller:
    """One symbol's figures in the words of one stream."""

    def __init__(self, exchange: Exchange, name: StreamName, symbol: str) -> None:
        self._exchange = exchange
        self._name = name
        self._symbol = symbol

    def tell(self, now: int) -> Json:
        statistics = self._exchange.windows.at(self._symbol, self._name.length, now)
        if self._name.window:
            return frames.window_ticker(statistics, self._name.window, now)
        if self._name.topic is Topic.MINI_TICKER:
            return frames.mini_ticker(statistics, now)
        feed, before = self._exchange.feed, statistics.start
        return frames.ticker(
            replace(statistics, start=now - self._name.length),
            previous=tickers.previous_close(feed, self._symbol, before=before, now=now),
            last_quantity=feed.last_trade(self._symbol, now=now).quantity,
            book=self._exchange.venue.books.quote(self._symbol, now),
            now=now,
        )
