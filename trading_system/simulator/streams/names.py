"""The names of market streams: what is told, about which symbol, and how often.

Source: Binance's web-socket-streams.md. Symbols are lower case in names, upper case elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_TICK = 100
_SECOND = 1_000
_KLINE_PACE = 2_000
_HOUR = 3_600_000
_WINDOWS = {"1h": _HOUR, "4h": 4 * _HOUR, "1d": 24 * _HOUR}
_EAST = "@+08:00"
_INTERVALS = "1s|1m|3m|5m|15m|30m|1h|2h|4h|6h|8h|12h|1d|3d|1w|1M"


class Topic(StrEnum):
    """What a stream is about."""

    TRADE = "trade"
    AGGREGATE_TRADE = "aggTrade"
    KLINE = "kline"
    MINI_TICKER = "miniTicker"
    TICKER = "ticker"
    QUOTE = "bookTicker"
    PARTIAL_DEPTH = "partialDepth"
    DEPTH = "depth"
    AVERAGE_PRICE = "avgPrice"
    MARK_PRICE = "markPrice"  # of futures alone


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamName:
    """A parsed name: `symbol` is None where every symbol is meant.

    `period` is the pace in ms; `window` the length of a ticker in ms, 0 for the 24 hours of the
    plain ones; `levels` the size of a partial book; `utc_offset` moves where candles begin.
    """

    text: str
    topic: Topic
    symbol: str | None
    period: int
    interval: str = ""
    utc_offset: int = 0
    window: str = ""
    levels: int = 0

    @property
    def length(self) -> int:
        """How much time a ticker looks back on, ms."""
        return _WINDOWS[self.window or "1d"]


_OF_ALL = re.compile(r"!(?:(?P<mini>miniTicker)|ticker_(?P<window>1h|4h|1d))@arr\Z")
_OF_ONE = re.compile(
    r"(?P<symbol>[^@!/\s]+)@(?:"
    r"(?P<plain>trade|aggTrade|miniTicker|ticker|bookTicker|avgPrice)"
    rf"|kline_(?P<interval>{_INTERVALS})(?P<east>@\+08:00)?"
    r"|ticker_(?P<window>1h|4h|1d)"
    r"|depth(?P<levels>5|10|20)?(?:@(?P<pace>100|1000)ms)?"
    r")\Z"
)
_LIVE = {Topic.TRADE, Topic.AGGREGATE_TRADE, Topic.QUOTE}


def parse(text: str) -> StreamName:
    """Read a name; ValueError for what no stream is called. A symbol need not be listed."""
    found = _OF_ALL.match(text)
    if found is not None:
        return _of_all(text, found["window"])
    found = _OF_ONE.match(text)
    if found is None or found["symbol"] != found["symbol"].lower():
        raise ValueError(f"{text} is no stream")
    symbol = found["symbol"].upper()
    if found["plain"]:
        topic = Topic(found["plain"])
        pace = _TICK if topic in _LIVE else _SECOND
        return StreamName(text=text, topic=topic, symbol=symbol, period=pace)
    if found["interval"]:
        return StreamName(
            text=text,
            topic=Topic.KLINE,
            symbol=symbol,
            period=_SECOND if found["interval"] == "1s" else _KLINE_PACE,
            interval=found["interval"],
            utc_offset=8 * _HOUR if found["east"] else 0,
        )
    if found["window"]:
        return StreamName(
            text=text, topic=Topic.TICKER, symbol=symbol, period=_SECOND, window=found["window"]
        )
    return StreamName(
        text=text,
        topic=Topic.PARTIAL_DEPTH if found["levels"] else Topic.DEPTH,
        symbol=symbol,
        period=int(found["pace"] or _SECOND),
        levels=int(found["levels"] or 0),
    )


def _of_all(text: str, window: str | None) -> StreamName:
    topic = Topic.TICKER if window else Topic.MINI_TICKER
    return StreamName(text=text, topic=topic, symbol=None, period=_SECOND, window=window or "")
