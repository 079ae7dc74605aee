"""What the seeded market costs: a page of 1,000 klines of every interval, cold and warm, in ms.

Processor time of this thread, the median of several seeds; a cold feed has met the symbol and
forgotten everything else.
"""

from __future__ import annotations

import json
from statistics import median
from time import thread_time

from trading_system.simulator.catalogue import catalogue
from trading_system.simulator.seeded.feed import SeededFeed
from trading_system.simulator.seeded.intervals import INTERVALS

NOW = 1_795_000_000_000
DAY = 86_400_000
GENESIS = 1_502_928_000_000
SEEDS = range(12)
LISTED = catalogue(24)


def met(seed: int) -> SeededFeed:
    feed = SeededFeed(seed, LISTED)
    feed.klines("BTCUSDT", "1M", start=None, end=None, limit=1, now=GENESIS)
    return feed


def page(feed: SeededFeed, interval: str) -> float:
    started = thread_time()
    feed.klines("BTCUSDT", interval, start=None, end=NOW - 30 * DAY, limit=1000, now=NOW)
    return (thread_time() - started) * 1000


def tape(feed: SeededFeed) -> float:
    started = thread_time()
    feed.trades("BTCUSDT", start=NOW - 90_000, end=NOW - 30_000, now=NOW)
    return (thread_time() - started) * 1000


def main() -> None:
    cold = {name: round(median(page(met(seed), name) for seed in SEEDS), 2) for name in INTERVALS}
    feed = met(0)
    warm = {name: round(median([page(feed, name) for _ in range(5)][1:]), 2) for name in INTERVALS}
    result = {
        "cold_ms": cold,
        "warm_ms": warm,
        "tape_of_a_minute_ms": round(median(tape(met(seed)) for seed in SEEDS), 2),
    }
    print(json.dumps({"bench": "klines", **result, "wanted": "every page <= 5 ms"}))


if __name__ == "__main__":
    main()
