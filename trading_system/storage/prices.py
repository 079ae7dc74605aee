"""Minute candles in SQLite: written many at a time, read at any timeframe, proven complete."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain

import aiosqlite
import numpy as np
from numpy.typing import NDArray

from trading_system.domain.candles import MINUTE, Candle, Span
from trading_system.domain.instruments import Symbol
from trading_system.domain.timeframes import Timeframe
from trading_system.ports import Coverage
from trading_system.storage.completeness import digestible, merged, split
from trading_system.storage.database import Database
from trading_system.storage.symbols import not_registered
from trading_system.storage.times import to_milliseconds

Row = tuple[int, float, float, float, float, float]

_CHUNK = 4_000  # rows; keeps each turn on the event loop near a millisecond
_VOLUME_DECIMALS = 8  # the finest step of any venue, and coarser than the dust of adding floats

# Many rows a statement: sqlite3 lets the GIL go once a statement and may wait 5 ms to get it back.
_BATCHES = (500, 50, 5, 1)
_UPSERTS = {
    size: f"""
    INSERT INTO prices (symbol_id, open_time, open, high, low, close, volume)
    VALUES {", ".join(["(?, ?, ?, ?, ?, ?, ?)"] * size)}
    ON CONFLICT (symbol_id, open_time) DO UPDATE SET
        open = excluded.open, high = excluded.high, low = excluded.low,
        close = excluded.close, volume = excluded.volume
    """  # noqa: S608 -- only placeholders are put in
    for size in _BATCHES
}

# A GROUP BY over the whole symbol would read every row of it.
_LAST_OPEN_TIMES = """
SELECT symbol, (SELECT max(open_time) FROM prices WHERE symbol_id = symbols.id) AS last
FROM symbols WHERE last IS NOT NULL
"""
_BOUNDS = "SELECT min(open_time), max(open_time) FROM prices WHERE symbol_id = :id"

_IN_SPAN = "symbol_id = :id AND open_time >= :start AND open_time < :end"
_MINUTES = f"""
SELECT open_time, open, high, low, close, volume FROM prices
WHERE {_IN_SPAN} ORDER BY open_time LIMIT :limit
"""  # noqa: S608 -- constants only

# GROUP BY would sort every minute. This jumps from candle to candle (the queue of a recursion is
# first in, first out, so they come ascending) and reads the minutes of each as a range.
_RESAMPLED = f"""
WITH RECURSIVE
    found (first) AS (
        SELECT min(open_time) FROM prices WHERE {_IN_SPAN}
        UNION ALL
        SELECT (
            SELECT min(open_time) FROM prices WHERE symbol_id = :id AND open_time < :end
                AND open_time >= first - (first - :origin) % :length + :length
        ) FROM found WHERE first IS NOT NULL
    ),
    candle (start, first, past) AS (
        SELECT first - (first - :origin) % :length, first,
               min(first - (first - :origin) % :length + :length, :end)
        FROM found WHERE first IS NOT NULL
    )
SELECT
    start,
    (SELECT open FROM prices WHERE symbol_id = :id AND open_time = first),
    (SELECT max(high) FROM prices
        WHERE symbol_id = :id AND open_time >= first AND open_time < past),
    (SELECT min(low) FROM prices
        WHERE symbol_id = :id AND open_time >= first AND open_time < past),
    (SELECT close FROM prices
        WHERE symbol_id = :id AND open_time < past ORDER BY open_time DESC LIMIT 1),
    (SELECT sum(volume) FROM prices
        WHERE symbol_id = :id AND open_time >= first AND open_time < past)
FROM candle LIMIT :limit
"""  # noqa: S608 -- constants only

_COUNT = f"SELECT count(*), max(open_time) FROM prices WHERE {_IN_SPAN}"  # noqa: S608 -- constants

# A gap ends at a minute without predecessor. Counting finds the days worth a closer look; their
# range is (first, past], since a gap at the end of a day ends at the first minute after it.
_GAPS = f"""
WITH RECURSIVE
    day (first, past) AS (
        SELECT :start, min(:start + 86400000, :end)
        UNION ALL
        SELECT past, min(past + 86400000, :end) FROM day WHERE past < :end
    ),
    incomplete (first, past) AS (
        SELECT first, past FROM day WHERE (
            SELECT count(*) FROM prices
            WHERE symbol_id = :id AND open_time >= first AND open_time < past
        ) < (past - first) / {MINUTE}
    )
