from __future__ import annotations

import logging
from itertools import pairwise

import orjson
import pytest

from tests.simulator.streams.conftest import NOON, Ear
from trading_system.simulator.remembered import RememberedFeed
from trading_system.simulator.streams import frames
from trading_system.simulator.streams.names import parse

TRADES = "btcusdt@trade"


def test_a_frame_is_written_once_however_many_listen(stage) -> None:
    """The very same text goes to everybody who wants it in the same form."""
    raw, wrapped = Ear(), Ear(combined=True)
    for ear in (raw, wrapped):
        stage.hub.subscribe(ear, parse(TRADES))
    others = [stage.listen(TRADES), stage.listen(TRADES, combined=True)]
    stage.run(30)
    assert raw.heard
    for ear, other in zip((raw, wrapped), others, strict=True):
        assert [id(text) for _, text in ear.heard] == [id(text) for _, text in other.heard]
    for (_, plain), (_, combined) in zip(raw.heard, wrapped.heard, strict=True):
        assert orjson.loads(combined) == {"stream": TRADES, "data": orjson.loads(plain)}


def test_nothing_is_computed_where_nobody_listens(exchange, make_stage) -> None:
    asked = []

    class Counting(RememberedFeed):
        def trades(self, symbol, **span):
            asked.append(symbol)
            return super().trades(symbol, **span)

    exchange.feed = Counting(exchange.feed)
    stage = make_stage(exchange)
    stage.run(1)
    assert not asked
    ear = stage.listen(TRADES, "ethusdt@trade")
    stage.run(1)
    assert set(asked) == {"BTCUSDT", "ETHUSDT"}
    asked.clear()
    stage.hub.unsubscribe(ear, parse("ethusdt@trade"))
    stage.hub.unsubscribe(ear, parse("ethusdt@trade"))
    stage.run(1)
    assert set(asked) == {"BTCUSDT"}


def test_one_who_leaves_does_not_take_the_stream_from_the_others(stage) -> None:
    one, other = stage.listen(TRADES), stage.listen(TRADES)
    stage.hub.unsubscribe(one, parse(TRADES))
    stage.run(30)
    assert other.heard
    assert not one.heard


def test_who_comes_back_hears_from_then_on(stage, feed) -> None:
    ear = stage.listen(TRADES)
    stage.run(10)
    stage.hub.unsubscribe(ear, parse(TRADES))
    stage.run(10)
    ear.heard.clear()
    since = stage.now
    stage.hub.subscribe(ear, parse(TRADES))
    stage.run(20)
    expected = feed.trades("BTCUSDT", start=since + 1, end=stage.now + 1, now=stage.now)
    assert [f["t"] for f in ear.frames()] == [trade.id for trade in expected]


def test_a_clock_that_goes_back_repeats_nothing(stage, feed) -> None:
    """It is silent until the clock is where it was, and then goes on without a gap."""
    names = (TRADES, "btcusdt@kline_1s", "btcusdt@depth@100ms", "btcusdt@bookTicker")
    ear = stage.listen(*names)
    stage.run(20)
    before = list(ear.heard)
    for now in range(NOON - 60_000, NOON + 20_001, 900):
        stage.tick(now)
    assert ear.heard == before
    stage.run(20)
    ids = [f["t"] for f in ear.frames(TRADES)]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    opens = [f["k"]["t"] for f in ear.frames("btcusdt@kline_1s") if f["k"]["x"]]
    assert opens == list(range(NOON, stage.now // 1_000 * 1_000, 1_000))
    updates = ear.frames("btcusdt@depth@100ms")
    assert all(b["U"] == a["u"] + 1 for a, b in pairwise(updates))


def test_times_are_told_in_microseconds_where_wanted(stage) -> None:
    names = (TRADES, "btcusdt@kline_1m", "btcusdt@ticker", "btcusdt@depth5", "!miniTicker@arr")
    coarse, fine = stage.listen(*names), stage.listen(*names, microseconds=True)
    stage.run(4)

    def pair(name):
        return coarse.frames(name)[0], fine.frames(name)[0]

    told, finer = pair(TRADES)
    assert finer == told | {"E": told["E"] * 1_000, "T": told["T"] * 1_000}
    told, finer = pair("btcusdt@kline_1m")
    assert finer["E"] == told["E"] * 1_000
    candle = told["k"]
    assert finer["k"] == candle | {"t": candle["t"] * 1_000, "T": candle["T"] * 1_000 + 999}
    told, finer = pair("btcusdt@ticker")
    assert finer == told | {name: told[name] * 1_000 for name in ("E", "O", "C")}
    told, finer = pair("btcusdt@depth5")
    assert finer == told
    told, finer = pair("!miniTicker@arr")
    assert finer == [each | {"E": each["E"] * 1_000} for each in told]


def test_a_recorded_text_is_told_in_microseconds_too() -> None:
    told = '{"e":"aggTrade","E":5,"T":4}'
    assert frames.text(told) == told
    assert frames.text(told, microseconds=True) == '{"e":"aggTrade","E":5000,"T":4000}'


def test_one_streams_bug_does_not_silence_the_others(stage, exchange, caplog) -> None:
    class Broken(RememberedFeed):
        def klines(self, symbol, interval, **question):
            if question["now"] > NOON:
                raise ZeroDivisionError
            return super().klines(symbol, interval, **question)

    exchange.feed = Broken(exchange.feed)
    ear = stage.listen("btcusdt@kline_1m", TRADES)
    with caplog.at_level(logging.ERROR):
        stage.run(10)
    assert ear.frames(TRADES)
    assert not ear.frames("btcusdt@kline_1m")
    assert "btcusdt@kline_1m could not go on" in caplog.text


def test_a_frame_can_be_published_by_hand(stage) -> None:
    ear = stage.listen(TRADES)
    stage.hub.publish(TRADES, {"e": "trade"})
    stage.hub.publish("ethusdt@trade", {"e": "trade"})
    assert ear.heard == [(TRADES, '{"e":"trade"}')]


@pytest.mark.parametrize("form", [{}, {"combined": True}])
def test_a_subscriber_may_leave_while_it_is_told(stage, form) -> None:
    """Delivering may end a connection at once, and with it its subscriptions."""
    ear = stage.listen(TRADES, **form)

    def leave(text, stream):
        stage.hub.unsubscribe(ear, parse(TRADES))

    ear.deliver = leave
    other = stage.listen(TRADES)
    stage.run(30)
    assert other.heard
