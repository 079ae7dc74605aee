"""A month's file of minute candles into the database, beside sqlite3 executemany of its rows.

Ours reads, checks and stores in batches; the peer is handed the parsed rows and only stores them.
"""

from __future__ import annotations

import gc
import json
import sqlite3
import tempfile
import time
import zipfile
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.opening import run
from trading_system.clock import SystemClock
from trading_system.domain.candles import MINUTE, Candle
from trading_system.market.archives import ArchiveImporter, read_archive
from trading_system.storage.database import Database, schema
from trading_system.storage.prices import Prices
from trading_system.storage.symbols import Symbols

CANDLES = 131_040  # 91 days
ROUNDS = 5
NAME = "BTCUSDT-1m-2025.zip"
INSERT = "INSERT OR REPLACE INTO prices VALUES (1, ?, ?, ?, ?, ?, ?)"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = written(Path(folder) / NAME)
        rows = [candle for batch in read_archive(file).batches() for candle in batch]
        gc.freeze()  # the peer's rows are not for our import to walk through
        ours, raw = [], []
        for number in range(ROUNDS + 1):  # the first warms up
            ours.append(run(imported(file, Path(folder) / f"ours{number}.db")))
            raw.append(inserted(rows, Path(folder) / f"raw{number}.db"))
    result = {"ours_s": median(ours[1:]), "raw_s": median(raw[1:])}
    ratios = [b / a for a, b in zip(ours[1:], raw[1:], strict=True)]
    rounded = {name: round(value, 3) for name, value in result.items()}
    shape = {"bench": "import", "rows": CANDLES, **rounded, "ratio": round(median(ratios), 3)}
    print(json.dumps(shape | {"wanted": "ratio >= 0.5"}))


def written(path: Path) -> Path:
    """A market of 91 days as the exchange's archives hold it: twelve columns, times in µs."""
    source = np.random.default_rng(42)
    close = 100_000 * np.exp(np.cumsum(source.normal(0, 0.0005, CANDLES)))
    opened = np.concatenate([[100_000.0], close[:-1]])
    high, low = np.maximum(opened, close) * 1.0002, np.minimum(opened, close) * 0.9998
    times = 1_735_689_600_000 + MINUTE * np.arange(CANDLES)
    volume, trades = source.exponential(5, CANDLES), source.integers(200, 3_000, CANDLES)
    ends, half = times + MINUTE - 1, volume / 2
    columns = (times, opened, high, low, close, volume, ends, volume * close, trades)
    rows = zip(*(each.tolist() for each in (*columns, half, half * close)), strict=True)
    row = "%d000,%.2f000000,%.2f000000,%.2f000000,%.2f000000,%.5f000,%d999,%.8f,%d,%.5f000,%.8f,0\n"
    lines = [row % each for each in rows]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(path.with_suffix(".csv").name, "".join(lines))
    return path


async def imported(file: Path, database: Path) -> float:
    async with Database.opened(database) as opened:
        importer = ArchiveImporter(
            symbols=Symbols(opened), prices=Prices(opened), clock=SystemClock()
        )
        started = time.perf_counter()
        result = await importer.import_file(file)
        seconds = time.perf_counter() - started
    assert result.stored == CANDLES, result
    return seconds


def inserted(rows: list[Candle], path: Path) -> float:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.executescript(schema())
    connection.execute("INSERT INTO symbols VALUES (1, 'BTC/USDT', 0, 0)")
    connection.commit()
    started = time.perf_counter()
    with connection:
        connection.executemany(INSERT, rows)
    seconds = time.perf_counter() - started
    connection.close()
    return seconds


if __name__ == "__main__":
    main()
