"""Frames of Binance's market streams to our events; nothing here remembers anything.

Field names: Binance Spot WebSocket streams documentation. A frame that is not as documented raises
one of UNREADABLE; whoever reads decides what to do about it.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import InvalidOperation
from typing import Any, NamedTuple

from trading_system.domain.candles import Candle
from trading_system.domain.instruments import Symbol
from trading_system.domain.market import (
    BookUpdate,
    CandleUpdate,
    MarketEvent,
    Quote,
    Ticker,
    Trade,
)
from trading_system.exchange.translate import Json, levels

_SET_BACK_MS = 5_000  # more than two connections that overlap are apart

UNREADABLE = (KeyError, TypeError, ValueError, IndexError, InvalidOperation)
"""What reading a frame raises when it is not as documented."""


def trade(data: Json, symbol: Symbol, received_at: int) -> Trade:
    """<symbol>@trade."""
    return Trade(
        symbol,
        int(data["t"]),
        float(data["p"]),
        float(data["q"]),
        data["m"],
        int(data["T"]),
        received_at,
    )


def quote(data: Json, symbol: Symbol, received_at: int) -> Quote:
    """<symbol>@bookTicker, which tells no time."""
    return Quote(
        symbol,
        float(data["b"]),
        float(data["B"]),
        float(data["a"]),
        float(data["A"]),
        int(data["u"]),
        received_at,
    )


def ticker(data: Json, symbol: Symbol, received_at: int) -> Ticker:
    """<symbol>@miniTicker: the last 24 hours."""
    return Ticker(
        symbol,
        float(data["c"]),
        float(data["o"]),
        float(data["h"]),
        float(data["l"]),
        float(data["v"]),
        float(data["q"]),
        int(data["E"]),
        received_at,
    )


def candle_update(data: Json, symbol: Symbol, received_at: int) -> CandleUpdate:
    """<symbol>@kline_1m: `x` is true in the last message of a candle, `L` is -1 without trades."""
    bar = data["k"]
    candle = Candle(
        int(bar["t"]),
        float(bar["o"]),
        float(bar["h"]),
        float(bar["l"]),
        float(bar["c"]),
        float(bar["v"]),
    )
    last_trade_id = int(bar.get("L", -1))
    return CandleUpdate(
        symbol,
        candle,
        bar["x"],
        int(data["E"]),
        received_at,
        last_trade_id if last_trade_id >= 0 else None,
    )


def book_update(data: Json, symbol: Symbol, received_at: int) -> BookUpdate:
    """<symbol>@depth@100ms: a quantity of 0 removes a level."""
    return BookUpdate(
        symbol,
        int(data["U"]),
        int(data["u"]),
        levels(data["b"]),
        levels(data["a"]),
        int(data["E"]),
        received_at,
    )


class Kind(NamedTuple):
    """One kind of stream.

    `position` grows from frame to frame of a stream, so that what is not newer is a repetition.
    `is_set_back` tells of a position and the last one whether the venue's clock was set back.
    `passing` tells of a frame as it came whether a later one makes it worthless.
    `leader` names the kind whose every frame means one of this kind at once.
    `pulse` is whether the venue sends it all the time, even when nothing happens. `tells_time` is
    whether the event time `E` is in it.
    """

    suffix: str
    read: Callable[[Json, Symbol, int], MarketEvent]
    position: Callable[[Any], Any]
    passing: Callable[[Json], bool]
    is_set_back: Callable[[Any, Any], bool] = lambda _position, _last: False
    pulse: bool = False
    tells_time: bool = True
    leader: str = ""


def _never(_: Json) -> bool:
    return False


def _always(_: Json) -> bool:
    return True


def _is_growing(data: Json) -> bool:
    bar = data.get("k")
    return isinstance(bar, dict) and bar.get("x") is False


TRADE = Kind("trade", trade, lambda event: event.id, _never)
QUOTE = Kind("bookTicker", quote, lambda event: event.update_id, _always, tells_time=False)
TICKER = Kind(
    "miniTicker",
    ticker,
    lambda event: event.time,
    _always,
    is_set_back=lambda position, last: position < last - _SET_BACK_MS,
)
CANDLE = Kind(
    "kline_1m",
    candle_update,
    lambda event: (event.candle.open_time, event.closed, event.time),
    _is_growing,
    is_set_back=lambda position, last: position[2] < last[2] - _SET_BACK_MS,
    pulse=True,
)
BOOK = Kind("depth@100ms", book_update, lambda event: event.last_id, _never, leader=QUOTE.suffix)
