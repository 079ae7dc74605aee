"""Order lists in SQLite: a row for the list, its legs among the orders, all in one transaction."""

from __future__ import annotations

import sqlite3
from functools import partial
from uuid import UUID

from trading_system.domain.errors import NotFound
from trading_system.domain.order_lists import LEGS, ListKind, OrderList, leg_id
from trading_system.storage import order_rows as rows
from trading_system.storage.database import Database
from trading_system.storage.order_writes import insert, saved_under
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
        return await self._database.write(
            partial(_create, order_list=order_list, key=idempotency_key, digest=digest)
        )

    async def by_key(self, key: str, digest: str) -> OrderList | None:
        """The list saved under this Idempotency-Key; raises KeyReused for another wish."""
        return await self._database.read(partial(_saved_under, key=key, digest=digest))

    async def get(self, list_id: UUID) -> OrderList:
        """Raises NotFound."""
        return await self._database.read(partial(_read, list_id=list_id))


def _create(
    connection: sqlite3.Connection, order_list: OrderList, key: str | None, digest: str
) -> OrderList | None:
    if key is not None and (saved := _saved_under(connection, key, digest)) is not None:
        return saved
    connection.execute(
        "INSERT INTO order_lists (id, client_list_id, kind, created_at) VALUES (?, ?, ?, ?)",
        (
            str(order_list.id),
            order_list.client_list_id,
            order_list.kind,
            to_milliseconds(order_list.created_at),
        ),
    )
    for order in order_list.orders:
        insert(connection, order, idempotency_key=key, digest=digest)
        key = None
    return None


def _saved_under(connection: sqlite3.Connection, key: str, digest: str) -> OrderList | None:
    saved = saved_under(connection, key, digest)
    return None if saved is None else _read(connection, saved.list_id)


def _read(connection: sqlite3.Connection, list_id: UUID | None) -> OrderList:
    query = "SELECT kind, created_at FROM order_lists WHERE id = ?"
    found = connection.execute(query, (str(list_id),)).fetchone()
    if list_id is None or found is None:
        raise NotFound(f"there is no order list {list_id}")
    kind = ListKind(found[0])
    query = f"SELECT {rows.COLUMNS} FROM orders WHERE list_id = ?"  # noqa: S608 -- constants
    legs = map(rows.order, connection.execute(query, (str(list_id),)))
    orders = {order.id: order for order in legs}
    return OrderList(
        id=list_id,
        kind=kind,
        legs={leg: orders[leg_id(list_id, leg)] for leg in LEGS[kind]},
        created_at=to_datetime(found[1]),
    )
