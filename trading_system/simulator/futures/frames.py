"""What futures streams tell, with the names, the order and the types that recorded frames have.

Times are ms. Candles are told as on the spot side, field for field.
"""

from __future__ import annotations

from decimal import Decimal

from trading_system.simulator import tickers
from trading_system.simulator.futures import wire
from trading_system.simulator.futures.wire import Json, Scale
from trading_system.simulator.model import Depth, Level, MarketTrade
from trading_system.simulator.streams.book_changes import Changes
from trading_system.simulator.tickers import Statistics

_NO_RATE = "0.00000000"


def aggregate_trade(symbol: str, trade: MarketTrade, scale: Scale, now: int) -> Json:
    """A trade of the tape; `nq` leaves out what no order of the API could have met."""
    told = wire.aggregate_trade(trade, scale)
    return {
        "e": "aggTrade",
        "E": now,
        "a": told["a"],
        "s": symbol,
        "p": told["p"],
        "q": told["q"],
        "nq": told["q"],
        "f": told["f"],
        "l": told["l"],
        "T": told["T"],
        "m": told["m"],
    }


def quote(symbol: str, book: Depth, scale: Scale, now: int) -> Json:
    """The best bid and the best ask; zeros for a side that is empty."""
    bid, ask = wire.best(book)
    return {
        "e": "bookTicker",
        "u": book.last_update_id,
        "s": symbol,
        "b": scale.price(bid.price),
        "B": scale.quantity(bid.quantity),
        "a": scale.price(ask.price),
        "A": scale.quantity(ask.quantity),
        "T": now,
        "E": now,
    }


def depth_update(symbol: str, changes: Changes, scale: Scale, now: int) -> Json:
    """What changed since update `pu`; a quantity of 0 ends a level."""
    return {
        "e": "depthUpdate",
        "E": now,
        "T": now,
        "s": symbol,
        "U": changes.first,
        "u": changes.last,
        "pu": changes.first - 1,
        "b": _levels(changes.bids, scale),
        "a": _levels(changes.asks, scale),
    }


def mini_ticker(s: Statistics, scale: Scale, now: int) -> Json:
    """The day in short."""
    return {
        "e": "24hrMiniTicker",
        "E": now,
        "s": s.symbol,
        "c": scale.price(s.last),
        "o": scale.price(s.open),
        "h": scale.price(s.high),
        "l": scale.price(s.low),
        "v": scale.quantity(s.volume),
        "q": scale.price(s.quote),
    }


def ticker(s: Statistics, scale: Scale, *, last_quantity: Decimal, now: int) -> Json:
    """The last 24 hours in full."""
    change = tickers.change(s)
    return {
        "e": "24hrTicker",
        "E": now,
        "s": s.symbol,
        "p": scale.price(s.last - s.open),
        "P": change["priceChangePercent"],
        "w": change["weightedAvgPrice"],
        "c": scale.price(s.last),
        "Q": scale.quantity(last_quantity),
        "o": scale.price(s.open),
        "h": scale.price(s.high),
        "l": scale.price(s.low),
        "v": scale.quantity(s.volume),
        "q": scale.price(s.quote),
        "O": now - tickers.DAY,
        "C": now,
        "F": s.last_id - s.count + 1,
        "L": s.last_id,
        "n": s.count,
    }


def mark_price(symbol: str, mark: Decimal, now: int) -> Json:
    """The mark price, the index price and the funding that does not happen here."""
    price = wire.money(mark)
    return {
        "e": "markPriceUpdate",
        "E": now,
        "s": symbol,
        "p": price,
        "P": price,
        "i": price,
        "r": _NO_RATE,
        "T": wire.next_funding(now),
    }


def _levels(levels: list[Level], scale: Scale) -> list[tuple[str, str]]:
    return [(scale.price(price), scale.quantity(quantity)) for price, quantity in levels]
