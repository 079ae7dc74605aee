"""Backfill jobs in SQLite, so that a restart goes on where a kill left off."""

from __future__ import annotations

from uuid import UUID

from trading_system.domain.candles import Span
from trading_system.domain.errors import NotFound
from trading_system.domain.instruments import Symbol
from trading_system.ports import Backfill, JobState
from trading_system.storage.database import Database
from trading_system.storage.symbols import not_registered
from trading_system.storage.times import to_datetime, to_milliseconds

_SAVE = """
INSERT INTO backfills (id, symbol_id, start_time, end_time, state, expected, stored, holes, error,
                       created_at, updated_at)
SELECT ?, id, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM symbols WHERE symbol = ?
ON CONFLICT (id) DO UPDATE SET
    state = excluded.state, expected = excluded.expected, stored = excluded.stored,
    holes = excluded.holes, error = excluded.error, updated_at = excluded.updated_at
RETURNING id
"""
_SELECT = """
SELECT backfills.id, symbol, start_time, end_time, state, expected, stored, holes, error,
       created_at, updated_at
FROM backfills JOIN symbols ON symbols.id = symbol_id
"""
_GET = _SELECT + "WHERE backfills.id = ?"
_UNFINISHED = _SELECT + "WHERE state IN ('pending', 'running') ORDER BY created_at, backfills.rowid"


class Backfills:
    """The BackfillRepository of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, job: Backfill) -> None:
        """Save it as it is now; raises NotRegistered when its symbol is not."""
        row = (
            str(job.id), job.span.start, job.span.end, job.state, job.expected, job.stored,
            job.holes, job.error, to_milliseconds(job.created_at), to_milliseconds(job.updated_at),
            str(job.symbol),
        )  # fmt: skip
        async with self._database.transaction() as connection:
            saved = list(await connection.execute_fetchall(_SAVE, row))
        if not saved:
            raise not_registered(job.symbol)

    async def get(self, job_id: UUID) -> Backfill:
        """Raises NotFound."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(_GET, (str(job_id),))
        for row in rows:
            return _job(*row)
        raise NotFound(f"there is no backfill {job_id}")

    async def unfinished(self) -> list[Backfill]:
        """Pending and running jobs, oldest first."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(_UNFINISHED)
        return [_job(*row) for row in rows]


def _job(  # noqa: PLR0917 -- one argument a column
    job_id: str,
    symbol: str,
    start: int,
    end: int,
    state: str,
    expected: int,
    stored: int,
    holes: int,
    error: str | None,
    created_at: int,
    updated_at: int,
) -> Backfill:
    return Backfill(
        id=UUID(job_id),
        symbol=Symbol.parse(symbol),
        span=Span(start, end),
        state=JobState(state),
        expected=expected,
        stored=stored,
        holes=holes,
        error=error,
        created_at=to_datetime(created_at),
        updated_at=to_datetime(updated_at),
    )
