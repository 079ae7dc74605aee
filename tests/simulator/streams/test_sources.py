from __future__ import annotations

from decimal import Decimal

import pytest

from tests.simulator.streams.conftest import NOON
from trading_system.simulator import wire
from trading_system.simulator.endpoints import tickers as rest_tickers
from trading_system.simulator.exchange import Exchange
from trading_system.simulator.model import OrderType, PlaceOrder, Side, TimeInForce
from trading_system.simulator.remembered import RememberedFeed
from trading_system.simulator.tickers import DAY, RollingWindows, rolling

MINUTE = 60_000


def tape(feed, start, end):
    return [
        (t.id, wire.amount(t.price), wire.amount(t.quantity), t.time)
        for t in feed.trades("BTCUSDT", start=start, end=end, now=end)
    ]


def told(ear):
    return [(f.get("t") or f["a"], f["p"], f["q"], f["T"]) for f in ear.frames()]


@pytest.mark.parametrize("stream", ["btcusdt@trade", "btcusdt@aggTrade"])
@pytest.mark.parametrize("step", [100, 130, 7_000, 95_000])
def test_every_trade_is_told_once_whatever_the_pauses(stage, feed, stream, step) -> None:
    ear = stage.listen(stream)
    stage.run(190, step)
    assert told(ear) == tape(feed, NOON + 1, stage.now // 100 * 100 + 1)


def test_a_jump_of_the_clock_is_made_up_for_in_steps(stage, feed) -> None:
    """Trades of an hour do not all go out at once, and none of them is left out."""
    ear = stage.listen("btcusdt@trade")
    stage.tick(NOON + 60 * MINUTE)
    at_once = len(ear.heard)
    assert 1_000 <= at_once < 5_000
    stage.run(3)
    assert told(ear) == tape(feed, NOON + 1, stage.now + 1)
    assert len(ear.heard) > at_once


def rows(feed, interval, now, **more):
    return feed.klines("BTCUSDT", interval, start=NOON, end=None, limit=1000, now=now, **more)


def as_row(frame):
    k = frame["k"]
    return [k[name] for name in ("t", "o", "h", "l", "c", "v", "T", "q", "n", "V", "Q", "B")]


@pytest.mark.parametrize(("interval", "seconds"), [("1s", 30), ("1m", 200), ("3m", 400)])
@pytest.mark.parametrize("step", [100, 2_700, 130_000])
def test_every_candle_ends_with_its_last_state_once(stage, feed, interval, seconds, step) -> None:
    """Its values are those of REST, and whatever came before was not called closed."""
    ear = stage.listen(f"btcusdt@kline_{interval}")
    stage.run(seconds, step)
    closed = [as_row(f) for f in ear.frames() if f["k"]["x"]]
    pace = 1_000 if interval == "1s" else 2_000
    on_grid = stage.now // pace * pace
    assert closed == [row for row in rows(feed, interval, stage.now) if row[6] < on_grid]
    for one, next_one in zip(ear.frames(), ear.frames()[1:], strict=False):
        assert next_one["E"] >= one["E"]
        assert (next_one["k"]["t"] > one["k"]["t"]) == one["k"]["x"]


def test_candles_of_a_long_jump_are_closed_in_steps(stage, feed) -> None:
    ear = stage.listen("btcusdt@kline_1s")
    stage.tick(NOON + 5 * MINUTE)
    assert len(ear.heard) == 100
    stage.run(4)
    closed = [as_row(f) for f in ear.frames() if f["k"]["x"]]
    assert closed == [row for row in rows(feed, "1s", stage.now) if row[6] < stage.now]


def test_a_running_candle_is_told_every_two_seconds_as_rest_tells_it(stage, feed) -> None:
    ear = stage.listen("btcusdt@kline_1m")
    stage.run(58)
    assert [f["E"] for f in ear.frames()] == list(range(NOON + 2_000, NOON + 58_001, 2_000))
    for frame in ear.frames():
        assert as_row(frame) == rows(feed, "1m", frame["E"])[0]
        trades = feed.trades("BTCUSDT", start=NOON, end=frame["E"] + 1, now=frame["E"])
        assert (frame["k"]["f"], frame["k"]["L"]) == (trades[0].id, trades[-1].id)


def test_candles_without_trades_are_closed_too(stage) -> None:
    ear = stage.listen("bnbusdt@kline_1s")
    stage.run(120)
    quiet = [f["k"] for f in ear.frames() if f["k"]["x"] and not f["k"]["n"]]
    assert len([f for f in ear.frames() if f["k"]["x"]]) == 120
    assert quiet
    assert {(k["f"], k["L"], k["v"]) for k in quiet} == {(-1, -1, "0.00000000")}


def test_a_day_may_begin_at_another_hour(make_stage, exchange) -> None:
    midnight_there = NOON + 4 * 60 * MINUTE  # 16:00 UTC
    stage = make_stage(exchange, midnight_there - 3_000)
    ear = stage.listen("btcusdt@kline_1d@+08:00", "btcusdt@kline_1d")
    stage.run(3)
    assert [f["k"]["x"] for f in ear.frames("btcusdt@kline_1d@+08:00")][-1] is True
    assert not any(f["k"]["x"] for f in ear.frames("btcusdt@kline_1d"))


def bid(price):
    return PlaceOrder(
        account="ann",
        symbol="BTCUSDT",
        side=Side.BUY,
        type=OrderType.LIMIT,
        time_in_force=TimeInForce.GTC,
        price=price,
        quantity=Decimal("0.5"),
    )


def test_a_quote_is_told_when_it_changes(stage) -> None:
    ear = stage.listen("btcusdt@bookTicker")
    stage.tick(NOON + 100)
    first = ear.frames()[-1]
    stage.tick(NOON + 200)
    assert ear.frames() == [first]
    stage.exchange.handle(bid(Decimal(first["b"])), NOON + 250)
    stage.tick(NOON + 300)
    joined = ear.frames()[-1]
    assert Decimal(joined["B"]) == Decimal(first["B"]) + Decimal("0.5")
    assert joined["u"] == first["u"] + 1
    stage.tick(NOON + 1_000)
    assert len(ear.frames()) == 3


def test_a_partial_book_is_rests_answer(stage) -> None:
    ear = stage.listen("btcusdt@depth5@100ms", "btcusdt@depth20")
    stage.run(2)
    assert [len(f["bids"]) for f in ear.frames("btcusdt@depth5@100ms")] == [5, 5, 5]
    book = wire.depth(stage.exchange.venue.depth("BTCUSDT", stage.now), 20)
    last = ear.frames("btcusdt@depth20")[-1]
    assert last == {k: [list(x) for x in v] if k != "lastUpdateId" else v for k, v in book.items()}


def test_the_average_price_is_rests(stage, feed) -> None:
    ear = stage.listen("btcusdt@avgPrice")
    stage.run(2)
    average = feed.average_price("BTCUSDT", minutes=5, now=stage.now)
    last = ear.frames()[-1]
    assert (last["w"], last["i"], last["E"]) == (wire.amount(average), "5m", stage.now)
    assert last["T"] == feed.last_trade("BTCUSDT", now=stage.now).time


@pytest.mark.parametrize("length", [DAY, 4 * 60 * MINUTE, 60 * MINUTE])
def test_a_rolling_window_is_what_adding_it_up_anew_gives(feed, length) -> None:
    windows = RollingWindows(feed)
    for now in range(NOON - 10 * MINUTE, NOON + 65 * MINUTE, 3 * MINUTE + 17_017):
        assert windows.at("ETHUSDT", length, now) == rolling(
            feed, "ETHUSDT", length=length, now=now
        )


def test_a_market_younger_than_the_window_has_a_window_too(make_feed_since) -> None:
    young = make_feed_since(NOON)
    windows = RollingWindows(young)
    for now in (NOON + 20_000, NOON + 61_000, NOON + 5 * MINUTE):
        assert windows.at("BTCUSDT", DAY, now) == rolling(young, "BTCUSDT", length=DAY, now=now)


def test_tickers_say_what_rest_says(stage, ask_rest) -> None:
    names = {"btcusdt@ticker": "FULL", "btcusdt@miniTicker": "MINI", "btcusdt@ticker_1h": "FULL"}
    ear = stage.listen(*names)
    stage.run(1)
    day = ask_rest(rest_tickers.day, "symbol=BTCUSDT&type=FULL", stage.now)
    (ticker,) = ear.frames("btcusdt@ticker")
    assert list(ticker.values())[2:] == [
        day[name]
        for name in (
            *("symbol", "priceChange", "priceChangePercent", "weightedAvgPrice", "prevClosePrice"),
            *("lastPrice", "lastQty", "bidPrice", "bidQty", "askPrice", "askQty"),
            *("openPrice", "highPrice", "lowPrice", "volume", "quoteVolume"),
            *("openTime", "closeTime", "firstId", "lastId", "count"),
        )
    ]
    (mini,) = ear.frames("btcusdt@miniTicker")
    assert (mini["c"], mini["v"]) == (day["lastPrice"], day["volume"])
    hour = ask_rest(rest_tickers.window, "symbol=BTCUSDT&windowSize=1h", stage.now)
    (window,) = ear.frames("btcusdt@ticker_1h")
    assert (window["e"], window["p"], window["n"]) == (
        "1hTicker",
        hour["priceChange"],
        hour["count"],
    )


def test_the_array_has_only_who_has_traded(stage, feed) -> None:
    ear = stage.listen("!miniTicker@arr")
    stage.run(20)
    first, *later = ear.frames()
    assert {f["s"] for f in first} == set(feed.symbols)
    assert any(len(frames) < len(first) for frames in later)
    for frames in later:
        for frame in frames:
            end = frame["E"]
            assert feed.trades(frame["s"], start=end - 999, end=end + 1, now=end)


def test_what_was_recorded_is_sent_as_it_was_and_then_computed(stage, exchange) -> None:
    class Recording:
        def has(self, stream, *, now):
            return stream == "btcusdt@trade" and now < NOON + 500

        def due(self, stream, *, after, until):
            times = (NOON + 130, NOON + 140, NOON + 450)
            return [f'{{"E":{t}}}' for t in times if after < t <= until]

    exchange.frames = Recording()
    ear = stage.listen("btcusdt@trade", "ethusdt@trade")
    stage.tick(NOON + 200)
    assert [f["E"] - NOON for f in ear.frames("btcusdt@trade")] == [130, 140]
    stage.run(30)
    recorded, computed = ear.frames("btcusdt@trade")[:3], ear.frames("btcusdt@trade")[3:]
    assert [f["E"] - NOON for f in recorded] == [130, 140, 450]
    assert computed
    assert {f["e"] for f in computed} == {"trade"}
    assert ear.frames("ethusdt@trade")


def test_a_symbol_may_be_unknown_and_appear_later(stage, exchange, feed) -> None:
    """As on Binance nobody is told that a symbol does not exist; there just comes nothing."""

    class Growing(RememberedFeed):
        hidden = frozenset({"ETHUSDT"})

        @property
        def symbols(self):
            return {name: r for name, r in feed.symbols.items() if name not in self.hidden}

    exchange.feed = Growing(feed)
    ear = stage.listen("ethusdt@kline_1m", "nosuch@trade", "btcusdt@kline_1m")
    stage.run(4)
    assert {name for name, _ in ear.heard} == {"btcusdt@kline_1m"}
    exchange.feed.hidden = frozenset()
    stage.run(4)
    assert {name for name, _ in ear.heard} == {"btcusdt@kline_1m", "ethusdt@kline_1m"}


def test_a_symbol_without_a_price_yet_is_left_out_of_the_array(make_feed_since, make_stage) -> None:
    exchange = Exchange(RememberedFeed(make_feed_since(NOON + MINUTE)), {})
    stage = make_stage(exchange)
    ear = stage.listen("!ticker_1h@arr", "btcusdt@ticker")
    stage.run(50)
    assert not ear.heard
    stage.run(70)
    assert ear.frames("!ticker_1h@arr")[0][0]["s"] == "BTCUSDT"
    assert ear.frames("btcusdt@ticker")
