"""What the streams keep up to date: the newest of every followed symbol, passed on as it comes.

It decides nothing and fetches nothing but a book that is not kept here; the parts it hands events
to do the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from trading_system.bus import Bus
from trading_system.domain.candles import Candle
from trading_system.domain.instruments import Symbol
from trading_system.domain.market import (
    BookUpdate,
    CandleUpdate,
    LivePrice,
    MarketEvent,
    MarketState,
    OrderBook,
    Quote,
    Ticker,
    Trade,
)
from trading_system.market.candle_gaps import CandleGaps
from trading_system.market.live_candles import LiveCandles
from trading_system.market.order_books import OrderBooks
from trading_system.market.trade_tapes import TradeTapes
from trading_system.ports import Clock, MarketData

_SET_BACK_MS = 5_000


class LiveMarket:
    """Live over the streams; `on_event`, `on_drop` and `on_gap` are the stream's to call."""

    def __init__(
        self,
        *,
        market_data: MarketData,
        books: OrderBooks,
        candles: LiveCandles,
        candle_gaps: CandleGaps,
        trades: TradeTapes,
        clock: Clock,
        bus: Bus,
    ) -> None:
        self._market_data = market_data
        self._books = books
        self._candles = candles
        self._candle_gaps = candle_gaps
        self._trades = trades
        self._clock = clock
        self._bus = bus
        self._newest: dict[Symbol, _Newest] = {}
        self._heard_at = float("-inf")

    async def run(self) -> None:
        """Keep books, candles and gaps until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._books.run(), name="order books")
            tasks.create_task(self._candles.run(), name="live candles")
            tasks.create_task(self._candle_gaps.run(), name="candle gaps")
            tasks.create_task(self._trades.run(), name="trades")

    def follow(self, monitored: Collection[Symbol], traded: Collection[Symbol]) -> None:
        """Tell of these symbols from now on, and keep books and whole trade tapes of `traded`."""
        now = self._clock.monotonic()
        self._newest = {
            symbol: self._newest.get(symbol) or _Newest(symbol, now)
            for symbol in sorted({*monitored, *traded})
        }
        self._books.follow(traded)
        self._trades.follow(traded)

    def on_event(self, event: MarketEvent) -> None:
        """Take what a stream just heard; events of symbols not followed are dropped."""
        newest = self._newest.get(event.symbol)
        if newest is None:
            return
        newest.heard_at = self._heard_at = self._clock.monotonic()
        match event:
            case Quote():
                if event.update_id >= newest.update_id:
                    newest.quote, newest.quote_at = event, newest.heard_at
                    newest.update_id = event.update_id
                    self._books.on_quote(event)
                    self._bus.publish(event)
            case BookUpdate():
                self._books.on_update(event)
            case CandleUpdate():
                newest.price(event, event.candle.close)
                newest.candle = event.candle
                self._candles.on_update(event)
                self._trades.on_candle(event)
            case Trade():
                newest.price(event, event.price)
                self._trades.on_trade(event)
            case Ticker():
                newest.price(event, event.last)
                newest.ticker = event
                self._bus.publish(event)

    def on_drop(self, symbols: Collection[Symbol]) -> None:
        """A connection that carried these symbols is gone: their books are not to be trusted."""
        self._distrust(symbols)

    def on_gap(self, symbols: Collection[Symbol], since_ms: int) -> None:
        """Streams of these symbols are back; what came since `since_ms` (our clock) is missing."""
        self._distrust(symbols)
        self._trades.on_gap(symbols)
        self._candle_gaps.on_gap(self._newest.keys() & set(symbols), since_ms)

    def _distrust(self, symbols: Collection[Symbol]) -> None:
        self._books.distrust(symbols)
        for symbol in self._newest.keys() & set(symbols):
            self._newest[symbol].update_id = 0  # a venue that restarts may count anew

    def prices(self) -> list[LivePrice]:
        """Every followed symbol, sorted."""
        now = self._clock.monotonic()
        return [newest.live_price(now) for newest in self._newest.values()]

    def price(self, symbol: Symbol) -> LivePrice | None:
        """One symbol; None when it is not followed."""
        newest = self._newest.get(symbol)
        return newest.live_price(self._clock.monotonic()) if newest else None

    async def book(self, symbol: Symbol, *, levels: int) -> OrderBook:
        """The local book while it is in sync that deep, else a snapshot of the venue's.

        Its `local` says which. A book that stands still while quotes move on is out of sync.
        Raises UnknownSymbol, and ExchangeError when the venue cannot be asked.
        """
        kept = self._books.top(symbol, levels)
        return kept or await self._market_data.book(symbol, levels=levels)

    def quote(self, symbol: Symbol) -> Quote | None:
        """The newest best bid and ask, however old."""
        newest = self._newest.get(symbol)
        return newest.quote if newest else None

    def running(self, symbol: Symbol) -> Candle | None:
        """The newest minute heard of, closed or not."""
        newest = self._newest.get(symbol)
        return newest.candle if newest else None

    def silence(self, symbol: Symbol) -> float | None:
        """Seconds since anything was heard of a symbol, or since it is followed; None when not."""
        newest = self._newest.get(symbol)
        return self._clock.monotonic() - newest.heard_at if newest else None

    @property
    def heard_seconds_ago(self) -> float:
        """Seconds since anything was heard of any symbol; infinite before that."""
        return self._clock.monotonic() - self._heard_at

    def note_state(self, symbol: Symbol, state: MarketState) -> None:
        """Tell this state with the symbol's price from now on."""
        if symbol in self._newest:
            self._newest[symbol].state = state

    def figures(self) -> dict[str, object]:
        """Ages, books, candles and gaps, for /health and metrics."""
        prices = self.prices()
        ages = [price.price_age_ms for price in prices if price.price_age_ms is not None]
        return {
            "followed": len(prices),
            "priced": len(ages),
            "oldest_price_ms": max(ages, default=None),
            "newest_price_ms": min(ages, default=None),
            **self._books.figures(),
            **self._candles.figures(),
            **self._candle_gaps.figures(),
            **self._trades.figures(),
        }


