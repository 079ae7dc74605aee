"""Statistics over a span of time, added up from the market's own candles.

Candles are asked for in the longest lengths that fit, so a day costs some eighty rows and not
1,440. Sums are exact: Decimal, never float.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from trading_system.simulator.feeds import Feed, KlineRow
from trading_system.simulator.model import Depth
from trading_system.simulator.wire import Json, amount

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
_PAGE = 1_000
_OPEN_TIME, _OPEN, _HIGH, _LOW, _CLOSE, _VOLUME, _, _QUOTE, _COUNT = range(9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """What happened to a symbol from `start` to `end`, ms UTC; without trades `count` is 0."""

    symbol: str
    start: int
    end: int
    open: Decimal
    high: Decimal
    low: Decimal
    last: Decimal
    volume: Decimal
    quote: Decimal
    last_id: int
    count: int


def rolling(feed: Feed, symbol: str, *, length: int, now: int) -> Statistics:
    """The window of this length that ends now, widened to a whole minute at its start."""
    start = (now - length) // MINUTE * MINUTE
    full_hour = -(-start // HOUR) * HOUR
    rows: list[KlineRow] = []
    if start < full_hour:
        rows += _rows(feed, symbol, "1m", start=start, end=min(full_hour - 1, now), now=now)
    if full_hour <= now:
        rows += _rows(feed, symbol, "1h", start=full_hour, end=now, now=now)
    return _sum(feed, symbol, rows, start=start, end=now, now=now)


class RollingWindows:
    """Windows asked for again and again, of many symbols, each of which remembers its past."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._windows: dict[tuple[str, int], _RollingWindow] = {}

    def at(self, symbol: str, length: int, now: int) -> Statistics:
        """As `rolling` has it."""
        if (symbol, length) not in self._windows:
            self._windows[symbol, length] = _RollingWindow(self._feed, symbol, length)
        return self._windows[symbol, length].at(now)


