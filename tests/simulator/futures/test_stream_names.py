"""Names of futures streams, and the road each of them is on."""

from __future__ import annotations

import pytest

from trading_system.simulator.futures.stream_names import Road, parse, road_of
from trading_system.simulator.streams.names import Topic

PUBLIC = {
    "btcusdt@bookTicker": (Topic.QUOTE, 100, "", 0),
    "btcusdt@depth": (Topic.DEPTH, 250, "", 0),
    "btcusdt@depth@500ms": (Topic.DEPTH, 500, "", 0),
    "btcusdt@depth10@100ms": (Topic.PARTIAL_DEPTH, 100, "", 10),
}
MARKET = {
    "btcusdt@aggTrade": (Topic.AGGREGATE_TRADE, 100, "", 0),
    "btcusdt@kline_1m": (Topic.KLINE, 250, "1m", 0),
    "btcusdt@markPrice": (Topic.MARK_PRICE, 3_000, "", 0),
    "btcusdt@markPrice@1s": (Topic.MARK_PRICE, 1_000, "", 0),
    "btcusdt@ticker": (Topic.TICKER, 2_000, "", 0),
    "btcusdt@miniTicker": (Topic.MINI_TICKER, 2_000, "", 0),
}
ROADS = [(Road.PUBLIC, *each) for each in PUBLIC.items()]
ROADS += [(Road.MARKET, *each) for each in MARKET.items()]


@pytest.mark.parametrize(("road", "text", "expected"), ROADS)
def test_a_name_is_read_on_its_own_road_and_on_no_other(road, text, expected):
    name = parse(text, road)
    assert (name.topic, name.period, name.interval, name.levels) == expected
    assert (name.symbol, name.text, road_of(name.topic)) == ("BTCUSDT", text, road)
    (other,) = set(Road) - {road}
    with pytest.raises(ValueError, match=f"no stream of /{other}"):
        parse(text, other)


NO_STREAMS = (
    *("btcusdt@trade", "btcusdt@kline_1s", "BTCUSDT@depth", "btcusdt@depth7", "btcusdt", "0"),
    *("btcusdt@depth@1000ms", "!markPrice@arr", "btcusdt@avgPrice", ""),
)


@pytest.mark.parametrize("text", NO_STREAMS)
def test_what_is_no_stream_is_refused(text):
    for road in Road:
        with pytest.raises(ValueError, match="no stream"):
            parse(text, road)
