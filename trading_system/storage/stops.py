"""Stop losses in SQLite; money as exact text."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from trading_system.domain.errors import NotFound
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import OrderType, Side
from trading_system.domain.stops import Keeper, Stop, StopKind, StopStatus
from trading_system.storage.database import Database
from trading_system.storage.times import to_datetime, to_milliseconds

_COLUMNS = (
    "id, symbol, side, kind, kept_by, status, quantity, trigger_price, distance_bps, deadline, "
    "venue_type, limit_price, best, attempt, ordered, order_id, closed, reason, created_at, "
    "updated_at"
)
_SAVE = f"INSERT OR REPLACE INTO stops ({_COLUMNS}) VALUES ({', '.join('?' * 20)})"  # noqa: S608 -- constants
_SELECT = f"SELECT {_COLUMNS} FROM stops"  # noqa: S608 -- constants
_OVER = ", ".join(f"'{status}'" for status in StopStatus if status.is_final)


class Stops:
    """The StopRepository of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, stop: Stop) -> None:
        """As it now is, whether new or not."""
        async with self._database.transaction() as connection:
            await connection.execute(_SAVE, _row(stop))

    async def get(self, stop_id: UUID) -> Stop:
        """Raises NotFound."""
        found = await self._read(f"{_SELECT} WHERE id = ?", (str(stop_id),))
        if not found:
            raise NotFound(f"there is no stop {stop_id}")
        return found[0]

    async def all(self, *, symbol: Symbol | None = None, limit: int = 500) -> list[Stop]:
        """Newest first."""
        name = None if symbol is None else str(symbol)
        return await self._read(
            f"{_SELECT} WHERE ? IS NULL OR symbol = ? ORDER BY created_at DESC, id LIMIT ?",
            (name, name, limit),
        )

    async def unfinished(self) -> list[Stop]:
        """Those that still guard something."""
        return await self._read(f"{_SELECT} WHERE status NOT IN ({_OVER})", ())

    async def failed(self) -> list[Stop]:
        """Those that gave up."""
        return await self._read(f"{_SELECT} WHERE status = ?", (StopStatus.FAILED,))

    async def _read(self, query: str, values: Iterable[object]) -> list[Stop]:
        async with self._database.reading() as connection:
            return [_stop(row) for row in await connection.execute_fetchall(query, tuple(values))]


def _row(stop: Stop) -> tuple[object, ...]:
    return (
        str(stop.id),
        str(stop.symbol),
        stop.side,
        stop.kind,
        stop.kept_by,
        stop.status,
        _text(stop.quantity),
        _text(stop.trigger_price),
        stop.distance_bps,
        _ms(stop.deadline),
        stop.venue_type,
        _text(stop.limit_price),
        _text(stop.best),
        stop.attempt,
        _text(stop.ordered),
        _text(stop.order_id),
        str(stop.closed),
        stop.reason,
        _ms(stop.created_at),
        _ms(stop.updated_at),
    )


def _stop(row: sqlite3.Row) -> Stop:
    return Stop(
        id=UUID(row[0]),
        symbol=Symbol.parse(row[1]),
        side=Side(row[2]),
        kind=StopKind(row[3]),
        kept_by=Keeper(row[4]),
        status=StopStatus(row[5]),
        quantity=_decimal(row[6]),
        trigger_price=_decimal(row[7]),
        distance_bps=row[8],
        deadline=None if row[9] is None else to_datetime(row[9]),
        venue_type=None if row[10] is None else OrderType(row[10]),
        limit_price=_decimal(row[11]),
        best=_decimal(row[12]),
        attempt=row[13],
        ordered=_decimal(row[14]),
        order_id=None if row[15] is None else UUID(row[15]),
        closed=Decimal(row[16]),
        reason=row[17],
        created_at=to_datetime(row[18]),
        updated_at=to_datetime(row[19]),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else to_milliseconds(moment)
