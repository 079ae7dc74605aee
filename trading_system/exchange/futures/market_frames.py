"""What the market streams of USD-M futures send, where it is not what spot sends.

They have separate roads since 2026-04-23: books at /public, everything else at /market. Field
names: Binance USD-M futures WebSocket streams documentation.
"""

from __future__ import annotations

from trading_system.domain.instruments import Symbol
from trading_system.domain.market import BookUpdate, CandleUpdate, Trade
from trading_system.exchange.streams import market_frames
from trading_system.exchange.streams.roles import EXECUTION, MONITORING, Road
from trading_system.exchange.translate import Json


def trade(data: Json, symbol: Symbol, received_at: int) -> Trade:
    """<symbol>@aggTrade: what one order took at one price."""
    return Trade(
        symbol,
        int(data["a"]),
        float(data["p"]),
        float(data["q"]),
        data["m"],
        int(data["T"]),
        received_at,
    )


def candle_update(data: Json, symbol: Symbol, received_at: int) -> CandleUpdate:
    """<symbol>@kline_1m, whose last trade is numbered by another count than that of the tape."""
    update = market_frames.candle_update(data, symbol, received_at)
    return CandleUpdate(symbol, update.candle, update.closed, update.time, received_at)


def book_update(data: Json, symbol: Symbol, received_at: int) -> BookUpdate:
    """<symbol>@depth@100ms, whose ids are shared with all symbols.

    So the next one does not begin where the last one ended, but tells in `pu` where that was: it
    changes everything since.
    """
    return market_frames.book_update(data | {"U": int(data["pu"]) + 1}, symbol, received_at)


TRADE = market_frames.TRADE._replace(suffix="aggTrade", read=trade)
CANDLE = market_frames.CANDLE._replace(read=candle_update)
BOOK = market_frames.BOOK._replace(read=book_update)
# No candle goes over the road of the books to show that it is alive, so quotes have to.
QUOTE = market_frames.QUOTE._replace(tells_time=True, pulse=True)
TICKER = market_frames.TICKER

ROADS = (
    Road(
        label="",
        path="/market/stream",
        kinds={EXECUTION: (TRADE, CANDLE, TICKER), MONITORING: (CANDLE, TICKER)},
    ),
    Road(
        label="books",
        path="/public/stream",
        kinds={EXECUTION: (QUOTE, BOOK), MONITORING: (QUOTE,)},
    ),
)
