"""Whose an order is, read from the keys that orders were sent under and from their stops."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Collection
from functools import partial
from uuid import UUID

from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import Order, OrderStatus
from trading_system.ports import OwnFill, OwnOrder
from trading_system.storage import order_rows as rows
from trading_system.storage.database import Database

_BY_STRATEGY = re.compile("strategy:([0-9a-f]{32}):")
_BY_STOP = re.compile("stop-([0-9a-f]{32})-")
_GUARDED = "SELECT mandate_id FROM mandate_stops WHERE stop_id = ?"
_OPEN = json.dumps([status for status in OrderStatus if not status.is_final])

# The key an order was sent under; one that took another's place was sent for that one's.
_ROOT = """(
    WITH RECURSIVE line (sent_under, above) AS (
        SELECT idempotency_key, replaces FROM orders WHERE id = {order}
        UNION ALL
        SELECT orders.idempotency_key, orders.replaces FROM line JOIN orders ON id = line.above
    )
    SELECT sent_under FROM line WHERE above IS NULL
)"""
_UNSETTLED = f"""
SELECT {_ROOT.format(order="found.id")} AS sent_under, {rows.COLUMNS} FROM orders AS found
WHERE id IN (
    SELECT id FROM orders WHERE status IN (SELECT value FROM json_each(?))
    UNION SELECT order_id FROM orders_short_of_fills
) AND sent_under IS NOT NULL
"""  # noqa: S608 -- constants
_FILL = ", ".join(f"fills.{name}" for name in rows.FILL_COLUMNS.split(", "))
_FILLS = f"""
SELECT {_ROOT.format(order="fills.order_id")} AS sent_under, {_FILL}
FROM booked_fills JOIN fills USING (symbol, trade_id, order_id)
WHERE booked_fills.number > ? AND sent_under IS NOT NULL ORDER BY booked_fills.number
"""  # noqa: S608 -- constants
_UNDER = f"""
SELECT idempotency_key, {rows.COLUMNS} FROM orders
WHERE idempotency_key IN (SELECT value FROM json_each(?))
"""  # noqa: S608 -- constants


class OwnOrders:
    """The OwnOrders of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def under(self, keys: Collection[str]) -> dict[str, Order]:
        """The orders on record by these Idempotency-Keys."""
        asked = (json.dumps(list(keys)),)
        found = await self._database.read(
            lambda connection: connection.execute(_UNDER, asked).fetchall()
        )
        return {row[0]: rows.order(row[1:]) for row in found}

    async def owner(self, order_id: UUID) -> UUID | None:
        """The mandate that an order is of, or that its stop guards; None for all others."""
        return await self._database.read(partial(_owner, order=str(order_id)))

    async def unsettled(self) -> list[OwnOrder]:
        """Orders of mandates that are open, or of which fills are still unheard of."""
        return await self._database.read(_unsettled)

    async def fills(self, after: int = 0) -> tuple[int, list[OwnFill]]:
        """Those of mandates booked after this number, and the number to ask from next time."""
        return await self._database.read(partial(_fills, after=after))

    async def link_stop(self, mandate_id: UUID, symbol: Symbol, stop_id: UUID) -> None:
        """This stop, which need not exist yet, guards what the mandate holds of the symbol."""
        query = "INSERT OR IGNORE INTO mandate_stops (mandate_id, symbol, stop_id) VALUES (?, ?, ?)"
        row = (str(mandate_id), str(symbol), str(stop_id))
        await self._database.write(lambda connection: connection.execute(query, row))

    async def stops(self, mandate_id: UUID) -> dict[Symbol, UUID]:
        """The stop linked last, by symbol."""
        query = "SELECT symbol, stop_id FROM mandate_stops WHERE mandate_id = ? ORDER BY id"
        found = await self._database.read(
            lambda connection: connection.execute(query, (str(mandate_id),)).fetchall()
        )
        return {Symbol.parse(symbol): UUID(stop) for symbol, stop in found}


def _owner(connection: sqlite3.Connection, order: str) -> UUID | None:
    found = connection.execute(f"SELECT {_ROOT.format(order='?')}", (order,)).fetchone()
    owner = None if found[0] is None else _Owners(connection).of(found[0])
    return None if owner is None else owner[0]


def _unsettled(connection: sqlite3.Connection) -> list[OwnOrder]:
    owners = _Owners(connection)
    found = []
    for row in connection.execute(_UNSETTLED, (_OPEN,)):
        owner = owners.of(row[0])
        if owner is not None:
            mandate_id, guards = owner
            found.append(OwnOrder(mandate_id=mandate_id, order=rows.order(row[1:]), guards=guards))
    return found


def _fills(connection: sqlite3.Connection, after: int) -> tuple[int, list[OwnFill]]:
    owners = _Owners(connection)
    (last,) = connection.execute("SELECT ifnull(max(number), 0) FROM booked_fills").fetchone()
    found = []
    for row in connection.execute(_FILLS, (after,)):
        owner = owners.of(row[0])
        if owner is not None:
            mandate_id, guards = owner
            recorded = rows.recorded_fill(row[1:])
            found.append(OwnFill(mandate_id=mandate_id, recorded=recorded, guards=guards))
    return last, found


class _Owners:
    """Keys to mandates: "strategy:<id>:..." of a mandate itself, "stop-<id>-<number>" of a stop."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def of(self, key: str) -> tuple[UUID, bool] | None:
        """The mandate that an order of this key belongs to, and whether a stop sent it."""
        if sent := _BY_STRATEGY.match(key):  # others may name theirs almost like that
            return UUID(sent[1]), False
        if sent := _BY_STOP.match(key):
            asked = (str(UUID(sent[1])),)
            for (mandate,) in self._connection.execute(_GUARDED, asked):
                return UUID(mandate), True
        return None
