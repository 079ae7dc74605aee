"""What orders may still do, read from their table in one narrow query before each new one."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from trading_system.domain.instruments import Symbol
from trading_system.domain.order_lists import pair_of
from trading_system.domain.orders import OrderStatus, Side
from trading_system.ports import Commitment
from trading_system.storage.database import Database
from trading_system.storage.times import to_datetime, to_milliseconds

_OPEN = tuple(str(status) for status in OrderStatus if not status.is_final)
_QUERY = (
    "SELECT id, symbol, side, status, quantity, quote_quantity, price, stop_price, "  # noqa: S608 -- marks
    "executed_quantity, executed_quote, created_at, list_id, "
    "venue_order_id IS NOT NULL FROM orders "
    f"WHERE status IN ({', '.join('?' * len(_OPEN))}) OR created_at >= ? "
    "ORDER BY +created_at, rowid"
)
"""The plus keeps SQLite from walking all orders there ever were by their time."""


class Commitments:
    """CommitmentRepository over SQLite."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open_or_since(self, moment: datetime) -> list[Commitment]:
        """Every order that has not ended, and every one created from then on; oldest first."""
        values = (*_OPEN, to_milliseconds(moment))
        rows = await self._database.read(
            lambda connection: connection.execute(_QUERY, values).fetchall()
        )
        return [_commitment(*row) for row in rows]


@lru_cache(maxsize=4096)  # most rows are what they were at the last order
def _commitment(*row: Any) -> Commitment:
    return Commitment(
        id=UUID(row[0]),
        symbol=Symbol.parse(row[1]),
        side=Side(row[2]),
        status=OrderStatus(row[3]),
        quantity=_decimal(row[4]),
        quote_quantity=_decimal(row[5]),
        price=_decimal(row[6]),
        stop_price=_decimal(row[7]),
        executed_quantity=Decimal(row[8]),
        executed_quote=Decimal(row[9]),
        created_at=to_datetime(row[10]),
        list_id=None if row[11] is None else pair_of(UUID(row[11]), UUID(row[0])),
        waits=row[3] == OrderStatus.PENDING_NEW and bool(row[12]),
    )


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