class _RollingWindow:
    """Within a minute only the end is added up anew, within an hour only the minutes."""

    def __init__(self, feed: Feed, symbol: str, length: int) -> None:
        self._feed = feed
        self._symbol = symbol
        self._length = length
        self._before: tuple[int, list[KlineRow]] = (-1, [])
        self._hours: tuple[int, list[KlineRow]] = (-1, [])

    def at(self, now: int) -> Statistics:
        start, minute = (now - self._length) // MINUTE * MINUTE, now // MINUTE * MINUTE
        if start != self._before[0]:
            self._before = start, self._closed(start, minute, now)
        rows = [*self._before[1], *self._rows("1m", minute, now + 1, now)]
        return _sum(self._feed, self._symbol, rows, start=start, end=now, now=now)

    def _closed(self, start: int, end: int, now: int) -> list[KlineRow]:
        """The candles before `end` as one row, or none."""
        first_hour, this_hour = -(-start // HOUR) * HOUR, end // HOUR * HOUR
        if first_hour != self._hours[0]:
            hours = self._one(self._rows("1h", first_hour, this_hour, now), first_hour, now)
            self._hours = first_hour, hours
        rows = [
            *self._rows("1m", start, first_hour, now),
            *self._hours[1],
            *self._rows("1m", this_hour, end, now),
        ]
        return self._one(rows, start, now)

    def _rows(self, interval: str, start: int, past: int, now: int) -> list[KlineRow]:
        if start >= past:
            return []
        return _rows(self._feed, self._symbol, interval, start=start, end=past - 1, now=now)

    def _one(self, rows: list[KlineRow], start: int, now: int) -> list[KlineRow]:
        """Rows as one row; no rows stay none."""
        if not rows:
            return []
        s = _sum(self._feed, self._symbol, rows, start=start, end=now, now=now)
        return [[start, s.open, s.high, s.low, s.last, s.volume, s.end, s.quote, s.count]]


def trading_day(feed: Feed, symbol: str, *, utc_offset: int, now: int) -> Statistics:
    """The day that is running where clocks are `utc_offset` ms ahead of UTC."""
    start = (now + utc_offset) // DAY * DAY - utc_offset
    rows = feed.klines(symbol, "1d", start=start, end=now, limit=1, now=now, utc_offset=utc_offset)
    return _sum(feed, symbol, rows, start=start, end=start + DAY - 1, now=now)


def previous_close(feed: Feed, symbol: str, *, before: int, now: int) -> Decimal | None:
    """The last price before this minute; None when the market is not that old."""
    rows = feed.klines(symbol, "1m", start=None, end=before - 1, limit=1, now=now)
    return Decimal(str(rows[-1][_CLOSE])) if rows else None


def mini(statistics: Statistics) -> Json:
    """Type MINI of every ticker."""
    s = statistics
    return {
        "symbol": s.symbol,
        "openPrice": amount(s.open),
        "highPrice": amount(s.high),
        "lowPrice": amount(s.low),
        "lastPrice": amount(s.last),
        "volume": amount(s.volume),
        "quoteVolume": amount(s.quote),
        "openTime": s.start,
        "closeTime": s.end,
        "firstId": s.last_id - s.count + 1 if s.count else -1,
        "lastId": s.last_id if s.count else -1,
        "count": s.count,
    }


def full(statistics: Statistics) -> Json:
    """Type FULL of ticker and ticker/tradingDay."""
    return {"symbol": statistics.symbol, **change(statistics), **mini(statistics)}


def day(
    statistics: Statistics, *, previous: Decimal | None, last_quantity: Decimal, book: Depth
) -> Json:
    """Type FULL of ticker/24hr, which knows the book too."""
    rest = mini(statistics)
    last = rest.pop("lastPrice")
    return {
        "symbol": statistics.symbol,
        **change(statistics),
        "prevClosePrice": amount(statistics.open if previous is None else previous),
        "lastPrice": last,
        "lastQty": amount(last_quantity),
        **best(book),
        **rest,
    }


def best(book: Depth) -> Json:
    """The top of the book; zeros for a side that is empty."""
    nothing = (Decimal(0), Decimal(0))
    bid, bid_quantity = book.bids[0] if book.bids else nothing
    ask, ask_quantity = book.asks[0] if book.asks else nothing
    return {
        "bidPrice": amount(bid),
        "bidQty": amount(bid_quantity),
        "askPrice": amount(ask),
        "askQty": amount(ask_quantity),
    }


def change(s: Statistics) -> Json:
    """How far the price has come, and at what average."""
    moved = s.last - s.open
    percent = moved / s.open * 100 if s.open else Decimal(0)
    average = s.quote / s.volume if s.volume else Decimal(0)
    return {
        "priceChange": amount(moved),
        "priceChangePercent": f"{percent:.3f}",
        "weightedAvgPrice": amount(average),
    }


def _rows(
    feed: Feed, symbol: str, interval: str, *, start: int, end: int, now: int
) -> list[KlineRow]:
    return feed.klines(symbol, interval, start=start, end=end, limit=_PAGE, now=now)


def _sum(
    feed: Feed, symbol: str, rows: Sequence[KlineRow], *, start: int, end: int, now: int
) -> Statistics:
    last = feed.last_trade(symbol, now=now)
    if not rows:
        still = last.price
        rows = [[start, still, still, still, still, 0, end, 0, 0]]
    return Statistics(
        symbol=symbol,
        start=start,
        end=end,
        open=_decimal(rows[0], _OPEN),
        high=max(_decimal(row, _HIGH) for row in rows),
        low=min(_decimal(row, _LOW) for row in rows),
        last=_decimal(rows[-1], _CLOSE),
        volume=sum((_decimal(row, _VOLUME) for row in rows), Decimal(0)),
        quote=sum((_decimal(row, _QUOTE) for row in rows), Decimal(0)),
        last_id=last.id,
        count=sum(int(str(row[_COUNT])) for row in rows),
    )


def _decimal(row: KlineRow, field: int) -> Decimal:
    return Decimal(str(row[field]))
