"""What the account was worth, mark by mark, in SQLite; money as exact text."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from trading_system.domain.positions import Equity
from trading_system.storage.database import Database
from trading_system.storage.times import to_datetime, to_milliseconds

_COLUMNS = "quote, at, total, day_start, peak, unvalued"
_RECORD = f"INSERT OR REPLACE INTO equity ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"  # noqa: S608 -- constants
_LAST = f"SELECT {_COLUMNS} FROM equity WHERE quote = ? ORDER BY at DESC LIMIT 1"  # noqa: S608 -- constants
_BOUNDS = "SELECT MIN(at), MAX(at) FROM equity WHERE quote = ? AND at >= ? AND at < ?"
# Beside MAX, SQLite takes the other columns from the row that has the maximum.
_BETWEEN = f"""
SELECT {_COLUMNS.replace("at", "MAX(at)", 1)} FROM equity
WHERE quote = ? AND at >= ? AND at < ? GROUP BY (at - ?) / ? ORDER BY at
"""  # noqa: S608 -- constants
_THIN = """
DELETE FROM equity WHERE at < :before AND (quote, at) NOT IN
    (SELECT quote, MAX(at) FROM equity WHERE at < :before GROUP BY quote, at / 3600000)
"""
_EVER = 2**62


class EquityMarks:
    """The EquityRepository of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, mark: Equity) -> None:
        """Keep it; a second one of the same millisecond takes the place of the first."""
        row = (
            mark.quote,
            to_milliseconds(mark.at),
            str(mark.total),
            str(mark.day_start),
            str(mark.peak),
            " ".join(mark.unvalued),
        )
        async with self._database.transaction() as connection:
            await connection.execute(_RECORD, row)

    async def last(self, quote: str) -> Equity | None:
        """The newest."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(_LAST, (quote,))
        return next((_mark(*row) for row in rows), None)

    async def between(
        self, quote: str, start: int | None, end: int | None, *, points: int
    ) -> list[Equity]:
        """From start to before end, ascending; when there are too many, the last of each part."""
        window = (quote, 0 if start is None else start, _EVER if end is None else end)
        async with self._database.reading() as connection:
            ((first, last),) = await connection.execute_fetchall(_BOUNDS, window)
            if first is None:
                return []
            part = (last - first) // points + 1
            rows = await connection.execute_fetchall(_BETWEEN, (*window, first, part))
        return [_mark(*row) for row in rows]

    async def thin(self, before: datetime) -> None:
        """Of the marks before this keep the last of each hour."""
        async with self._database.transaction() as connection:
            await connection.execute(_THIN, {"before": to_milliseconds(before)})


def _mark(  # noqa: PLR0917 -- one argument a column
    quote: str, at: int, total: str, day_start: str, peak: str, unvalued: str
) -> Equity:
    return Equity(
        total=Decimal(total),
        quote=quote,
        day_start=Decimal(day_start),
        peak=Decimal(peak),
        at=to_datetime(at),
        unvalued=tuple(unvalued.split()),
    )
