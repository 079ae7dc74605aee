"""What each futures stream tells: complete, in order, in the decimals of the contract."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.simulator.futures.conftest import NOON
from trading_system.simulator.futures.stream_names import Road, parse
from trading_system.simulator.futures.stream_sources import open_source

SECOND = 1_000


def source(desk, text):
    road = Road.PUBLIC if any(word in text for word in ("depth", "bookTicker")) else Road.MARKET
    return open_source(desk.exchange, parse(text, road), desk.now)


def heard(desk, told, *, seconds, step=250):
    frames = []
    for now in range(desk.now + step, desk.now + seconds * SECOND + 1, step):
        frames += told(now)
    desk.now += seconds * SECOND
    return frames


def test_every_trade_is_told_once(desk):
    frames = heard(desk, source(desk, "btcusdt@aggTrade"), seconds=60)
    tape = desk.exchange.feed.trades("BTCUSDT", start=NOON + 1, end=desk.now + 1, now=desk.now)
    assert [(f["a"], f["p"], f["q"], f["T"], f["m"]) for f in frames] == [
        (t.id, f"{t.price:.2f}", f"{t.quantity:.5f}", t.time, t.buyer_is_maker) for t in tape
    ]
    assert all(frame["nq"] == frame["q"] for frame in frames)
    assert frames[0]["a"] == desk.exchange.feed.last_trade("BTCUSDT", now=NOON).id + 1


def test_a_long_pause_loses_no_trade(desk):
    told = source(desk, "btcusdt@aggTrade")
    frames = heard(desk, told, seconds=180, step=180 * SECOND)
    tape = desk.exchange.feed.trades("BTCUSDT", start=NOON + 1, end=desk.now + 1, now=desk.now)
    assert [frame["a"] for frame in frames] == [trade.id for trade in tape]


def test_candles_close_once_each(desk):
    frames = heard(desk, source(desk, "btcusdt@kline_1m"), seconds=150)
    closed = [frame["k"]["t"] for frame in frames if frame["k"]["x"]]
    assert closed == [NOON // 60_000 * 60_000, NOON // 60_000 * 60_000 + 60_000]


def test_changes_of_the_book_follow_each_other_and_make_the_book(desk):
    told = source(desk, "btcusdt@depth@100ms")
    before = desk.exchange.venue.books.depth("BTCUSDT", desk.now)
    sides = (dict(before.bids), dict(before.asks))
    last = before.last_update_id
    desk.buy("0.01", "70000")
    frames = heard(desk, told, seconds=5, step=100)
    assert frames
    for frame in frames:
        assert frame["pu"] == last
        assert frame["U"] == last + 1
        last = frame["u"]
        for side, levels in zip(sides, (frame["b"], frame["a"]), strict=True):
            for price, quantity in levels:
                side[Decimal(price)] = Decimal(quantity)
    after = desk.exchange.venue.books.depth("BTCUSDT", desk.now)
    for side, levels in zip(sides, (after.bids, after.asks), strict=True):
        assert {p: q for p, q in side.items() if q} == dict(levels)
    assert sides[0][Decimal(70_000)] == Decimal("0.01")


def test_a_partial_book_has_so_many_levels_and_names_the_one_before(desk):
    frames = heard(desk, source(desk, "btcusdt@depth5"), seconds=3)
    assert {len(frame["b"]) for frame in frames} == {len(frame["a"]) for frame in frames} == {5}
    assert [frame["pu"] for frame in frames[1:]] == [frame["u"] for frame in frames[:-1]]


def test_quotes_are_told_when_they_change(desk):
    told = source(desk, "btcusdt@bookTicker")
    (first,) = told(desk.now)
    assert list(told(desk.now)) == []
    desk.buy("0.01", first["b"])
    (second,) = told(desk.now)
    assert (second["b"], Decimal(second["B"])) == (
        first["b"],
        Decimal(first["B"]) + Decimal("0.01"),
    )
    assert second["u"] > first["u"]


def test_tickers_say_what_rest_says(desk):
    (full,), (mini,) = (source(desk, f"btcusdt@{name}")(NOON) for name in ("ticker", "miniTicker"))
    rest = desk.get("v1/ticker/24hr", symbol="BTCUSDT")
    assert [full[name] for name in "pPwcQohlvqOCFLn"] == [
        rest[name]
        for name in (
            *("priceChange", "priceChangePercent", "weightedAvgPrice", "lastPrice", "lastQty"),
            *("openPrice", "highPrice", "lowPrice", "volume", "quoteVolume"),
            *("openTime", "closeTime", "firstId", "lastId", "count"),
        )
    ]
    assert all(mini[name] == full[name] for name in "cohlvq")


def test_the_mark_price_is_the_last_one(desk):
    (frame,) = source(desk, "btcusdt@markPrice")(NOON)
    rest = desk.get("v1/premiumIndex", symbol="BTCUSDT")
    assert (frame["p"], frame["i"], frame["T"]) == (
        rest["markPrice"],
        rest["indexPrice"],
        rest["nextFundingTime"],
    )


@pytest.mark.parametrize("symbol", ["ethbtc", "nothing"])
def test_a_contract_that_is_not_listed_has_no_streams(desk, symbol):
    with pytest.raises(LookupError):
        source(desk, f"{symbol}@aggTrade")
