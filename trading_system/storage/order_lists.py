"""Order lists in SQLite: a row for the list, its legs among the orders, all in one transaction."""

from __future__ import annotations

from uuid import UUID

import aiosqlite

from trading_system.domain.errors import NotFound
from trading_system.domain.order_lists import LEGS, ListKind, OrderList, leg_id
from trading_system.storage import order_rows as rows
from trading_system.storage.database import Database
from trading_system.storage.orders import insert, saved_under
from trading_system.storage.times import to_datetime, to_milliseconds


class OrderLists:
    """OrderListRepository over SQLite.

    The Idempotency-Key of a list is that of its first leg, so that no order may have it as well.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self, order_list: OrderList, *, idempotency_key: str | None, digest: str
    ) -> OrderList | None:
        """Save it and its legs; None, or the list saved earlier under this key. KeyReused."""
        async with self._database.transaction() as connection:
            if idempotency_key is not None:
                saved = await saved_under(connection, idempotency_key, digest)
                if saved is not None:
                    return await _read(connection, saved.list_id)
            await connection.execute(
                "INSERT INTO order_lists (id, client_list_id, kind, created_at) "
                "VALUES (?, ?, ?, ?)",
                (
                    str(order_list.id),
                    order_list.client_list_id,
                    order_list.kind,
                    to_milliseconds(order_list.created_at),
                ),
            )
            key = idempotency_key
            for order in order_list.orders:
                await insert(connection, order, idempotency_key=key, digest=digest)
                key = None
        return None

    async def by_key(self, key: str, digest: str) -> OrderList | None:
        """The list saved under this Idempotency-Key; raises KeyReused for another wish."""
        async with self._database.reading() as connection:
            saved = await saved_under(connection, key, digest)
            return None if saved is None else await _read(connection, saved.list_id)

    async def get(self, list_id: UUID) -> OrderList:
        """Raises NotFound."""
        async with self._database.reading() as connection:
            return await _read(connection, list_id)


async def _read(connection: aiosqlite.Connection, list_id: UUID | None) -> OrderList:
    query = "SELECT kind, created_at FROM order_lists WHERE id = ?"
    async with connection.execute(query, (str(list_id),)) as cursor:
        found = await cursor.fetchone()
    if list_id is None or found is None:
        raise NotFound(f"there is no order list {list_id}")
    kind = ListKind(found[0])
    query = f"SELECT {rows.COLUMNS} FROM orders WHERE list_id = ?"  # noqa: S608 -- constants
    async with connection.execute(query, (str(list_id),)) as cursor:
        orders = {(order := rows.order(row)).id: order async for row in cursor}
    return OrderList(
        id=list_id,
        kind=kind,
        legs={leg: orders[leg_id(list_id, leg)] for leg in LEGS[kind]},
        created_at=to_datetime(found[1]),
    )
