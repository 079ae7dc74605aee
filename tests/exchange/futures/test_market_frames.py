"""Frames of futures as they were recorded, and the rule that their books follow."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from trading_system.domain.instruments import Symbol
from trading_system.domain.market import BookUpdate, CandleUpdate, Quote, Trade
from trading_system.exchange.futures import market_frames
from trading_system.exchange.streams import market_frames as spot
from trading_system.exchange.streams import roles

BTC = Symbol("BTC", "USDT")
RECORDED = Path(__file__).parents[4] / "shared/data/ws"
KINDS = {kind.suffix: kind for road in market_frames.ROADS for kind in road.kinds[roles.EXECUTION]}
TRADE = {"e": "aggTrade", "E": 9, "s": "BTCUSDT", "a": 7, "p": "70.5", "q": "2", "f": 100}
TRADE |= {"l": 104, "T": 8, "m": True}
BOOK = {"e": "depthUpdate", "E": 9, "T": 8, "s": "BTCUSDT", "U": 50, "u": 60, "pu": 40}
BOOK |= {"b": [["70.5", "0"]], "a": []}
BAR = {"t": 0, "o": "1", "h": "2", "l": "1", "c": "2", "v": "3", "x": True, "L": 104}


def test_every_stream_has_one_road_and_spots_kinds_are_all_there():
    books, rest = market_frames.ROADS[1], market_frames.ROADS[0]
    assert {kind.suffix for kind in books.kinds[roles.EXECUTION]} == {"bookTicker", "depth@100ms"}
    names = {"aggTrade", "kline_1m", "miniTicker"}
    assert {kind.suffix for kind in rest.kinds[roles.EXECUTION]} == names
    wanted = {kind.suffix for kind in roles.kinds(roles.MONITORING)}
    both = {kind.suffix for road in (books, rest) for kind in road.kinds[roles.MONITORING]}
    assert both == wanted


def test_the_tape_is_of_aggregate_trades_throughout():
    assert market_frames.trade(TRADE, BTC, 5) == Trade(BTC, 7, 70.5, 2.0, True, 8, 5)
    candle = market_frames.candle_update({"E": 9, "k": BAR}, BTC, 5)
    assert candle.last_trade_id is None
    assert spot.candle_update({"E": 9, "k": BAR}, BTC, 5).last_trade_id == 104


def test_a_change_of_the_book_begins_where_the_one_before_it_ended():
    update = market_frames.book_update(BOOK, BTC, 5)
    assert (update.first_id, update.last_id) == (41, 60)


def test_a_quote_tells_when_it_was():
    assert market_frames.QUOTE.tells_time
    assert not spot.QUOTE.tells_time


@pytest.fixture(scope="module")
def recording():
    file = RECORDED / "um_depth100ms_bookTicker_kline1m_aggTrade_2021-07-22.jsonl.gz"
    if not file.exists():
        pytest.skip("no recorded frames beside the project")
    with gzip.open(file, "rt") as lines:
        frames = [json.loads(line).get("m", {}) for line in lines]
    return [frame for frame in frames if "stream" in frame]


@pytest.mark.recorded
def test_every_recorded_frame_is_read(recording):
    read = Counter()
    for frame in recording:
        name, _, suffix = frame["stream"].partition("@")
        symbol = Symbol(name.upper().removesuffix("USDT"), "USDT")
        event = KINDS[suffix].read(frame["data"], symbol, 5)
        read[type(event)] += 1
    assert read == {Quote: 613, BookUpdate: 764, CandleUpdate: 67, Trade: 91}


@pytest.mark.recorded
def test_recorded_changes_of_a_book_follow_each_other_without_gap(recording):
    """By `pu`; by `U` and `u` alone, as on spot, hardly any two of them would."""
    books: dict[str, list[dict]] = {}
    for frame in recording:
        if frame["stream"].endswith("@depth@100ms"):
            books.setdefault(frame["stream"], []).append(frame["data"])
    steps = 0
    for changes in books.values():
        updates = [market_frames.book_update(change, BTC, 5) for change in changes]
        for before, after in pairwise(updates):
            assert after.first_id == before.last_id + 1
            steps += 1
    assert steps > 700
    as_spot = [pair for changes in books.values() for pair in pairwise(changes)]
    assert sum(after["U"] == before["u"] + 1 for before, after in as_spot) < steps / 10
