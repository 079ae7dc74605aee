"""Recorded files of the real exchange, replayed: nothing lost, nothing added, all in agreement."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from trading_system.simulator.replay.opening import opened

RECORDED = Path(__file__).parents[4] / "shared/data"
LONG = RECORDED / "depth/BTCUSDT_spot_trade_bookTicker_depth100ms_2024-08-08.jsonl.gz"
SHORT = RECORDED / "ws/spot_depth100ms_bookTicker_kline1m_aggTrade_2021-10-12.jsonl.gz"
BOOKS = RECORDED / "depth/spot_depth_snapshots_2021-10-12.jsonl.gz"
MINUTE = 60_000

pytestmark = [
    pytest.mark.recorded,
    pytest.mark.skipif(not RECORDED.exists(), reason="no recorded streams beside the project"),
]


def lines(path):
    with gzip.open(path, "rt") as file:
        return [line.rstrip("\n") for line in file]


@pytest.fixture(scope="module")
def ten_minutes():
    return opened(LONG, seed=1, shift=False, now=0)


@pytest.fixture(scope="module")
def recorded():
    messages = [json.loads(line)["m"] for line in lines(LONG)]
    return [message["data"] for message in messages if "data" in message]


def test_whole_minutes_are_what_the_trades_say(ten_minutes, recorded) -> None:
    feed, frames = ten_minutes
    trades = defaultdict(list)
    for data in recorded:
        if data.get("e") == "trade":
            trades[data["T"] // MINUTE * MINUTE].append(data)
    whole = sorted(trades)[1:-1]
    assert len(whole) == 10
    rows = feed.klines(
        "BTCUSDT", "1m", start=whole[0], end=whole[-1], limit=99, now=frames.end + MINUTE
    )
    for row, opening in zip(rows, whole, strict=True):
        told = trades[opening]
        prices = [Decimal(each["p"]) for each in told]
        bought = [each for each in told if not each["m"]]
        assert [row[0], row[8]] == [opening, len(told)]
        assert list(map(Decimal, row[1:5])) == [prices[0], max(prices), min(prices), prices[-1]]
        assert Decimal(row[5]) == sum(Decimal(each["q"]) for each in told)
        assert Decimal(row[7]) == sum(Decimal(each["p"]) * Decimal(each["q"]) for each in told)
        assert Decimal(row[9]) == sum(Decimal(each["q"]) for each in bought)


def test_every_frame_comes_once_byte_by_byte_in_order(ten_minutes) -> None:
    _, frames = ten_minutes
    left = defaultdict(list)
    for stream in frames.tracks:
        for now in range(frames.start - 1, frames.end + 10_000, 10_000):
            left[stream] += frames.due(stream, after=now, until=now + 10_000)
    told = {stream: iter(texts) for stream, texts in left.items()}
    for line in lines(LONG):
        stream, _, data = line.partition('"stream":"')[2].partition('","data":')
        if data:
            assert next(told[stream]) == data[:-2]
    assert [list(rest) for rest in told.values()] == [[], [], []]


def test_no_frame_is_due_before_it_happened_and_none_much_later(ten_minutes) -> None:
    _, frames = ten_minutes
    track = frames.tracks["btcusdt@depth@100ms"]
    late = [
        time - json.loads(text)["E"] for time, text in zip(track.times, track.texts, strict=True)
    ]
    assert min(late) >= 0
    assert max(late) < 50


def test_the_rebuilt_book_has_the_recorded_best_prices(ten_minutes, recorded) -> None:
    """Wherever a best price was told for the very update a diff ends with."""
    feed, frames = ten_minutes
    best = {data["u"]: data for data in recorded if "e" not in data}
    compared = 0
    for now in range(frames.start, frames.end, 1_000):
        quote = feed.quote("BTCUSDT", now=now)
        told = best.get(quote.last_update_id)
        if told is not None:
            compared += 1
            assert quote.bids == [(Decimal(told["b"]), Decimal(told["B"]))]
            assert quote.asks == [(Decimal(told["a"]), Decimal(told["A"]))]
    assert compared > 20


def test_streams_of_four_pairs_begin_with_their_books(tmp_path) -> None:
    for path in (SHORT, BOOKS):
        (tmp_path / path.name).symlink_to(path)
    feed, frames = opened(tmp_path, seed=1, shift=False, now=0)
    assert list(feed.symbols) == ["NKNUSDT", "BLZETH", "LRCBTC", "RUNEEUR"]
    for line in lines(BOOKS):
        record = json.loads(line)
        symbol = record["url"].partition("symbol=")[2].partition("&")[0]
        book = feed.depth(symbol, now=frames.start)
        assert book.last_update_id >= record["m"]["lastUpdateId"]
        assert len(book.bids) >= 100
        end = feed.depth(symbol, now=frames.end)
        assert end.bids[0].price < end.asks[0].price
    assert feed.last_trade("NKNUSDT", now=frames.end).id == 19862790
    assert frames.due("nknusdt@kline_1m", after=0, until=frames.end)
