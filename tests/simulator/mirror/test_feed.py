from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from trading_system.simulator.catalogue import catalogue
from trading_system.simulator.mirror.feed import Closed, MirrorFeed
from trading_system.simulator.model import Refused

SNAPSHOT = {"lastUpdateId": 10, "bids": [["99", "1"], ["98", "1"]], "asks": [["101", "1"]]}
NOW = 5_000


class Setting:
    def __init__(self) -> None:
        self.wanted = []
        self.feed = MirrorFeed(catalogue(2), lambda: NOW)
        self.feed.on_wanted = self.wanted.append

    def open(self):
        pair = self.feed.want("BTCUSDT")
        pair.open(pair.streams)
        rows = [{"a": n, "p": str(100 - n), "q": "1", "T": 0, "m": False} for n in (1, 2, 3)]
        pair.catch_up(rows, NOW, complete=True)
        pair.book.begin(SNAPSHOT)
        pair.hear("avgPrice", {"w": "98.5"}, NOW)
        return pair

    def next_trade(self, *, now=NOW, symbol="BTCUSDT", below="98"):
        return self.feed.next_trade(
            symbol, after=0, now=now, at_or_below=Decimal(below), at_or_above=None
        )


@pytest.fixture
def setting():
    return Setting()


def test_what_is_looked_at_is_listened_to_from_then_on(setting) -> None:
    for _ in range(2):
        with pytest.raises(Closed):
            setting.feed.quote("BTCUSDT", now=NOW)
    assert [pair.symbol for pair in setting.wanted] == ["BTCUSDT"]
    assert setting.wanted[0].used == NOW
    with pytest.raises(KeyError):
        setting.feed.want("NOPE")


@pytest.mark.parametrize("question", ["last_trade", "depth", "quote"])
def test_a_closed_market_says_nothing_in_either_language(setting, question) -> None:
    """Endpoints and the venue refuse an order, streams stay silent."""
    with pytest.raises(Refused, match="Market is closed") as refusal:
        getattr(setting.feed, question)("BTCUSDT", now=NOW)
    assert (refusal.value.code, refusal.value.status) == (-2010, 400)
    assert isinstance(refusal.value, LookupError)


def test_an_open_market_says_what_was_heard(setting) -> None:
    pair = setting.open()
    assert setting.feed.last_trade("BTCUSDT", now=NOW) == pair.tape.last
    assert setting.feed.depth("BTCUSDT", now=NOW) is pair.book.depth()
    assert setting.feed.quote("BTCUSDT", now=NOW).bids == pair.book.depth().bids[:1]
    assert setting.feed.average_price("BTCUSDT", minutes=5, now=NOW) == Decimal("98.5")
    assert setting.feed.average_price("BTCUSDT", minutes=0, now=NOW) == 97


def test_trades_are_shown_from_when_they_were_heard_and_while_the_market_is_open(setting) -> None:
    assert setting.next_trade() is None
    pair = setting.open()
    assert setting.next_trade().id == 2
    assert setting.next_trade(now=NOW - 1) is None
    assert setting.next_trade(below="1") is None
    pair.lose(pair.streams[:1])
    assert setting.next_trade() is None


def test_what_is_listed_no_more_rests(setting) -> None:
    setting.open()
    setting.feed.rules = {"ETHUSDT": replace(catalogue(2)["ETHUSDT"])}
    assert setting.next_trade() is None
    assert setting.next_trade(symbol="NOPE") is None


@pytest.mark.parametrize("question", ["klines", "trades", "trades_from", "latest_trades"])
def test_the_past_is_not_known_here(setting, question) -> None:
    with pytest.raises(Closed):
        getattr(setting.feed, question)("BTCUSDT", limit=1, now=NOW)
