"""One beat over 500 symbols, from its start to the commit, beside a bare gather + executemany.

Both fetch the same minute of the same symbols from the exchange in another process, 32 at a time.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from benchmarks.opening import run, system_on
from benchmarks.venue import Venue, venue
from trading_system.domain.candles import MINUTE, Candle
from trading_system.domain.instruments import Symbol
from trading_system.market.fetcher import PriceFetcher

SYMBOLS = 500
ROUNDS = 7
TOGETHER = 32
INSERT = "INSERT OR REPLACE INTO prices VALUES (?, ?, ?, ?, ?, ?, ?)"
TABLE = """CREATE TABLE prices (symbol TEXT, open_time INTEGER, open REAL, high REAL, low REAL,
           close REAL, volume REAL, PRIMARY KEY (symbol, open_time)) WITHOUT ROWID"""


async def measure(place: Venue) -> dict[str, float]:
    async with system_on(place) as system:
        listed = list(await system.market_data.instruments())[:SYMBOLS]
        first = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=60)
        for symbol in listed:
            await system.symbols.add(symbol, first)
        start = round(first.timestamp() * 1000)
        seed = {symbol: [Candle(start - MINUTE, 1, 1, 1, 1, 1)] for symbol in listed}
        await system.prices.upsert(seed)
        client = place.bare_ccxt()
        await client.load_markets()
        fetcher = PriceFetcher(
            market_data=system.market_data,
            symbols=system.symbols,
            prices=system.prices,
            clock=system.clock,
            first_minutes=1,
        )
        ours, theirs = [], []
        try:
            for step in range(1, ROUNDS + 1):
                theirs.append(await bare(client, listed, start + (step - 1) * MINUTE))
                ours.append(await beat(fetcher, first + timedelta(minutes=step)))
        finally:
            await client.close()
    return {"ours_ms": median(ours) * 1000, "bare_ms": median(theirs) * 1000}


async def beat(fetcher, minute: datetime) -> float:
    started = time.perf_counter()
    collected = await fetcher.collect(minute)
    seconds = time.perf_counter() - started
    assert len(collected.candles) == SYMBOLS, collected.failed
    return seconds


async def bare(client, listed: list[Symbol], since: int) -> float:
    together = asyncio.Semaphore(TOGETHER)

    async def fetch(symbol: Symbol):
        async with together:
            rows = await client.fetch_ohlcv(str(symbol), "1m", since, 1)
        return [(str(symbol), *row) for row in rows]

    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder) / "bare.db")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(TABLE)
        connection.commit()
        started = time.perf_counter()
        pages = await asyncio.gather(*(fetch(symbol) for symbol in listed))
        with connection:
            connection.executemany(INSERT, [row for page in pages for row in page])
        seconds = time.perf_counter() - started
        connection.close()
    return seconds


def main() -> None:
    with venue(symbols=SYMBOLS) as place:
        result = run(measure(place))
    result["ratio"] = result["ours_ms"] / result["bare_ms"]
    rounded = {name: round(value, 3) for name, value in result.items()}
    print(json.dumps({"bench": "beat", "symbols": SYMBOLS, **rounded, "wanted": "ratio <= 1.3"}))


if __name__ == "__main__":
    main()
