"""What the mirror does about what it lacks: an exchange that answers as a test wants it to."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from trading_system.simulator.calls import Away
from trading_system.simulator.catalogue import catalogue
from trading_system.simulator.exchange_info import ExchangeInfo
from trading_system.simulator.filters import ExchangeLimits
from trading_system.simulator.limits import LimitSettings
from trading_system.simulator.mirror import mirror as module
from trading_system.simulator.mirror.mirror import MOST_PAGES, Mirror
from trading_system.simulator.mirror.pair import Pair
from trading_system.simulator.seeded.feed import SeededFeed

NOW = 1_767_614_400_250
SNAPSHOT = {"lastUpdateId": 10, "bids": [["99", "1"]], "asks": [["101", "1"]]}


class Exchange:
    """Its trades are numbered from 1 to `last`; every question is remembered."""

    def __init__(self) -> None:
        self.last = 5
        self.symbols = 1
        self.asked: list[str] = []
        self.broken: dict[str, object] = {}
        self.ahead = 40
        self.clock = lambda: NOW

    async def ask(self, path, query="", *, weight):
        assert weight
        name = path.rpartition("/")[2]
        self.asked.append(f"{name}?{query}")
        if name in self.broken:
            wrong = self.broken.pop(name)
            if isinstance(wrong, Exception):
                raise wrong
            return wrong
        return getattr(self, name)(dict(part.split("=") for part in query.split("&") if part))

    async def listing(self):
        feed = SeededFeed(1, catalogue(self.symbols))
        info = ExchangeInfo(feed, LimitSettings(), ExchangeLimits())
        return self.broken.pop("listing", orjson.loads(info.whole(NOW)))

    def time(self, _):
        return {"serverTime": self.clock() + self.ahead}

    def avgPrice(self, _):  # noqa: N802 -- the wire's name
        return {"price": "100"}

    def depth(self, _):
        return SNAPSHOT

    def aggTrades(self, query):  # noqa: N802 -- the wire's name
        first = int(query.get("fromId", self.last))
        until = min(self.last + 1, first + int(query["limit"]))
        return [trade(number) for number in range(first, until)]


def trade(number):
    return {"a": number, "p": "100", "q": "1", "T": 0, "m": False}


class Heard:
    """A connection: what is wanted, and when it opens, is up to the test."""

    def __init__(self) -> None:
        self.streams: list[str] = []
        self.heard: set[str] = set()

    def want(self, *streams):
        self.streams += streams

    def drop(self, *streams):
        self.streams = [stream for stream in self.streams if stream not in streams]

    async def close(self):
        self.streams.clear()


class Setting:
    def __init__(self) -> None:
        self.now = NOW
        self.exchange = Exchange()
        self.exchange.clock = lambda: self.now
        self.mirror = Mirror(self.exchange, "ws://nowhere", None, lambda: self.now)
        self.mirror.links = self.links = Heard()

    def open(self, *, after=None):
        pair = self.mirror.feed.want("BTCUSDT", after=after)
        self.mirror._opened(pair.streams)
        return pair

    def hear(self, topic, data):
        self.mirror._heard(f"btcusdt@{topic}", "{}", data)


@pytest.fixture
async def setting(monkeypatch):
    monkeypatch.setattr(module, "_FIRST_PAUSE", 0.001)
    made = Setting()
    await made.mirror.begin()
    made.exchange.asked.clear()
    running = asyncio.create_task(made.mirror.run())
    await asyncio.sleep(0)
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_it_goes_by_the_other_exchanges_clock(setting) -> None:
    assert setting.mirror.time() == NOW + 40


async def test_a_market_begins_with_its_newest_trade(setting, until) -> None:
    pair = setting.open()
    await until(lambda: pair.is_live)
    assert setting.exchange.asked == [
        "aggTrades?symbol=BTCUSDT&limit=1",
        "avgPrice?symbol=BTCUSDT",
        "depth?symbol=BTCUSDT&limit=1000",
    ]
    await setting.mirror.ready("BTCUSDT")
    with pytest.raises(KeyError):
        await setting.mirror.ready("NOPE")


async def test_a_market_that_is_lost_is_not_waited_for(setting, until) -> None:
    pair = setting.open()
    await until(lambda: pair.is_live)
    setting.mirror._lost(pair.streams)
    with pytest.raises(Away):
        await setting.mirror.ready("BTCUSDT")
    setting.exchange.broken["aggTrades"] = Away()
    setting.mirror._opened(pair.streams)
    waiting = asyncio.create_task(setting.mirror.ready("BTCUSDT"))
    await asyncio.sleep(0)
    assert not waiting.done()
    await waiting
    assert pair.is_live


async def test_missed_trades_are_asked_for_page_by_page(setting, until) -> None:
    setting.exchange.last = 2_500
    pair = setting.open(after=10)
    await until(lambda: pair.is_live)
    assert [t.id for t in pair.tape._trades] == list(range(11, 2_501))
    assert setting.exchange.asked[:3] == [
        f"aggTrades?symbol=BTCUSDT&fromId={first}&limit=1000" for first in (11, 1_011, 2_011)
    ]


async def test_too_many_missed_trades_are_left_out_and_that_is_told(setting, until, caplog) -> None:
    setting.exchange.last = MOST_PAGES * 1_000 + 500
    pair = setting.open(after=10)
    await until(lambda: pair.is_live)
    assert [t.id for t in pair.tape._trades[-2:]] == [
        MOST_PAGES * 1_000 + 10,
        setting.exchange.last,
    ]
    assert "too many trades were missed" in caplog.text


@pytest.mark.parametrize("topic", ["aggTrade", "depth@100ms"])
async def test_a_gap_in_what_is_heard_is_healed(setting, until, topic) -> None:
    pair = setting.open()
    await until(lambda: pair.is_live)
    setting.exchange.last = 9
    gap = {"U": 12, "u": 12, "b": [], "a": []} if topic != "aggTrade" else trade(9)
    setting.exchange.depth = lambda _: {**SNAPSHOT, "lastUpdateId": 11}
    setting.hear(topic, gap)
    assert not pair.is_live
    await until(lambda: pair.is_live)
    assert pair.tape.last.id == (9 if topic == "aggTrade" else 5)


@pytest.mark.parametrize("wrong", [Away(), {}, [{}], {"lastUpdateId": "x", "bids": 1}])
@pytest.mark.parametrize("name", ["aggTrades", "avgPrice", "depth"])
async def test_it_tries_until_the_answer_makes_sense(setting, until, caplog, name, wrong) -> None:
    setting.exchange.broken[name] = wrong
    pair = setting.open()
    await until(lambda: pair.is_live)
    assert "is not whole yet" in caplog.text or (name, wrong) == ("aggTrades", {})
    assert pair.tape.last.id == 5


async def test_a_stream_that_is_lost_while_it_heals_stays_lost(setting, until) -> None:
    """No answer that comes late opens a market that nobody hears."""
    setting.exchange.broken["depth"] = Away()
    pair = setting.open()
    setting.mirror._lost(pair.streams[:1])
    asked = list(setting.exchange.asked)
    for _ in range(10):
        await asyncio.sleep(0.001)
    assert not pair.is_live
    assert setting.exchange.asked == asked
    setting.mirror._opened(pair.streams[:1])
    await until(lambda: pair.is_live)


async def test_a_market_that_is_heard_again_does_not_wait_for_an_earlier_try(
    setting, until, monkeypatch
) -> None:
    monkeypatch.setattr(module, "_FIRST_PAUSE", 3_600.0)
    setting.exchange.broken["depth"] = Away()
    pair = setting.open()
    await until(lambda: "depth" not in setting.exchange.broken)
    setting.hear("depth@100ms", {"U": 9, "u": 9, "b": [], "a": []})
    setting.mirror._lost(pair.streams)
    setting.mirror._opened(pair.streams)
    await until(lambda: pair.is_live)


@pytest.mark.parametrize("heard", [1, 3])
async def test_streams_that_come_in_already_are_not_waited_for(setting, until, heard) -> None:
    """Somebody listened to its trades before anybody looked at the market."""
    streams = Pair("BTCUSDT").streams
    setting.links.heard.update(streams[:heard])
    pair = setting.mirror.feed.want("BTCUSDT")
    setting.mirror._lost(["ethusdt@aggTrade"])
    if heard < len(streams):
        setting.mirror._opened(streams[heard:])
    await until(lambda: pair.is_live)


async def test_an_answer_of_before_a_cut_does_not_count_after_it(setting, until) -> None:
    """The trades were asked for before the connection broke and told after it was back."""
    gate = asyncio.Event()
    ask = setting.exchange.ask

    async def late(path, query="", *, weight):
        told = await ask(path, query, weight=weight)
        await gate.wait()
        return told

    setting.exchange.ask = late
    pair = setting.open()
    await until(lambda: setting.exchange.asked)
    setting.mirror._lost(pair.streams)
    gate.set()
    for _ in range(10):
        await asyncio.sleep(0.001)
    assert not pair.follows
    assert not pair.book.is_whole
    setting.exchange.last = 8
    setting.mirror._opened(pair.streams)
    await until(lambda: pair.is_live)
    assert pair.tape.last.id == 8


async def test_a_time_that_is_none_does_not_begin(setting) -> None:
    setting.exchange.broken["time"] = {"moon": 1}
    with pytest.raises(Away):
        await setting.mirror.begin()


async def test_a_second_gap_while_the_first_is_healed_starts_nothing_new(setting, until) -> None:
    pair = setting.open()
    await until(lambda: pair.is_live)
    setting.exchange.last = 12
    for number in (9, 12):
        setting.hear("aggTrade", trade(number))
    setting.hear("depth@100ms", {"U": 13, "u": 13, "b": [], "a": []})
    setting.exchange.depth = lambda _: {**SNAPSHOT, "lastUpdateId": 12}
    setting.exchange.asked.clear()
    await until(lambda: pair.is_live)
    assert [trade.id for trade in pair.tape._trades] == [5, *range(6, 13)]
    assert setting.exchange.asked == [
        "aggTrades?symbol=BTCUSDT&fromId=6&limit=1000",
        "depth?symbol=BTCUSDT&limit=1000",
    ]


async def test_what_nobody_looks_at_is_listened_to_no_more(setting, until) -> None:
    pair = setting.open()
    assert setting.mirror.frames.has("btcusdt@aggTrade", now=NOW)
    assert setting.mirror.frames.has("btcusdt@kline_1m", now=NOW)
    await until(lambda: pair.is_live)
    setting.now += 300_000
    setting.mirror.frames.due("btcusdt@aggTrade", after=0, until=1)
    setting.now += 400_000
    setting.mirror.sweep()
    assert set(setting.links.streams) == {"btcusdt@aggTrade"}
    assert setting.mirror.feed.pairs == {}
    assert not pair.is_live
    again = setting.mirror.feed.want("BTCUSDT")
    setting.mirror._lost(again.streams)  # it was never open
    setting.mirror._opened(again.streams)
    await until(lambda: again.is_live)


async def test_a_market_in_use_keeps_its_streams(setting, until) -> None:
    pair = setting.open()
    await until(lambda: pair.is_live)
    setting.now += 700_000
    setting.mirror.feed.last_trade("BTCUSDT", now=0)
    setting.mirror.sweep()
    assert set(setting.links.streams) == set(pair.streams)


async def test_what_is_listed_is_looked_up_again_and_the_idle_are_swept(
    setting, until, monkeypatch, caplog
) -> None:
    monkeypatch.setattr(module, "_LISTING_SECONDS", 0.001)
    monkeypatch.setattr(module, "_SWEEP_SECONDS", 0.001)
    setting.exchange.symbols = 2
    setting.exchange.ahead = 90
    setting.exchange.broken["listing"] = {"symbols": [{}]}
    setting.open()
    setting.now += 700_000
    running = asyncio.create_task(setting.mirror.run())
    await until(lambda: "ETHUSDT" in setting.mirror.feed.rules)
    await until(lambda: not setting.mirror.feed.pairs)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert setting.mirror.time() == NOW + 700_000 + 90
    assert "what is listed is not known anew" in caplog.text
