"""What is skipped and what is kept: long questions stay cheap, memory stays bounded."""

from __future__ import annotations

from decimal import Decimal

from tests.simulator.seeded.markets import LISTED, NOW
from trading_system.simulator.seeded.feed import SeededFeed

DAY = 86_400_000


def test_a_week_without_a_trade_at_the_price_has_none() -> None:
    """The price is just below the week's low: the long candles alone cannot tell."""
    feed = SeededFeed(0, LISTED)
    week = feed.klines("BTCUSDT", "1h", start=NOW - 7 * DAY, end=None, limit=200, now=NOW)
    low = min(Decimal(str(row[3])) for row in week)
    after = feed.last_trade("BTCUSDT", now=NOW - 7 * DAY).id
    never = {"at_or_below": low - Decimal("0.01"), "at_or_above": None}
    assert feed.next_trade("BTCUSDT", after=after, now=NOW, **never) is None
    once = {"at_or_below": low, "at_or_above": None}
    assert feed.next_trade("BTCUSDT", after=after, now=NOW, **once).price == low


def test_memory_is_bounded_by_what_is_kept() -> None:
    feed = SeededFeed(1, LISTED)
    for symbol in LISTED:
        feed.klines(symbol, "1m", start=None, end=None, limit=2, now=NOW)
        feed.depth(symbol, now=NOW)
    assert len(feed._caches.splits) <= 2_000 + 8 * len(LISTED)
    assert len(feed._caches.minutes) <= 1_000 + len(LISTED)
