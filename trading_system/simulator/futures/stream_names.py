"""The names of futures market streams, and the road each of them is served on.

Source: Binance's USD-M documentation, "Websocket Market Streams". Of the streams that tell of
every symbol at once there is none here.
"""

from __future__ import annotations

import re
from enum import StrEnum

from trading_system.simulator.streams.names import StreamName, Topic

_SECOND = 1_000
_PACES = {
    Topic.AGGREGATE_TRADE: 100,
    Topic.QUOTE: 100,
    Topic.KLINE: 250,
    Topic.DEPTH: 250,
    Topic.PARTIAL_DEPTH: 250,
    Topic.MINI_TICKER: 2 * _SECOND,
    Topic.TICKER: 2 * _SECOND,
    Topic.MARK_PRICE: 3 * _SECOND,
}
_NAME = re.compile(
    r"(?P<symbol>[^@!/\s]+)@(?:"
    r"(?P<plain>aggTrade|miniTicker|ticker|bookTicker)"
    r"|(?P<mark>markPrice)(?P<often>@1s)?"
    r"|kline_(?P<interval>1m|3m|5m|15m|30m|1h|2h|4h|6h|8h|12h|1d|3d|1w|1M)"
    r"|depth(?P<levels>5|10|20)?(?:@(?P<pace>100|250|500)ms)?"
    r")\Z"
)


class Road(StrEnum):
    """Where a market stream is served."""

    PUBLIC = "public"
    MARKET = "market"


def road_of(topic: Topic) -> Road:
    """Books are on the public road, all else is on that of the market."""
    books = {Topic.QUOTE, Topic.DEPTH, Topic.PARTIAL_DEPTH}
    return Road.PUBLIC if topic in books else Road.MARKET


def parse(text: str, road: Road) -> StreamName:
    """Read a name; ValueError for what no stream of this road is called."""
    found = _NAME.match(text)
    if found is None or found["symbol"] != found["symbol"].lower():
        raise ValueError(f"{text} is no stream")
    topic = _topic(found)
    if road_of(topic) is not road:
        raise ValueError(f"{text} is no stream of /{road}")
    return StreamName(
        text=text,
        topic=topic,
        symbol=found["symbol"].upper(),
        period=_SECOND if found["often"] else int(found["pace"] or _PACES[topic]),
        interval=found["interval"] or "",
        levels=int(found["levels"] or 0),
    )


def _topic(found: re.Match[str]) -> Topic:
    if found["plain"] or found["mark"]:
        return Topic(found["plain"] or found["mark"])
    if found["interval"]:
        return Topic.KLINE
    return Topic.PARTIAL_DEPTH if found["levels"] else Topic.DEPTH