SELECT
    ifnull((
        SELECT max(open_time) + {MINUTE} FROM prices
        WHERE symbol_id = :id AND open_time >= :start AND open_time < stored.open_time
    ), :start),
    stored.open_time
FROM incomplete CROSS JOIN prices AS stored
WHERE stored.symbol_id = :id AND stored.open_time > first AND stored.open_time <= past
    AND stored.open_time < :end AND NOT EXISTS (
        SELECT 1 FROM prices WHERE symbol_id = :id AND open_time = stored.open_time - {MINUTE}
    )
ORDER BY stored.open_time
"""  # noqa: S608 -- constants only

_HOLES = """
SELECT start_time, end_time FROM venue_holes
WHERE symbol_id = :id AND end_time >= :start AND start_time <= :end ORDER BY start_time
"""
_FORGET_HOLE = "DELETE FROM venue_holes WHERE symbol_id = ? AND start_time = ?"
_ADD_HOLE = "INSERT INTO venue_holes VALUES (?, ?, ?, ?)"


class Prices:
    """The PriceRepository of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ids: dict[Symbol, int] = {}  # never stale: symbols are not deleted

    async def upsert(self, candles: Mapping[Symbol, Sequence[Candle]]) -> int:
        """Store all in one transaction, replacing earlier ones; returns how many rows."""
        if not any(candles.values()):
            return 0
        async with self._database.transaction(bulk=True) as connection:
            several = [(await self._id(connection, each), candles[each]) for each in candles]
            rows = [(symbol_id, *row) for symbol_id, those in several for row in those]
            for batch in _batches(rows):
                values = list(chain.from_iterable(batch))
                await connection.execute_fetchall(_UPSERTS[len(batch)], values)
        return len(rows)

    async def last_open_times(self) -> dict[Symbol, int]:
        """The newest stored minute of every registered symbol that has one."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(_LAST_OPEN_TIMES)
        return {Symbol.parse(symbol): last for symbol, last in rows}

    async def candles(
        self, symbol: Symbol, span: Span, timeframe: Timeframe, limit: int | None = None
    ) -> list[Candle]:
        """Ascending, built from the stored minutes in the span; with `limit`, the first that many.

        The first and last may be built from a part of their minutes; volumes have 8 decimals.
        """
        candles: list[Candle] = []
        async with self._database.reading() as connection:
            symbol_id = await self._id(connection, symbol)
            async for rows in _chunks(connection, symbol_id, span, timeframe, limit):
                candles += map(Candle._make, rows)
        return candles

    async def columns(
        self, symbol: Symbol, span: Span, timeframe: Timeframe
    ) -> NDArray[np.float64]:
        """The same candles as an array of shape (n, 6), its columns those of Candle."""
        parts = [np.empty((0, 6))]
        async with self._database.reading() as connection:
            symbol_id = await self._id(connection, symbol)
            async for rows in _chunks(connection, symbol_id, span, timeframe, None):
                values = np.fromiter(chain.from_iterable(rows), np.float64, count=6 * len(rows))
                parts.append(values.reshape(-1, 6))
        return np.concatenate(parts)

    async def bounds(self, symbol: Symbol) -> Span | None:
        """First stored minute to the end of the last; None while there is none."""
        async with self._database.reading() as connection:
            symbol_id = await self._id(connection, symbol)
            ((first, last),) = await connection.execute_fetchall(_BOUNDS, {"id": symbol_id})
        return None if first is None else Span(first, last + MINUTE)

    async def coverage(self, symbol: Symbol, span: Span, *, digest: bool = True) -> Coverage:
        """How complete the span is, seen at one moment; without `digest` that stays empty.

        The digest is SHA-256 over a line `open_time,open,high,low,close,volume` per candle, the
        numbers in their shortest text that reads back the same (Python's repr).
        """
        async with self._database.reading() as connection:
            symbol_id = await self._id(connection, symbol)
            where = _within(symbol_id, span)
            ((stored, last),) = await connection.execute_fetchall(_COUNT, where)
            gaps = [] if stored == span.minutes else await _gaps(connection, where, last)
            recorded = await connection.execute_fetchall(_HOLES, where)
            hashed = await _digest(connection, symbol_id, span) if digest else ""
        holes, missing = split(gaps, [Span(*row) for row in recorded])
        return Coverage(
            span=span, stored=stored, holes=tuple(holes), missing=tuple(missing), digest=hashed
        )

    async def record_holes(self, symbol: Symbol, holes: Sequence[Span], at: datetime) -> None:
        """Remember spans the venue confirmed to have nothing for, joined with those they touch."""
        async with self._database.transaction() as connection:
            symbol_id = await self._id(connection, symbol)
            for hole in merged(holes):
                rows = await connection.execute_fetchall(_HOLES, _within(symbol_id, hole))
                touched = [Span(*row) for row in rows]
                for known in touched:
                    await connection.execute_fetchall(_FORGET_HOLE, (symbol_id, known.start))
                (whole,) = merged([hole, *touched])
                row = (symbol_id, whole.start, whole.end, to_milliseconds(at))
                await connection.execute_fetchall(_ADD_HOLE, row)

    async def _id(self, connection: aiosqlite.Connection, symbol: Symbol) -> int:
        if symbol not in self._ids:
            rows = await connection.execute_fetchall(
                "SELECT id FROM symbols WHERE symbol = ?", (str(symbol),)
            )
            for (symbol_id,) in rows:
                self._ids[symbol] = symbol_id
                return self._ids[symbol]
            raise not_registered(symbol)
        return self._ids[symbol]


def _batches(rows: Sequence[tuple[float, ...]]) -> Iterator[Sequence[tuple[float, ...]]]:
    """Slices of a few sizes only, so that a few prepared statements serve all."""
    at = 0
    for size in _BATCHES:
        while len(rows) - at >= size:
            yield rows[at : at + size]
            at += size


def _within(symbol_id: int, span: Span) -> dict[str, int]:
    return {"id": symbol_id, "start": span.start, "end": span.end}


async def _chunks(
    connection: aiosqlite.Connection,
    symbol_id: int,
    span: Span,
    timeframe: Timeframe,
    limit: int | None,
) -> AsyncIterator[list[Row]]:
    """The rows of candles, some thousand at a time."""
    asked = _within(symbol_id, span) | {"limit": -1 if limit is None else limit}
    if timeframe.length == MINUTE:
        async with connection.execute(_MINUTES, asked) as cursor:
            while rows := await cursor.fetchmany(_CHUNK):
                yield rows  # type: ignore[misc]  # sqlite3.Row stands for any row there
        return
    asked |= {"origin": timeframe.origin, "length": timeframe.length}
    async with connection.execute(_RESAMPLED, asked) as cursor:
        while rows := await cursor.fetchmany(_CHUNK):
            # Rounded here, since SQLite's own round differs in the last digit between versions.
            yield [(*row[:5], round(row[5], _VOLUME_DECIMALS)) for row in rows]


async def _gaps(
    connection: aiosqlite.Connection, where: dict[str, int], last: int | None
) -> list[Span]:
    """Every run of minutes in the span that is not stored."""
    start = where["start"] if last is None else last + MINUTE
    rows = await connection.execute_fetchall(_GAPS, where)
    return [*(Span(*row) for row in rows), *merged([Span(start, where["end"])])]


async def _digest(connection: aiosqlite.Connection, symbol_id: int, span: Span) -> str:
    digest = hashlib.sha256()
    async for rows in _chunks(connection, symbol_id, span, Timeframe("1m", MINUTE), None):
        digest.update(digestible(rows))
    return digest.hexdigest()
