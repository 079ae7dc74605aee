"""What streams tell, with the names, the order and the types that recorded frames have.

Times are ms; `text` writes a frame, with times in us where a connection wants them so. Source:
Binance's web-socket-streams.md.
"""

from __future__ import annotations

from decimal import Decimal

import orjson

from trading_system.simulator import tickers, wire
from trading_system.simulator.feeds import KlineRow
from trading_system.simulator.model import Depth, Level, MarketTrade
from trading_system.simulator.streams.book_changes import Changes
from trading_system.simulator.tickers import Statistics
from trading_system.simulator.wire import Json, amount

AVERAGE_MINUTES = 5
_TIMES = {
    "trade": ("E", "T"),
    "aggTrade": ("E", "T"),
    "24hrTicker": ("E", "O", "C"),
    "1hTicker": ("E", "O", "C"),
    "4hTicker": ("E", "O", "C"),
    "1dTicker": ("E", "O", "C"),
    "avgPrice": ("E", "T"),
}
"""Which fields are times, by event; elsewhere it is E alone, as T, O and C mean other things."""


def trade(symbol: str, told: MarketTrade, now: int) -> Json:
    """A trade of the tape."""
    return {
        "e": "trade",
        "E": now,
        "s": symbol,
        "t": told.id,
        "p": amount(told.price),
        "q": amount(told.quantity),
        "T": told.time,
        "m": told.buyer_is_maker,
        "M": True,
    }


def aggregate_trade(symbol: str, told: MarketTrade, now: int) -> Json:
    """Each trade is an aggregate of its own, as in wire.aggregate_trade."""
    return {
        "e": "aggTrade",
        "E": now,
        "s": symbol,
        "a": told.id,
        "p": amount(told.price),
        "q": amount(told.quantity),
        "f": told.id,
        "l": told.id,
        "T": told.time,
        "m": told.buyer_is_maker,
        "M": True,
    }


def kline(
    symbol: str, interval: str, row: KlineRow, *, first_id: int | None, closed: bool, now: int
) -> Json:
    """A row of REST's klines; `first_id` is that of its first trade, if it has any."""
    opening, o, h, l, c, volume, closing, quote, count, base, taker_quote, _ = row  # noqa: E741 -- the wire's letters
    trades = int(str(count))
    return {
        "e": "kline",
        "E": now,
        "s": symbol,
        "k": {
            "t": opening,
            "T": closing,
            "s": symbol,
            "i": interval,
            "f": -1 if first_id is None else first_id,
            "L": -1 if first_id is None else first_id + trades - 1,
            "o": o,
            "c": c,
            "h": h,
            "l": l,
            "v": volume,
            "n": trades,
            "x": closed,
            "q": quote,
            "V": base,
            "Q": taker_quote,
            "B": "0",
        },
    }


def quote(symbol: str, book: Depth) -> Json:
    """The best bid and the best ask; zeros for a side that is empty."""
    nothing = Level(Decimal(0), Decimal(0))
    bid, ask = (side[0] if side else nothing for side in (book.bids, book.asks))
    return {
        "u": book.last_update_id,
        "s": symbol,
        "b": amount(bid.price),
        "B": amount(bid.quantity),
        "a": amount(ask.price),
        "A": amount(ask.quantity),
    }


def depth(book: Depth, levels: int) -> Json:
    """The best levels of a book, which is REST's answer too."""
    return wire.depth(book, levels)


def depth_update(symbol: str, changes: Changes, now: int) -> Json:
    """What changed; a quantity of 0 ends a level."""
    return {
        "e": "depthUpdate",
        "E": now,
        "s": symbol,
        "U": changes.first,
        "u": changes.last,
        "b": _levels(changes.bids),
        "a": _levels(changes.asks),
    }


def mini_ticker(s: Statistics, now: int) -> Json:
    """The day in short."""
    return {
        "e": "24hrMiniTicker",
        "E": now,
        "s": s.symbol,
        "c": amount(s.last),
        "o": amount(s.open),
        "h": amount(s.high),
        "l": amount(s.low),
        "v": amount(s.volume),
        "q": amount(s.quote),
    }


def window_ticker(s: Statistics, window: str, now: int) -> Json:
    """The last hour, four hours or day; `window` as in the stream's name."""
    change = tickers.change(s)
    return {
        "e": f"{window}Ticker",
        "E": now,
        "s": s.symbol,
        "p": change["priceChange"],
        "P": change["priceChangePercent"],
        "o": amount(s.open),
        "h": amount(s.high),
        "l": amount(s.low),
        "c": amount(s.last),
        "w": change["weightedAvgPrice"],
        "v": amount(s.volume),
        "q": amount(s.quote),
        **_bounds(s),
    }


def ticker(
    s: Statistics, *, previous: Decimal | None, last_quantity: Decimal, book: Depth, now: int
) -> Json:
    """The last 24 hours in full, with the book's best."""
    change, best = tickers.change(s), tickers.best(book)
    return {
        "e": "24hrTicker",
        "E": now,
        "s": s.symbol,
        "p": change["priceChange"],
        "P": change["priceChangePercent"],
        "w": change["weightedAvgPrice"],
        "x": amount(s.open if previous is None else previous),
        "c": amount(s.last),
        "Q": amount(last_quantity),
        "b": best["bidPrice"],
        "B": best["bidQty"],
        "a": best["askPrice"],
        "A": best["askQty"],
        "o": amount(s.open),
        "h": amount(s.high),
        "l": amount(s.low),
        "v": amount(s.volume),
        "q": amount(s.quote),
        **_bounds(s),
    }


def average_price(symbol: str, price: str, *, last_trade: int, now: int) -> Json:
    """The average of the last minutes; `last_trade` is the time of the newest trade."""
    return {
        "e": "avgPrice",
        "E": now,
        "s": symbol,
        "i": f"{AVERAGE_MINUTES}m",
        "w": price,
        "T": last_trade,
    }


def shutdown(now: int) -> Json:
    """The connection is about to be closed by plan."""
    return {"e": "serverShutdown", "E": now}


def text(frame: object, *, microseconds: bool = False) -> str:
    """A frame as it goes out; one that is a text already was recorded."""
    if isinstance(frame, str):
        if not microseconds:
            return frame
        frame = orjson.loads(frame)
    return orjson.dumps(_in_microseconds(frame) if microseconds else frame).decode()


def combined(stream: str, told: str) -> str:
    """The text of a frame as connections of the combined form get it."""
    return f'{{"stream":"{stream}","data":{told}}}'


def _in_microseconds(frame: object) -> object:
    """Closing times at the last ms become the last us, as in REST."""
    if isinstance(frame, list):
        return [_in_microseconds(each) for each in frame]
    if not isinstance(frame, dict) or "e" not in frame:
        return frame
    finer = dict(frame)
    for name in _TIMES.get(frame["e"], ("E",)):
        finer[name] *= 1_000
    if frame["e"] == "kline":
        candle = frame["k"]
        finer["k"] = candle | {"t": candle["t"] * 1_000, "T": candle["T"] * 1_000 + 999}
    return finer


def _bounds(s: Statistics) -> Json:
    return {
        "O": s.start,
        "C": s.end,
        "F": s.last_id - s.count + 1 if s.count else -1,
        "L": s.last_id if s.count else -1,
        "n": s.count,
    }


def _levels(levels: list[Level]) -> list[tuple[str, str]]:
    return [(amount(price), amount(quantity)) for price, quantity in levels]
