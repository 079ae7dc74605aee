"""Tickers of one symbol, of some, or of all."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum

from trading_system.simulator import tickers, wire
from trading_system.simulator.arguments import Arguments, invalid
from trading_system.simulator.endpoints.request import Request, require_status
from trading_system.simulator.model import Refused
from trading_system.simulator.tickers import DAY, HOUR, MINUTE
from trading_system.simulator.wire import Json

_WINDOW = re.compile(r"([1-9]\d?)([mhd])\Z", re.ASCII)
_WINDOW_UNITS = {"m": (MINUTE, 59), "h": (HOUR, 23), "d": (DAY, 7)}
_MOST_SYMBOLS = 100
_CHEAP_SYMBOLS = 20

Ticker = Callable[[str], Json]


class TickerType(StrEnum):
    """How much a ticker tells."""

    FULL = "FULL"
    MINI = "MINI"


def day(request: Request) -> object:
    """GET ticker/24hr."""
    exchange, now, kind = request.exchange, request.now, _type(request)
    feed = exchange.feed

    def tell(symbol: str) -> Json:
        window = exchange.windows.at(symbol, DAY, now)
        exactly = replace(window, start=now - DAY)
        if kind is TickerType.MINI:
            return tickers.mini(exactly)
        return tickers.day(
            exactly,
            previous=tickers.previous_close(feed, symbol, before=window.start, now=now),
            last_quantity=feed.last_trade(symbol, now=now).quantity,
            book=exchange.venue.quote(symbol, now),
        )

    return _each(request, tell)


def trading_day(request: Request) -> object:
    """GET ticker/tradingDay."""
    feed, now = request.exchange.feed, request.now
    kind, offset = _type(request), request.utc_offset()

    def tell(symbol: str) -> Json:
        statistics = tickers.trading_day(feed, symbol, utc_offset=offset, now=now)
        return tickers.mini(statistics) if kind is TickerType.MINI else tickers.full(statistics)

    return _each(request, tell, all_by_default=False)


def window(request: Request) -> object:
    """GET ticker."""
    feed, now = request.exchange.feed, request.now
    kind, length = _type(request), _length(request.arguments)

    def tell(symbol: str) -> Json:
        statistics = tickers.rolling(feed, symbol, length=length, now=now)
        return tickers.mini(statistics) if kind is TickerType.MINI else tickers.full(statistics)

    return _each(request, tell, all_by_default=False)


def price(request: Request) -> object:
    """GET ticker/price."""
    feed, now = request.exchange.feed, request.now

    def tell(symbol: str) -> Json:
        last = feed.last_trade(symbol, now=now)
        return {"symbol": symbol, "price": wire.amount(last.price)}

    return _each(request, tell)


def book(request: Request) -> object:
    """GET ticker/bookTicker."""
    venue, now = request.exchange.venue, request.now

    def tell(symbol: str) -> Json:
        return {"symbol": symbol, **tickers.best(venue.quote(symbol, now))}

    return _each(request, tell)


def day_weight(arguments: Arguments) -> int:
    """By the number of symbols; all of them weigh most."""
    if arguments.symbol() is not None:
        return 2
    symbols = arguments.symbols()
    if symbols is None or len(symbols) > _MOST_SYMBOLS:
        return 80
    return 2 if len(symbols) <= _CHEAP_SYMBOLS else 40


def window_weight(arguments: Arguments) -> int:
    """4 a symbol, 200 at most."""
    return min(4 * len(arguments.symbols() or [""]), 200)


def price_weight(arguments: Arguments) -> int:
    """Tickers that need no history."""
    return 2 if arguments.symbol() is not None else 4


def _each(request: Request, tell: Ticker, *, all_by_default: bool = True) -> object:
    """One ticker for `symbol`, a list for `symbols` or for everything that is listed."""
    chosen, status = request.named(), request.status()
    if request.arguments.symbol() is not None and chosen is not None:
        require_status(chosen[0], status)
        return tell(chosen[0].symbol)
    if chosen is None and not all_by_default:
        raise Refused(-1102, "Param 'symbol' or 'symbols' must be sent, but both were empty/null!")
    if chosen is None:
        chosen = request.listed(None)
    elif not all_by_default and len(chosen) > _MOST_SYMBOLS:
        raise Refused(
            -1102, f"'symbols' contains unexpected value. Cannot be greater than {_MOST_SYMBOLS}."
        )
    return [tell(rules.symbol) for rules in chosen if status in {None, rules.status}]


def _type(request: Request) -> TickerType:
    kind = request.arguments.choice("type", TickerType, Refused(-1139, "Invalid ticker type."))
    return kind or TickerType.FULL


def _length(arguments: Arguments) -> int:
    text = arguments.text("windowSize")
    if text is None:
        return DAY
    match = _WINDOW.match(text)
    if match is None:
        raise invalid("windowSize")
    unit, most = _WINDOW_UNITS[match[2]]
    if int(match[1]) > most:
        raise invalid("windowSize")
    return int(match[1]) * unit
