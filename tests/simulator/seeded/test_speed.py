"""What a request may cost: processor time of this thread, the best of several cold attempts."""

import sys
from collections.abc import Callable
from decimal import Decimal
from time import thread_time

import pytest

from tests.simulator.seeded.markets import LISTED, NOW
from trading_system.simulator.seeded.feed import SeededFeed
from trading_system.simulator.seeded.intervals import INTERVALS

DAY = 86_400_000
ATTEMPTS = 12

untraced = pytest.mark.skipif(
    sys.gettrace() is not None, reason="measuring coverage costs more than what is measured"
)


def opened(seed: int) -> SeededFeed:
    """A feed that has met the symbol, and forgotten all it may forget."""
    feed = SeededFeed(seed, LISTED)
    feed.klines("BTCUSDT", "1M", start=None, end=None, limit=1, now=1_502_928_000_000)
    return feed


def best(ask: Callable[[SeededFeed], object], prepare: Callable[[int], SeededFeed]) -> float:
    """Milliseconds."""
    times = []
    for seed in range(ATTEMPTS):
        feed = prepare(seed)
        start = thread_time()
        ask(feed)
        times.append(thread_time() - start)
    return min(times) * 1000


@untraced
@pytest.mark.parametrize("interval", INTERVALS)
def test_any_page_of_a_thousand_klines_takes_five_milliseconds_at_most(interval):
    def ask(feed: SeededFeed) -> object:
        return feed.klines("BTCUSDT", interval, start=None, end=NOW - 30 * DAY, limit=1000, now=NOW)

    assert best(ask, opened) <= 5


@untraced
def test_a_new_symbol_takes_thirty_milliseconds_at_most():
    def ask(feed: SeededFeed) -> object:
        return feed.klines("ETHUSDT", "1m", start=None, end=None, limit=2, now=NOW)

    assert best(ask, lambda seed: SeededFeed(seed, LISTED)) <= 30


@untraced
def test_the_tape_of_a_minute_takes_three_milliseconds_at_most():
    def ask(feed: SeededFeed) -> object:
        return feed.trades("BTCUSDT", start=NOW - 90_000, end=NOW - 30_000, now=NOW)

    assert best(ask, opened) <= 3


@untraced
def test_a_week_without_a_trade_at_the_price_is_skipped_in_five_milliseconds():
    """The price is just below the week's low: the long candles alone cannot tell."""
    asked: list[tuple[Decimal, int]] = []

    def prepare(seed: int) -> SeededFeed:
        feed = opened(seed)
        week = feed.klines("BTCUSDT", "1h", start=NOW - 7 * DAY, end=None, limit=200, now=NOW)
        low = min(Decimal(str(row[3])) for row in week) - Decimal("0.01")
        asked.append((low, feed.last_trade("BTCUSDT", now=NOW - 7 * DAY).id))
        return opened(seed)

    def ask(feed: SeededFeed) -> object:
        low, after = asked[-1]
        return feed.next_trade("BTCUSDT", after=after, now=NOW, at_or_below=low, at_or_above=None)

    assert ask(prepare(0)) is None
    assert best(ask, prepare) <= 5


def test_memory_is_bounded_by_what_is_kept():
    feed = opened(1)
    for symbol in LISTED:
        feed.klines(symbol, "1m", start=None, end=None, limit=2, now=NOW)
        feed.depth(symbol, now=NOW)
    assert len(feed._caches.splits) <= 2_000 + 4 * len(LISTED)
    assert len(feed._caches.tapes) <= 64
