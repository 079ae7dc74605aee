"""What orders may still do, read from their table in one narrow query before each new one."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from trading_system.domain.instruments import Symbol
from trading_system.domain.order_lists import pair_of
from trading_system.domain.orders import OrderStatus, Side
from trading_system.ports import Commitment, Committed
from trading_system.storage.database import Database
from trading_system.storage.times import to_milliseconds

_OPEN = tuple(str(status) for status in OrderStatus if not status.is_final)
_QUERY = (
    "SELECT id, symbol, side, status, quantity, quote_quantity, price, stop_price, "  # noqa: S608 -- marks
    "executed_quantity, executed_quote, list_id, venue_order_id IS NOT NULL, "
    "CASE WHEN id IN (SELECT order_id FROM orders_short_of_fills) THEN "
    "(SELECT json_group_array(fills.quantity) FROM fills WHERE order_id = orders.id) END "
    f"FROM orders WHERE status IN ({', '.join('?' * len(_OPEN))}) "
    "OR id IN (SELECT value FROM json_each(?)) "
    "OR (id IN (SELECT order_id FROM orders_short_of_fills) AND +updated_at >= ?) "
    "ORDER BY +created_at, rowid"
)
"""The plus keeps SQLite from walking all orders there ever were by their time."""
_LOOKED_FOR = timedelta(days=1)
_RECENT = "SELECT count(*) FROM orders WHERE created_at > ?"


class Commitments:
    """CommitmentRepository over SQLite."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def committed(self, *, since: datetime, also: Collection[UUID] = ()) -> Committed:
        """Every order that has not ended, is named, or of which fills are still looked for."""
        named = json.dumps([str(order_id) for order_id in also])
        looked_for = to_milliseconds(since - _LOOKED_FOR)

        def look(connection: sqlite3.Connection) -> tuple[list[sqlite3.Row], int]:
            ((recent,),) = connection.execute(_RECENT, (to_milliseconds(since),))
            return connection.execute(_QUERY, (*_OPEN, named, looked_for)).fetchall(), recent

        rows, recent = await self._database.read(look)
        return Committed(orders=[_commitment(*row) for row in rows], recent=recent)


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
        list_id=None if row[10] is None else pair_of(UUID(row[10]), UUID(row[0])),
        waits=row[3] == OrderStatus.PENDING_NEW and bool(row[11]),
        unbooked=_unbooked(Decimal(row[8]), row[12]),
    )


def _unbooked(executed: Decimal, fills: str | None) -> Decimal:
    """What these quantities, as JSON, leave of it; None where they are known to be all."""
    if fills is None:
        return Decimal(0)
    return executed - sum(map(Decimal, json.loads(fills)), Decimal(0))


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
