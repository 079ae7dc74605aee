"""Frames as the documentation has them, and as the real exchange has sent them."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path

import pytest

from trading_system.domain.candles import Candle
from trading_system.domain.instruments import Symbol
from trading_system.domain.market import BookUpdate, CandleUpdate, PriceLevel, Quote, Ticker, Trade
from trading_system.exchange.streams import market_frames
from trading_system.exchange.streams.market_frames import (
    BOOK,
    CANDLE,
    QUOTE,
    TICKER,
    TRADE,
    UNREADABLE,
)

BTC = Symbol("BTC", "USDT")
SHARED = Path(__file__).parents[4] / "shared/data"
KINDS = (TRADE, QUOTE, TICKER, CANDLE, BOOK)

TRADE_FRAME = {
    "e": "trade",
    "E": 1723161255343,
    "s": "BTCUSDT",
    "t": 3735683259,
    "p": "61837.63000000",
    "q": "0.02000000",
    "T": 1723161255342,
    "m": True,
    "M": True,
}
QUOTE_FRAME = {"u": 7, "s": "BTCUSDT", "b": "10.5", "B": "1", "a": "10.6", "A": "2"}
TICKER_FRAME = {
    "e": "24hrMiniTicker",
    "E": 1627994248076,
    "s": "BTCUSDT",
    "c": "38217.55",
    "o": "39271.61",
    "h": "39975.96",
    "l": "37703.75",
    "v": "54555.81687900",
    "q": "2122507393.62996085",
}
BOOK_FRAME = {
    "e": "depthUpdate",
    "E": 1723161255208,
    "s": "BTCUSDT",
    "U": 5,
    "u": 9,
    "b": [["61737.63000000", "0.00000000"]],
    "a": [["61837.64000000", "1.54698000"], ["61839.85000000", "0.1"]],
}


def kline(*, closed: bool = False, last_trade_id: int = -1) -> dict:
    bar = {"t": 1627993800000, "T": 1627993859999, "s": "BTCUSDT", "i": "1m", "x": closed}
    bar |= {"o": "38231.29", "c": "38183.30", "h": "38289.46", "l": "38173.86", "v": "33.118075"}
    bar |= {"L": last_trade_id}
    return {"e": "kline", "E": 1627993846810, "s": "BTCUSDT", "k": bar}


@pytest.mark.parametrize(
    ("kind", "frame", "event"),
    [
        (TRADE, TRADE_FRAME, Trade(BTC, 3735683259, 61837.63, 0.02, True, 1723161255342, 99)),
        (QUOTE, QUOTE_FRAME, Quote(BTC, 10.5, 1.0, 10.6, 2.0, 7, 99)),
        (
            TICKER,
            TICKER_FRAME,
            Ticker(
                BTC,
                38217.55,
                39271.61,
                39975.96,
                37703.75,
                54555.816879,
                2122507393.62996085,
                1627994248076,
                99,
            ),
        ),
        (
            CANDLE,
            kline(closed=True),
            CandleUpdate(
                BTC,
                Candle(1627993800000, 38231.29, 38289.46, 38173.86, 38183.3, 33.118075),
                True,
                1627993846810,
                99,
            ),
        ),
        (
            CANDLE,
            kline(last_trade_id=7),
            CandleUpdate(
                BTC,
                Candle(1627993800000, 38231.29, 38289.46, 38173.86, 38183.3, 33.118075),
                False,
                1627993846810,
                99,
                7,
            ),
        ),
        (
            BOOK,
            BOOK_FRAME,
            BookUpdate(
                BTC,
                5,
                9,
                (PriceLevel(Decimal("61737.63000000"), Decimal(0)),),
                (
                    PriceLevel(Decimal("61837.64"), Decimal("1.54698")),
                    PriceLevel(Decimal("61839.85"), Decimal("0.1")),
                ),
                1723161255208,
                99,
            ),
        ),
    ],
)
def test_a_frame_becomes_an_event(kind, frame, event):
    assert kind.read(frame, BTC, 99) == event


@pytest.mark.parametrize(
    ("kind", "frame"),
    [
        (TRADE, TRADE_FRAME | {"p": "-1"}),
        (TRADE, TRADE_FRAME | {"p": None}),
        (TRADE, {"e": "trade"}),
        (QUOTE, QUOTE_FRAME | {"b": "11"}),
        (TICKER, TICKER_FRAME | {"l": "nan"}),
        (CANDLE, {"e": "kline", "k": []}),
        (CANDLE, kline() | {"k": kline()["k"] | {"L": "?"}}),
        (CANDLE, {"e": "kline", "k": {**kline()["k"], "h": "1"}}),
        (BOOK, BOOK_FRAME | {"u": 4}),
        (BOOK, BOOK_FRAME | {"b": [["x", "1"]]}),
        (BOOK, BOOK_FRAME | {"b": [["1"]]}),
    ],
)
def test_a_frame_that_no_market_can_have_sent_is_refused(kind, frame):
    with pytest.raises(UNREADABLE):
        kind.read(frame, BTC, 99)


@pytest.mark.parametrize(
    ("kind", "frame", "passing"),
    [
        (TRADE, TRADE_FRAME, False),
        (BOOK, BOOK_FRAME, False),
        (CANDLE, kline(closed=True), False),
        (CANDLE, kline(closed=False), True),
        (CANDLE, {"e": "kline"}, False),
        (QUOTE, QUOTE_FRAME, True),
        (TICKER, TICKER_FRAME, True),
    ],
)
def test_only_what_the_next_one_replaces_may_be_lost(kind, frame, passing):
    assert kind.passing(frame) is passing


def test_the_last_message_of_a_candle_is_newer_than_the_others():
    growing, closed = kline(), kline(closed=True)
    positions = [CANDLE.position(CANDLE.read(frame, BTC, 0)) for frame in (growing, closed)]
    assert positions[0] < positions[1]


def recorded(name):
    with gzip.open(SHARED / name, "rt") as lines:
        for line in lines:
            frame = json.loads(line).get("m", {})
            if "stream" in frame:
                yield frame


@pytest.mark.recorded
@pytest.mark.skipif(not SHARED.exists(), reason="no recorded frames beside the project")
@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("ws/spot_depth100ms_bookTicker_kline1m_aggTrade_2021-10-12.jsonl.gz", 10_000),
        ("depth/BTCUSDT_spot_trade_bookTicker_depth100ms_2024-08-08.jsonl.gz", 5_000),
    ],
)
def test_every_recorded_frame_reads_and_its_stream_never_goes_back(name, limit):
    kinds = {kind.suffix: kind for kind in KINDS}
    positions: dict[str, object] = {}
    seen = set()
    for _, frame in zip(range(limit), recorded(name), strict=False):
        kind = kinds.get(frame["stream"].partition("@")[2])
        if kind is None:  # aggTrade is not followed
            continue
        event = kind.read(frame["data"], BTC, 0)
        position = kind.position(event)
        before = positions.get(frame["stream"])
        assert before is None or before < position, frame
        positions[frame["stream"]] = position
        seen.add(kind.suffix)
    assert {QUOTE.suffix, BOOK.suffix} <= seen


@pytest.mark.recorded
@pytest.mark.skipif(not SHARED.exists(), reason="no recorded frames beside the project")
def test_recorded_single_messages_read():
    readers = {
        "24hrMiniTicker": market_frames.ticker,
        "kline": market_frames.candle_update,
        "bookTicker": market_frames.quote,
        "depthUpdate": market_frames.book_update,
        "trade": market_frames.trade,
    }
    read = set()
    for entry in json.loads((SHARED / "ws/market_single_messages.json").read_text()):
        message = entry["message"]
        if entry["name"] in readers and isinstance(message, dict) and "stream" not in message:
            if "ps" in message or ("T" in message and entry["name"] == "depthUpdate"):
                continue  # futures
            assert readers[entry["name"]](message, BTC, 0)
            read.add(entry["name"])
    assert {"24hrMiniTicker", "kline", "bookTicker", "depthUpdate"} <= read
