"""The venue's public data: candles, trades, books and what is listed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from trading_system.domain.candles import MINUTE, Candle, Span
from trading_system.domain.instruments import Instrument, Symbol
from trading_system.domain.market import OrderBook, Trade
from trading_system.exchange import translate
from trading_system.exchange.gateway import Gateway
from trading_system.exchange.listing import Listing
from trading_system.ports import Clock
from trading_system.resilience.limits import Priority

_PAGE = 1_000


class PublicCalls(NamedTuple):
    """Where markets differ: the path of `trades` by id and how a row of it reads.

    `depth` makes of the levels wanted a number that may be asked for.
    """

    trades: str
    read_trade: Callable[..., Trade]
    depth: Callable[[int], int]


SPOT_CALLS = PublicCalls("historicalTrades", translate.public_trade, lambda levels: levels)


class BinanceMarketData:
    """MarketData over the gateway, waiting for its turn with this priority."""

    def __init__(
        self,
        gateway: Gateway,
        clock: Clock,
        *,
        listing: Listing | None = None,
        priority: Priority = Priority.CANDLES,
        calls: PublicCalls = SPOT_CALLS,
    ) -> None:
        self._gateway = gateway
        self._clock = clock
        self._listing = listing or Listing(gateway, clock)
        self._priority = priority
        self._calls = calls

    async def candles(self, symbol: Symbol, span: Span) -> list[Candle]:
        """Closed candles in the span, at most its first 1000; raises UnknownSymbol."""
        rows = await self._gateway.read(
            "klines",
            priority=self._priority,
            symbol=await self._listing.venue_id(symbol),
            interval="1m",
            startTime=span.start,
            endTime=span.end - 1,
            limit=min(_PAGE, max(1, (span.end - span.start) // MINUTE)),
        )
        with translate.understood(state_changing=False):
            return translate.closed_candles(rows, now_ms=self._gateway.venue_milliseconds())

    async def instruments(self) -> Mapping[Symbol, Instrument]:
        """Everything listed, asked for at most once an hour."""
        return await self._listing.instruments()

    async def recheck(self, symbols: Collection[Symbol]) -> None:
        """Ask again whether these can be traded; `instruments` tells it from then on."""
        await self._listing.recheck(symbols)

    async def server_time(self) -> int:
        """The venue's clock in ms UTC."""
        answer = await self._gateway.read("time")
        with translate.understood(state_changing=False):
            return int(answer["serverTime"])

    async def book(self, symbol: Symbol, *, levels: int) -> OrderBook:
        """A snapshot of the order book; at most 5000 levels a side."""
        answer = await self._gateway.read(
            "depth",
            priority=self._priority,
            symbol=await self._listing.venue_id(symbol),
            limit=self._calls.depth(levels),
        )
        with translate.understood(state_changing=False):
            return translate.order_book(
                answer, symbol, most=levels, received_at=self._clock.milliseconds()
            )

    async def trades(self, symbol: Symbol, *, first_id: int) -> list[Trade]:
        """Public trades from this id on, ascending, at most 1000."""
        rows = await self._gateway.read(
            self._calls.trades,
            priority=self._priority,
            symbol=await self._listing.venue_id(symbol),
            fromId=first_id,
            limit=_PAGE,
        )
        received_at = self._clock.milliseconds()
        with translate.understood(state_changing=False):
            read = self._calls.read_trade
            return [read(row, symbol, received_at=received_at) for row in rows]
