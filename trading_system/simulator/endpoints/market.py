"""The book, the tape and the candles."""

from __future__ import annotations

from trading_system.simulator import wire
from trading_system.simulator.arguments import Arguments, required
from trading_system.simulator.endpoints.request import Request, combination, require_status
from trading_system.simulator.feeds import KlineRow
from trading_system.simulator.model import MarketTrade, Refused
from trading_system.simulator.wire import Json

_MINUTE = 60_000
_INTERVALS = {
    *("1s", "1m", "3m", "5m", "15m", "30m"),
    *("1h", "2h", "4h", "6h", "8h", "12h"),
    *("1d", "3d", "1w", "1M"),
}
_AVERAGE_MINUTES = 5
_DEEPEST = 5_000
_DEPTH_WEIGHTS = ((100, 5), (500, 25), (1_000, 50), (_DEEPEST, 250))


def depth(request: Request) -> Json:
    """GET depth: the market's book with the users' orders in it."""
    rules = request.rules()
    require_status(rules, request.status())
    limit = request.arguments.limit(default=100, largest=_DEEPEST)
    return wire.depth(request.exchange.venue.depth(rules.symbol, request.now), limit)


def depth_weight(arguments: Arguments) -> int:
    """By the number of levels asked for."""
    limit = arguments.limit(default=100, largest=_DEEPEST)
    return next(weight for most, weight in _DEPTH_WEIGHTS if limit <= most)


def trades(request: Request) -> list[Json]:
    """GET trades and historicalTrades: the newest, or those from an id on."""
    feed, symbol, limit, now = (
        request.exchange.feed,
        request.rules().symbol,
        request.limit(),
        request.now,
    )
    first = request.arguments.whole("fromId")
    if first is None:
        found = feed.latest_trades(symbol, limit=limit, now=now)
    else:
        found = feed.trades_from(symbol, first_id=first, limit=limit, now=now)
    return [wire.public_trade(trade) for trade in found]


def aggregate_trades(request: Request) -> list[Json]:
    """GET aggTrades: the newest, those up to a time, or the oldest from an id or a time on."""
    feed, symbol, limit, now = (
        request.exchange.feed,
        request.rules().symbol,
        request.limit(),
        request.now,
    )
    first, (start, end) = request.arguments.whole("fromId"), request.span()
    if first is not None and (start is not None or end is not None):
        raise combination()
    if first is not None:
        found = feed.trades_from(symbol, first_id=first, limit=limit, now=now)
    elif start is not None:
        found = [t for t in _trades_since(request, symbol, start) if end is None or t.time <= end]
    else:
        found = feed.latest_trades(symbol, limit=limit, now=now if end is None else min(end, now))
    return [wire.aggregate_trade(trade) for trade in found]


def klines(request: Request) -> list[KlineRow]:
    """GET klines and uiKlines."""
    symbol, limit = request.rules().symbol, request.limit()
    interval = required("interval", request.arguments.text("interval"))
    if interval not in _INTERVALS:
        raise Refused(-1120, "Invalid interval.")
    utc_offset, (start, end) = request.utc_offset(), request.span()
    if start is not None and end is not None and start > end:
        return []
    return request.exchange.feed.klines(
        symbol,
        interval,
        start=start,
        end=end,
        limit=limit,
        now=request.now,
        utc_offset=utc_offset,
    )


def average_price(request: Request) -> Json:
    """GET avgPrice."""
    feed, symbol, now = request.exchange.feed, request.rules().symbol, request.now
    average = feed.average_price(symbol, minutes=_AVERAGE_MINUTES, now=now)
    return {
        "mins": _AVERAGE_MINUTES,
        "price": wire.amount(average),
        "closeTime": feed.last_trade(symbol, now=now).time,
    }


def _trades_since(request: Request, symbol: str, start: int) -> list[MarketTrade]:
    """The oldest trades from `start` on; candles show the way over times without any."""
    feed, now = request.exchange.feed, request.now
    minute = start - start % _MINUTE
    for row in feed.klines(symbol, "1m", start=minute, end=None, limit=2, now=now):
        opening = int(str(row[0]))
        first = feed.trades(symbol, start=max(start, opening), end=opening + _MINUTE, now=now)
        if first:
            return feed.trades_from(symbol, first_id=first[0].id, limit=request.limit(), now=now)
    return []
