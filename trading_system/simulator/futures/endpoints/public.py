"""What everybody may ask: rules, books, trades, candles, prices."""

from __future__ import annotations

from collections.abc import Callable

from trading_system.simulator import tickers
from trading_system.simulator.arguments import Arguments, required
from trading_system.simulator.feeds import KlineRow
from trading_system.simulator.futures import exchange_info, wire
from trading_system.simulator.futures.endpoints.request import Request
from trading_system.simulator.futures.rules import ContractRules, contracts
from trading_system.simulator.futures.wire import Json, Scale
from trading_system.simulator.model import Refused

_INTERVALS = {
    *("1m", "3m", "5m", "15m", "30m"),
    *("1h", "2h", "4h", "6h", "8h", "12h"),
    *("1d", "3d", "1w", "1M"),
}
_DEPTHS = {5: 2, 10: 2, 20: 2, 50: 2, 100: 5, 500: 10, 1_000: 20}
_KLINE_WEIGHTS = ((99, 1), (499, 2), (1_000, 5))
_MOST_KLINES = 1_500
_MOST_TRADES = 1_000
_HOUR = 3_600_000
_NOTHING_YET = "0.00000000"


def ping(_: Request) -> Json:
    """GET ping."""
    return {}


def time(request: Request) -> Json:
    """GET time."""
    return {"serverTime": request.now}


def info(request: Request) -> Json:
    """GET exchangeInfo."""
    return exchange_info.exchange_info(contracts(request.exchange.feed).values(), request.now)


def depth(request: Request) -> Json:
    """GET depth: the market's book with the users' orders in it."""
    rules, limit = request.rules(), _depth_limit(request.arguments)
    book = request.exchange.venue.books.depth(rules.symbol, request.now)
    return wire.depth(book, limit, Scale(rules), request.now)


def depth_weight(arguments: Arguments) -> int:
    """By the number of levels asked for."""
    return _DEPTHS[_depth_limit(arguments)]


def trades(request: Request) -> list[Json]:
    """GET trades: the newest."""
    rules = request.rules()
    limit = request.arguments.limit(default=500, largest=_MOST_TRADES)
    latest = request.exchange.feed.latest_trades(rules.symbol, limit=limit, now=request.now)
    return [wire.public_trade(trade, Scale(rules)) for trade in latest]


def aggregate_trades(request: Request) -> list[Json]:
    """GET aggTrades: the newest, those up to a time, or the oldest from an id or a time on.

    From a time on it is an hour at most.
    """
    rules, feed, now = request.rules(), request.exchange.feed, request.now
    limit = request.arguments.limit(default=500, largest=_MOST_TRADES)
    first, (start, end) = request.arguments.whole("fromId"), request.span()
    if first is not None and (start is not None or end is not None):
        raise Refused(-1128, "Combination of optional parameters invalid.")
    if first is not None:
        found = feed.trades_from(rules.symbol, first_id=first, limit=limit, now=now)
    elif start is not None:
        past = start + _HOUR if end is None else min(end + 1, start + _HOUR)
        found = feed.trades(rules.symbol, start=start, end=past, now=now)[:limit]
    else:
        upto = now if end is None else min(end, now)
        found = feed.latest_trades(rules.symbol, limit=limit, now=upto)
    return [wire.aggregate_trade(trade, Scale(rules)) for trade in found]


def klines(request: Request) -> list[KlineRow]:
    """GET klines: the pair's own."""
    symbol, limit = request.rules().symbol, _kline_limit(request.arguments)
    interval = required("interval", request.arguments.text("interval"))
    if interval not in _INTERVALS:
        raise Refused(-1120, "Invalid interval.")
    start, end = request.span()
    if start is not None and end is not None and start > end:
        raise Refused(-1023, "Start time is greater than end time.")
    return request.exchange.feed.klines(
        symbol, interval, start=start, end=end, limit=limit, now=request.now
    )


def klines_weight(arguments: Arguments) -> int:
    """By the number of candles asked for."""
    limit = _kline_limit(arguments)
    return next((weight for most, weight in _KLINE_WEIGHTS if limit <= most), 10)


def premium_index(request: Request) -> object:
    """GET premiumIndex: mark and index price are the last one; there is no funding."""

    def tell(rules: ContractRules) -> Json:
        mark = wire.money(request.exchange.venue.accounts.mark(rules.symbol, request.now))
        return {
            "symbol": rules.symbol,
            "markPrice": mark,
            "indexPrice": mark,
            "estimatedSettlePrice": mark,
            "lastFundingRate": _NOTHING_YET,
            "interestRate": _NOTHING_YET,
            "nextFundingTime": wire.next_funding(request.now),
            "time": request.now,
        }

    return _each(request, tell)


def day(request: Request) -> object:
    """GET ticker/24hr."""

    def tell(rules: ContractRules) -> Json:
        exchange, now, scale = request.exchange, request.now, Scale(rules)
        window = exchange.windows.at(rules.symbol, tickers.DAY, now)
        change = tickers.change(window)
        return {
            "symbol": rules.symbol,
            "priceChange": scale.price(window.last - window.open),
            "priceChangePercent": change["priceChangePercent"],
            "weightedAvgPrice": change["weightedAvgPrice"],
            "lastPrice": scale.price(window.last),
            "lastQty": scale.quantity(exchange.feed.last_trade(rules.symbol, now=now).quantity),
            "openPrice": scale.price(window.open),
            "highPrice": scale.price(window.high),
            "lowPrice": scale.price(window.low),
            "volume": scale.quantity(window.volume),
            "quoteVolume": scale.price(window.quote),
            "openTime": now - tickers.DAY,
            "closeTime": now,
            "firstId": window.last_id - window.count + 1,
            "lastId": window.last_id,
            "count": window.count,
        }

    return _each(request, tell)


def price(request: Request) -> object:
    """GET ticker/price."""

    def tell(rules: ContractRules) -> Json:
        last = request.exchange.feed.last_trade(rules.symbol, now=request.now)
        return {
            "symbol": rules.symbol,
            "price": Scale(rules).price(last.price),
            "time": last.time,
        }

    return _each(request, tell)


def book(request: Request) -> object:
    """GET ticker/bookTicker."""

    def tell(rules: ContractRules) -> Json:
        quote = request.exchange.venue.books.quote(rules.symbol, request.now)
        scale, (bid, ask) = Scale(rules), wire.best(quote)
        return {
            "symbol": rules.symbol,
            "bidPrice": scale.price(bid.price),
            "bidQty": scale.quantity(bid.quantity),
            "askPrice": scale.price(ask.price),
            "askQty": scale.quantity(ask.quantity),
            "time": request.now,
            "lastUpdateId": quote.last_update_id,
        }

    return _each(request, tell)


def by_symbol(one: int, every: int) -> Callable[[Arguments], int]:
    """A weight for one symbol and another for all."""
    return lambda arguments: every if arguments.symbol() is None else one


def _each(request: Request, tell: Callable[[ContractRules], Json]) -> object:
    told = [tell(rules) for rules in request.chosen()]
    return told if request.arguments.symbol() is None else told[0]


def _depth_limit(arguments: Arguments) -> int:
    limit = arguments.whole("limit")
    if limit is None:
        return 500
    if limit not in _DEPTHS:
        raise Refused(-4021, f"'{limit}' is not valid depth limit.")
    return limit


def _kline_limit(arguments: Arguments) -> int:
    return arguments.limit(default=500, largest=_MOST_KLINES)
