from __future__ import annotations

from decimal import Decimal

import pytest

from trading_system.simulator.catalogue import catalogue
from trading_system.simulator.remembered import RememberedFeed
from trading_system.simulator.seeded.feed import SeededFeed

NOON = 1_767_614_400_250
HOUR = 3_600_000


class CountingFeed(SeededFeed):
    """A seeded market that knows how often it was asked."""

    def __init__(self) -> None:
        super().__init__(7, catalogue(80))
        self.asked: list[str] = []

    def depth(self, symbol, *, now):
        self.asked.append("depth")
        return super().depth(symbol, now=now)

    def quote(self, symbol, *, now):
        self.asked.append("quote")
        return super().quote(symbol, now=now)

    def average_price(self, symbol, *, minutes, now):
        self.asked.append("average")
        return super().average_price(symbol, minutes=minutes, now=now)


@pytest.fixture
def feed():
    return CountingFeed()


def test_the_book_is_asked_for_once_a_second(feed):
    remembered = RememberedFeed(feed)
    books = [remembered.depth("BTCUSDT", now=NOON + k) for k in (0, 100, 749, 750)]
    assert feed.asked == ["depth", "depth"]
    assert books[0] == books[2] == SeededFeed.depth(feed, "BTCUSDT", now=NOON)
    assert books[3].last_update_id > books[0].last_update_id
    remembered.depth("ETHUSDT", now=NOON)
    assert len(feed.asked) == 3


def test_a_quote_is_asked_for_once_a_second_without_the_book(feed):
    remembered = RememberedFeed(feed)
    quotes = [remembered.quote("BTCUSDT", now=NOON + k) for k in (0, 100, 749, 750)]
    assert feed.asked == ["quote", "quote"]
    assert quotes[0] == quotes[2] == SeededFeed.quote(feed, "BTCUSDT", now=NOON)
    assert quotes[3].last_update_id > quotes[0].last_update_id


def test_the_average_is_that_of_the_last_whole_second(feed):
    remembered = RememberedFeed(feed)
    told = {remembered.average_price("BTCUSDT", minutes=5, now=NOON + k) for k in (0, 100, 749)}
    assert told == {SeededFeed.average_price(feed, "BTCUSDT", minutes=5, now=NOON - 250)}
    assert feed.asked == ["average"]
    remembered.average_price("BTCUSDT", minutes=1, now=NOON)
    remembered.average_price("BTCUSDT", minutes=5, now=NOON + 750)
    assert len(feed.asked) == 3


def test_time_may_go_back(feed):
    remembered = RememberedFeed(feed)
    later = remembered.depth("BTCUSDT", now=NOON + HOUR)
    assert remembered.depth("BTCUSDT", now=NOON) != later


def test_only_so_many_books_are_kept(feed):
    remembered = RememberedFeed(feed)
    for symbol in feed.symbols:
        remembered.depth(symbol, now=NOON)
    assert len(remembered._depths) < 64


def test_everything_else_passes_through(feed):
    remembered = RememberedFeed(feed)
    assert remembered.symbols is feed.symbols
    last = remembered.last_trade("BTCUSDT", now=NOON)
    price = last.price - Decimal(50)
    for name, more in [
        ("last_trade", {}),
        ("latest_trades", {"limit": 3}),
        ("trades", {"start": NOON - 60_000, "end": NOON}),
        ("trades_from", {"first_id": last.id - 2, "limit": 2}),
        ("next_trade", {"after": last.id - 10_000, "at_or_below": price, "at_or_above": None}),
    ]:
        answers = [getattr(f, name)("BTCUSDT", now=NOON, **more) for f in (remembered, feed)]
        assert answers[0] == answers[1]
    day = {"start": None, "end": NOON, "limit": 3, "now": NOON, "utc_offset": 5 * HOUR}
    assert remembered.klines("BTCUSDT", "1d", **day) == feed.klines("BTCUSDT", "1d", **day)