class _Newest:
    """What was heard last of one symbol; times by the monotonic clock."""

    __slots__ = (
        "candle",
        "heard_at",
        "last",
        "last_at",
        "last_time",
        "quote",
        "quote_at",
        "state",
        "symbol",
        "ticker",
        "times",
        "update_id",
    )

    def __init__(self, symbol: Symbol, now: float) -> None:
        self.symbol = symbol
        self.heard_at = now
        self.last: float | None = None
        self.last_at = now
        self.last_time = 0
        self.times: dict[type, int] = {}
        self.quote: Quote | None = None
        self.quote_at = now
        self.update_id = 0
        self.candle: Candle | None = None
        self.ticker: Ticker | None = None
        self.state: MarketState | None = None

    def price(self, event: CandleUpdate | Trade | Ticker, last: float) -> None:
        """Take a price unless a newer one by the venue's time is known.

        Events of one kind come in order: one that lies far behind the last of its own kind says
        that the venue set its clock back.
        """
        kind, time = type(event), event.time
        if time < self.times.get(kind, 0) - _SET_BACK_MS:
            self.last_time = 0
        self.times[kind] = time
        if time >= self.last_time:
            self.last, self.last_time, self.last_at = last, time, self.heard_at

    def live_price(self, now: float) -> LivePrice:
        quote, ticker = self.quote, self.ticker
        return LivePrice(
            symbol=self.symbol,
            last=self.last,
            price_age_ms=None if self.last is None else round((now - self.last_at) * 1000),
            bid=quote.bid if quote else None,
            ask=quote.ask if quote else None,
            quote_age_ms=round((now - self.quote_at) * 1000) if quote else None,
            day_open=ticker.open if ticker else None,
            day_high=ticker.high if ticker else None,
            day_low=ticker.low if ticker else None,
            day_volume=ticker.volume if ticker else None,
            day_quote_volume=ticker.quote_volume if ticker else None,
            state=self.state,
        )
