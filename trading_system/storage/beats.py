"""The record of every heartbeat in SQLite; a beat without an end was cut short."""

from __future__ import annotations

from trading_system.domain.errors import NotFound
from trading_system.ports import Beat
from trading_system.storage.database import Database
from trading_system.storage.times import to_datetime, to_milliseconds

_BEGIN = "INSERT INTO beats (due, started) VALUES (?, ?) RETURNING id"
_END = "UPDATE beats SET ended = ?, stored = ?, failed = ?, error = ? WHERE id = ? RETURNING id"
_LATEST = """
SELECT due, started, ended, stored, failed, error FROM beats ORDER BY id DESC LIMIT ?
"""


class Beats:
    """The BeatRepository of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, beat: Beat) -> int:
        """Record that a beat has started; returns its number."""
        row = (to_milliseconds(beat.due), to_milliseconds(beat.started))
        async with self._database.transaction() as connection:
            ((beat_id,),) = await connection.execute_fetchall(_BEGIN, row)
        return int(beat_id)

    async def end(self, beat_id: int, beat: Beat) -> None:
        """Record what came of it; raises NotFound for a number never given out."""
        ended = None if beat.ended is None else to_milliseconds(beat.ended)
        row = (ended, beat.stored, beat.failed, beat.error, beat_id)
        async with self._database.transaction() as connection:
            updated = list(await connection.execute_fetchall(_END, row))
        if not updated:
            raise NotFound(f"there is no beat {beat_id}")

    async def latest(self, limit: int = 1) -> list[Beat]:
        """The last beats begun, newest first."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(_LATEST, (limit,))
        return [_beat(*row) for row in rows]


def _beat(  # noqa: PLR0917 -- one argument a column
    due: int, started: int, ended: int | None, stored: int, failed: int, error: str | None
) -> Beat:
    return Beat(
        due=to_datetime(due),
        started=to_datetime(started),
        ended=None if ended is None else to_datetime(ended),
        stored=stored,
        failed=failed,
        error=error,
    )
