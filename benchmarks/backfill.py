"""43,200 candles of one symbol from request to commit, beside the usual sequential paging loop."""

from __future__ import annotations

import json
import sqlite3
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from benchmarks.beat import INSERT, TABLE
from benchmarks.opening import run, system_on
from benchmarks.venue import Venue, venue
from trading_system.domain.candles import MINUTE, Span
from trading_system.domain.instruments import Symbol

CANDLES = 43_200
ROUNDS = 5
BTC = Symbol("BTC", "USDT")


async def measure(place: Venue) -> dict[str, float]:
    end = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(days=1)
    ours, theirs = [], []
    client = place.bare_ccxt()
    await client.load_markets()
    try:
        for step in range(ROUNDS):
            # Another month each time, so that no cache of the exchange helps the second in turn.
            last = round(end.timestamp() * 1000) - 2 * step * CANDLES * MINUTE
            theirs.append(await loop(client, last - CANDLES * MINUTE, last))
            ours.append(await filled(place, last - 2 * CANDLES * MINUTE))
    finally:
        await client.close()
    return {"ours_ms": median(ours) * 1000, "loop_ms": median(theirs) * 1000}


async def filled(place: Venue, start: int) -> float:
    span = Span(start, start + CANDLES * MINUTE)
    async with system_on(place) as system:
        await system.market_data.instruments()
        await system.symbols.add(BTC, system.clock.now())
        started = time.perf_counter()
        job = await system.backfills.start(BTC, span)
        await system.backfills.complete(job)
        seconds = time.perf_counter() - started
        assert (await system.prices.coverage(BTC, span)).stored == CANDLES
    return seconds


async def loop(client, since: int, end: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder) / "bare.db")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(TABLE)
        connection.commit()
        started = time.perf_counter()
        stored = 0
        while since < end:
            rows = await client.fetch_ohlcv("BTC/USDT", "1m", since, 1000)
            rows = [("BTC/USDT", *row) for row in rows if row[0] < end]
            with connection:
                connection.executemany(INSERT, rows)
            stored += len(rows)
            since = rows[-1][1] + MINUTE
        seconds = time.perf_counter() - started
        assert stored == CANDLES
        connection.close()
    return seconds


def main() -> None:
    with venue() as place:
        result = run(measure(place))
    result["times_faster"] = result["loop_ms"] / result["ours_ms"]
    rounded = {name: round(value, 3) for name, value in result.items()}
    wanted = {"wanted": "times_faster >= 2"}
    print(json.dumps({"bench": "backfill", "candles": CANDLES, **rounded, **wanted}))


if __name__ == "__main__":
    main()
