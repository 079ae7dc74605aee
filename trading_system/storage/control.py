"""What must outlive the program for its safety: who stopped it, and a drawdown's cool-down."""

from __future__ import annotations

from decimal import Decimal

from trading_system.domain.control import ControlEntry, ControlState
from trading_system.ports import Drawdown
from trading_system.storage.database import Database
from trading_system.storage.times import to_datetime, to_milliseconds

_APPEND = "INSERT INTO control_log (state, flatten, reason, who, at) VALUES (?, ?, ?, ?, ?)"
_LATEST = "SELECT state, flatten, reason, who, at FROM control_log ORDER BY id DESC LIMIT ?"
_KILLS = """
SELECT state, flatten, reason, who, at FROM control_log WHERE state = 'KILLED' ORDER BY id
"""
_SAVE = "INSERT OR REPLACE INTO drawdown (id, peak, stopped_at) VALUES (1, ?, ?)"
_LOAD = "SELECT peak, stopped_at FROM drawdown"


class ControlEntries:
    """The ControlLog of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, entry: ControlEntry) -> None:
        """Add one; on disk when this returns."""
        at = to_milliseconds(entry.at)
        row = (entry.state, int(entry.flatten), entry.reason, entry.who, at)
        async with self._database.transaction() as connection:
            await connection.execute(_APPEND, row)

    async def latest(self, limit: int = 100) -> list[ControlEntry]:
        """Newest first."""
        return await self._read(_LATEST, (limit,))

    async def kills(self) -> list[ControlEntry]:
        """Every kill, oldest first."""
        return await self._read(_KILLS, ())

    async def _read(self, query: str, values: tuple[object, ...]) -> list[ControlEntry]:
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(query, values)
        return [
            ControlEntry(
                state=ControlState(state),
                flatten=bool(flatten),
                reason=reason,
                who=who,
                at=to_datetime(at),
            )
            for state, flatten, reason, who, at in rows
        ]


class DrawdownEntry:
    """The DrawdownRecord of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, drawdown: Drawdown) -> None:
        """Replace the one that is kept."""
        stopped = drawdown.stopped_at
        row = (str(drawdown.peak), None if stopped is None else to_milliseconds(stopped))
        async with self._database.transaction() as connection:
            await connection.execute(_SAVE, row)

    async def load(self) -> Drawdown | None:
        """None before the first."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(_LOAD)
        for peak, stopped in rows:
            at = None if stopped is None else to_datetime(stopped)
            return Drawdown(peak=Decimal(peak), stopped_at=at)
        return None
