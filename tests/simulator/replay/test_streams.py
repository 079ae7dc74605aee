"""A market of recorded streams: frames as they were, and everything else in agreement with them."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal

import pytest

from trading_system.simulator.replay.frames import read
from trading_system.simulator.replay.opening import opened

MINUTE = 60_000
START = 1_723_161_240_000  # 2024-08-08T23:54Z
BEHIND = -1_270  # ms that the recorder's clock was behind


def frame(stream, time, **data):
    """A line as it is recorded: receipt in ns by a clock that is behind."""
    received = (time + BEHIND) * 1_000_000
    return {"t": received, "m": {"stream": stream, "data": data}}


def trade(number, at, price, quantity, *, maker=False, symbol="BTCUSDT"):
    return frame(
        f"{symbol.lower()}@trade",
        START + at,
        e="trade",
        E=START + at,
        s=symbol,
        t=number,
        p=f"{price:.8f}",
        q=f"{quantity:.8f}",
        T=START + at - 1,
        m=maker,
        M=True,
    )


def diff(first, last, at, bids=(), asks=()):
    return frame(
        "btcusdt@depth@100ms",
        START + at,
        e="depthUpdate",
        E=START + at,
        s="BTCUSDT",
        U=first,
        u=last,
        b=[list(level) for level in bids],
        a=[list(level) for level in asks],
    )


def best(update_id, at, bid, ask):
    (b, B), (a, A) = bid, ask  # noqa: N806 -- the wire's letters
    return frame("btcusdt@bookTicker", START + at, u=update_id, s="BTCUSDT", b=b, B=B, a=a, A=A)


SNAPSHOT = {
    "t": (START + BEHIND) * 1_000_000,
    "m": {
        "lastUpdateId": 100,
        "bids": [["50000.00", "1.00000"], ["49999.00", "2.00000"]],
        "asks": [["50001.00", "1.50000"], ["50002.00", "2.50000"]],
    },
}
TRADES = [
    trade(7, 5_000, Decimal(50_001), Decimal("0.5")),
    trade(8, 20_000, Decimal(49_990), Decimal("0.25"), maker=True),
    trade(9, 130_000, Decimal("50010.5"), Decimal(1)),
]
DIFFS = [
    diff(98, 100, 100, bids=[("1.00", "9.00000")]),
    diff(101, 103, 200, bids=[("50000.00", "0.00000")], asks=[("50000.50", "0.10000")]),
    diff(104, 104, 130_100, asks=[("50000.50", "0.00000")]),
]


@pytest.fixture
def write(tmp_path):
    def write(*lines, name="streams.jsonl"):
        text = "\n".join(json.dumps(line, separators=(",", ":")) for line in lines) + "\n\n"
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
        return path

    return write


@pytest.fixture
def market(write):
    path = write({"t": 1, "connect": "wss://..."}, SNAPSHOT, *DIFFS[:2], *TRADES, DIFFS[2])
    return opened(path, seed=3, shift=False, now=0)


def test_the_tape_is_the_recorded_one(market) -> None:
    feed, _ = market
    told = feed.trades_from("BTCUSDT", first_id=1, limit=9, now=START + 3 * MINUTE)
    assert [(t.id, t.price, t.quantity, t.time, t.buyer_is_maker) for t in told] == [
        (7, Decimal(50_001), Decimal("0.5"), START + 4_999, False),
        (8, Decimal(49_990), Decimal("0.25"), START + 19_999, True),
        (9, Decimal("50010.5"), Decimal(1), START + 129_999, False),
    ]
    assert feed.trades("BTCUSDT", start=START, end=START + MINUTE, now=START + 4_999) == told[:1]
    assert feed.latest_trades("BTCUSDT", limit=1, now=START + 30_000) == told[1:2]
    bounds = {"at_or_below": None, "at_or_above": Decimal(50_005)}
    assert feed.next_trade("BTCUSDT", after=6, now=START + 3 * MINUTE, **bounds) == told[2]
    assert feed.next_trade("BTCUSDT", after=6, now=START + MINUTE, **bounds) is None


def test_candles_are_sums_of_the_tape_and_flat_where_nobody_traded(market) -> None:
    feed, _ = market
    rows = feed.klines(
        "BTCUSDT", "1m", start=None, end=None, limit=9, now=START + 2 * MINUTE + 30_000
    )
    first, second, third = ([row[0], *map(str, row[1:6]), row[8], row[9]] for row in rows)
    assert first[1:] == [
        *("50001.00000000", "50001.00000000", "49990.00000000", "49990.00000000"),
        *("0.75000000", 2, "0.50000000"),
    ]
    assert second[1:] == [*["49990.00000000"] * 4, "0.00000000", 0, "0.00000000"]
    assert third[:2] == [START + 2 * MINUTE, "50010.50000000"]
    assert rows[0][7] == "37498.00000000"
    assert feed.klines("BTCUSDT", "1m", start=None, end=None, limit=9, now=START) == []


def test_the_book_is_the_snapshot_and_then_what_the_diffs_made_of_it(market) -> None:
    feed, _ = market
    at = feed.depth("BTCUSDT", now=START + 150)
    assert at.last_update_id == 100
    assert [level.price for level in at.bids] == [50_000, 49_999]
    later = feed.depth("BTCUSDT", now=START + 200)
    assert later.last_update_id == 103
    assert [level.price for level in later.bids] == [49_999]
    assert later.asks[0] == (Decimal("50000.5"), Decimal("0.1"))
    assert feed.quote("BTCUSDT", now=START + 200) == later._replace(
        bids=later.bids[:1], asks=later.asks[:1]
    )
    assert feed.depth("BTCUSDT", now=START + 150) == at  # as asked before


def test_before_the_recording_there_is_nothing_and_before_a_trade_the_best_bid(market) -> None:
    feed, _ = market
    for ask in (feed.last_trade, feed.depth, feed.quote):
        with pytest.raises(LookupError):
            ask("BTCUSDT", now=START - 1)
    last = feed.last_trade("BTCUSDT", now=START + 300)
    assert (last.id, last.price, last.quantity) == (6, 49_999, 0)


def test_frames_come_as_they_came_when_the_exchange_sent_them(market) -> None:
    _, frames = market
    due = frames.due("btcusdt@trade", after=START + 4_999, until=START + 20_000)
    assert due == [json.dumps(line["m"]["data"], separators=(",", ":")) for line in TRADES[:2]]
    assert frames.due("btcusdt@trade", after=START + 5_000, until=START + 19_999) == []
    assert frames.has("btcusdt@trade", now=START + 130_100)
    assert not frames.has("btcusdt@trade", now=START + 130_101)
    assert not frames.has("btcusdt@kline_1m", now=START)


def test_afterwards_the_market_goes_on_from_the_last_price(market) -> None:
    feed, frames = market
    end = START + 3 * MINUTE
    assert feed.depth("BTCUSDT", now=end).last_update_id == 104
    later = feed.trades_from("BTCUSDT", first_id=9, limit=5, now=end + MINUTE)
    assert [each.id for each in later] == [9, 10, 11, 12, 13]
    assert abs(later[1].price / later[0].price - 1) < Decimal("0.01")
    assert later[1].time >= end >= frames.end + 10_000
    assert feed.depth("BTCUSDT", now=end + MINUTE).last_update_id > 104
    for now in (end + 1, end + 1_000, end + MINUTE):  # before and after the first seeded trade
        depth = feed.depth("BTCUSDT", now=now)
        assert feed.quote("BTCUSDT", now=now) == (
            depth.last_update_id,
            depth.bids[:1],
            depth.asks[:1],
        )
        assert feed.last_trade("BTCUSDT", now=now).id >= 9
    rows = feed.klines("BTCUSDT", "1m", start=START, end=None, limit=9, now=end + MINUTE - 1)
    assert [row[0] for row in rows] == [START + k * MINUTE for k in range(4)]


def test_a_moved_recording_begins_within_the_last_minute_and_differs_in_times_alone(write) -> None:
    candle = frame("btcusdt@kline_1m", START + 900, e="kline", E=START + 900, k={"t": START})
    table = frame("!miniTicker@arr", START + 950)
    table["m"]["data"] = [{"e": "24hrMiniTicker", "E": START + 950, "s": "BTCUSDT"}]
    path = write(SNAPSHOT, *DIFFS, *TRADES, candle, table, name="moved.jsonl.gz")
    now = START + 10_000 * MINUTE + 25_000
    feed, frames = opened(path, seed=3, shift=True, now=now)
    moved = frames.start - (START + 100)
    assert moved % MINUTE == 0
    assert now - MINUTE < frames.start <= now
    for line in (*TRADES, candle, table):
        stream, data = line["m"]["stream"], line["m"]["data"]
        told = [json.loads(text) for text in frames.due(stream, after=0, until=now + 99 * MINUTE)]
        text = json.dumps(data).replace(str(START // 1_000_000), "")
        assert len(json.dumps(told[0])) > len(text)
        if isinstance(data, dict):
            same = next(each for each in told if each.get("t") == data.get("t"))
            assert same["E"] == data["E"] + moved
            assert {k: v for k, v in same.items() if k not in "ETk"} == {
                k: v for k, v in data.items() if k not in "ETk"
            }
    assert frames.due("btcusdt@kline_1m", after=0, until=now + MINUTE)[0].endswith(
        f'"k":{{"t":{START + moved}}}}}'
    )
    assert feed.last_trade("BTCUSDT", now=frames.end).time == START + 129_999 + moved


def test_without_a_snapshot_the_book_is_what_has_been_told(write) -> None:
    path = write(
        diff(1, 4, 0, bids=[("10.00", "5.00000"), ("12.00", "1.00000")]),
        best(6, 50, ("11.00", "2.00000"), ("13.00", "3.00000")),
        diff(5, 9, 100, bids=[("12.00", "0.00000")], asks=[("13.00", "4.00000")]),
    )
    feed, _ = opened(path, seed=3, shift=False, now=0)
    assert feed.depth("BTCUSDT", now=START).asks == []
    told = feed.depth("BTCUSDT", now=START + 50)
    assert told.last_update_id == 6
    assert [level.price for level in told.bids] == [11, 10]  # 12 would have been the best
    assert told.asks == [(13, 3)]
    assert feed.quote("BTCUSDT", now=START + 100).asks == [(13, 4)]


def test_a_recording_of_trades_alone_has_a_plain_book(write) -> None:
    feed, _ = opened(write(*TRADES), seed=3, shift=False, now=0)
    with pytest.raises(LookupError):
        feed.quote("BTCUSDT", now=START)
    book = feed.depth("BTCUSDT", now=START + 25_000)
    assert len(book.bids) == len(book.asks) == 100
    assert book.bids[0].price < book.asks[0].price
    assert feed.quote("BTCUSDT", now=START + 25_000).bids == book.bids[:1]


def test_an_aggregate_of_trades_is_as_many_trades(write) -> None:
    line = frame("btcusdt@aggTrade", START, e="aggTrade", E=START, a=5, p="50000.00")
    line["m"]["data"] |= {"q": "1.00001", "f": 40, "l": 42, "T": START, "m": True, "M": True}
    feed, _ = opened(write(line), seed=3, shift=False, now=0)
    told = feed.trades_from("BTCUSDT", first_id=1, limit=9, now=START)
    assert [trade.id for trade in told] == [40, 41, 42]
    assert sum(trade.quantity for trade in told) == Decimal("1.00001")


def test_rules_fit_what_is_traded_and_not_what_waits_from_before(write) -> None:
    lines = [
        trade(1, 0, Decimal("0.3521"), Decimal(58), symbol="NKNUSDT"),
        frame("nknusdt@depth", START, e="depthUpdate", E=START, s="NKNUSDT", U=1, u=1),
    ]
    lines[1]["m"]["data"] |= {"b": [["0.35001", "0.5"]], "a": []}
    feed, _ = opened(write(*lines), seed=3, shift=False, now=0)
    rules = feed.symbols["NKNUSDT"]
    assert (rules.tick_size, rules.step_size) == (Decimal("0.0001"), Decimal(1))


def test_a_pair_without_a_price_is_not_listed(write) -> None:
    silent = frame("ethusdt@depth", START, e="depthUpdate", E=START, U=1, u=1, b=[], a=[])
    only_asks = frame("bnbusdt@depth", START, e="depthUpdate", E=START, U=1, u=1, b=[])
    only_asks["m"]["data"]["a"] = [["700.0", "1.0"]]
    feed, _ = opened(write(silent, only_asks, *TRADES), seed=3, shift=False, now=0)
    assert list(feed.symbols) == ["BTCUSDT"]


def test_a_folder_is_one_recording_each_file_with_its_own_clock(write, tmp_path) -> None:
    write(*TRADES[:2], name="1.jsonl")
    later = [{**line, "t": line["t"] // 1_000_000_000 + 500.5} for line in TRADES[2:]]  # in s
    write(*later, name="2.jsonl.gz")
    book = {"t": START / 1_000, "url": "https://x/api/v3/depth?symbol=BTCUSDT&limit=9"}
    write(book | {"m": SNAPSHOT["m"]}, name="3.jsonl")
    recording = read([tmp_path])
    assert recording.tracks["btcusdt@trade"].times == [START + k for k in (5_000, 20_000, 130_000)]
    assert recording.snapshots[0].symbol == "BTCUSDT"


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ([{"t": 1, "connect": "wss://..."}], "no frame of any stream"),
        ([{"t": 1, "m": {"e": "trade"}}], "line 1: KeyError"),
        ([SNAPSHOT], "not whose it is"),
        ([*TRADES, diff(1, 2, 0), diff(4, 5, 100)], "update 2 is followed by 4"),
    ],
)
def test_what_cannot_be_understood_is_refused(write, lines, complaint) -> None:
    with pytest.raises(ValueError, match=complaint):
        opened(write(*lines), seed=3, shift=False, now=0)


def test_files_that_overlap_or_are_broken_are_refused(write, tmp_path) -> None:
    write(*TRADES, name="1.jsonl")
    write(*TRADES, name="2.jsonl")
    with pytest.raises(ValueError, match="one stream at one time"):
        read([tmp_path])
    (tmp_path / "broken.jsonl.gz").write_bytes(b"no gzip")
    with pytest.raises(ValueError, match="cannot be read"):
        read([tmp_path / "broken.jsonl.gz"])


def test_a_clock_set_back_does_not_set_frames_back(write) -> None:
    lines = [*TRADES[:1], {**TRADES[1], "t": TRADES[0]["t"] - 1}]
    times = read([write(*lines)]).tracks["btcusdt@trade"].times
    assert times == sorted(times)
