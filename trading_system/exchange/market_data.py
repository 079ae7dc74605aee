"""The venue's public data: candles and what is listed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from trading_system.domain.candles import MINUTE, Candle, Span
from trading_system.domain.errors import UnknownSymbol
from trading_system.domain.instruments import Instrument, Symbol
from trading_system.domain.market import OrderBook, Trade
from trading_system.exchange import translate
from trading_system.exchange.gateway import Gateway
from trading_system.ports import Clock

_PAGE = 1_000
_LISTING_SECONDS = 3_600.0


class BinanceMarketData:
    """MarketData over the gateway."""

    def __init__(self, gateway: Gateway, clock: Clock) -> None:
        self._gateway = gateway
        self._clock = clock
        self._listing: Mapping[Symbol, Instrument] = {}
        self._listed_at = float("-inf")
        self._loading = asyncio.Lock()

    async def candles(self, symbol: Symbol, span: Span) -> list[Candle]:
        """Closed candles in the span, at most its first 1000; raises UnknownSymbol."""
        rows = await self._gateway.read(
            "klines",
            symbol=await self._venue_id(symbol),
            interval="1m",
            startTime=span.start,
            endTime=span.end - 1,
            limit=min(_PAGE, max(1, (span.end - span.start) // MINUTE)),
        )
        return translate.closed_candles(rows, now_ms=self._gateway.venue_milliseconds())

    async def instruments(self) -> Mapping[Symbol, Instrument]:
        """Everything listed, asked for at most once an hour."""
        async with self._loading:
            if self._clock.monotonic() - self._listed_at > _LISTING_SECONDS:
                answer = await self._gateway.read("exchangeInfo")
                # Thousands of symbols take longer to read than the loop may stand still.
                self._listing = await asyncio.to_thread(translate.instruments, answer)
                self._listed_at = self._clock.monotonic()
        return self._listing

    def venue_id(self, symbol: Symbol) -> str | None:
        """The venue's name of a symbol by the last listing; None when it has none, or none yet."""
        instrument = self._listing.get(symbol)
        return None if instrument is None else instrument.venue_id

    async def server_time(self) -> int:
        """The venue's clock in ms UTC."""
        answer = await self._gateway.read("time")
        return int(answer["serverTime"])

    async def book(self, symbol: Symbol, *, levels: int) -> OrderBook:
        """A snapshot of the order book; at most 5000 levels a side."""
        answer = await self._gateway.read(
            "depth", symbol=await self._venue_id(symbol), limit=levels
        )
        return translate.order_book(answer, symbol, received_at=self._clock.milliseconds())

    async def trades(self, symbol: Symbol, *, first_id: int) -> list[Trade]:
        """Public trades from this id on, ascending, at most 1000."""
        rows = await self._gateway.read(
            "historicalTrades",
            symbol=await self._venue_id(symbol),
            fromId=first_id,
            limit=_PAGE,
        )
        received_at = self._clock.milliseconds()
        return [translate.public_trade(row, symbol, received_at=received_at) for row in rows]

    async def _venue_id(self, symbol: Symbol) -> str:
        listed = await self.instruments()
        if symbol not in listed:
            raise UnknownSymbol(f"the venue lists no {symbol}")
        return listed[symbol].venue_id
