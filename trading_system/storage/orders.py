"""Orders, their steps and fills in SQLite; each method one transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import aiosqlite

from trading_system.domain.errors import KeyReused, NotFound
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import Order, OrderStatus
from trading_system.domain.reports import Report
from trading_system.ports import RecordedFill
from trading_system.storage import order_rows as rows
from trading_system.storage import order_steps, transitions
from trading_system.storage.database import Database
from trading_system.storage.order_rows import recorded_fill
from trading_system.storage.times import to_milliseconds

_OPEN = tuple(status for status in OrderStatus if not status.is_final)


class Orders:
    """OrderRepository over SQLite."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self, order: Order, *, idempotency_key: str | None, digest: str
    ) -> Order | None:
        """Save it as new; None, or the order saved earlier under this key. Raises KeyReused."""
        async with self._database.transaction() as connection:
            if idempotency_key is not None:
                saved = await saved_under(connection, idempotency_key, digest)
                if saved is not None:
                    return saved
            await insert(connection, order, idempotency_key=idempotency_key, digest=digest)
        return None

    async def adopt(self, order: Order) -> Order:
        """Save an order that somebody else placed; returns the one on record where there is one.

        Clients use their ids again once an order has ended: the newest order has the id, the one
        that had it before keeps it with its venue id behind a sign that no id may contain.
        """
        async with self._database.transaction() as connection:
            known = await _one(
                connection,
                f"SELECT {rows.COLUMNS} FROM orders WHERE id = ? OR client_order_id = ? "  # noqa: S608 -- constants
                "ORDER BY id = ? DESC LIMIT 1",
                (str(order.id), order.client_order_id, str(order.id)),
            )
            if known is not None:
                found = rows.order(known)
                if found.id == order.id or not found.foreign:
                    return found
                await _let_go_of_id(connection, found, at=order.created_at)
            await insert(connection, order, idempotency_key=None, digest="")
        return order

    async def record(self, before: Order, after: Order, report: Report, *, at: datetime) -> Order:
        """The order after a report, its step and the fills that are new, all or nothing.

        Returns it as it is stored, with what its fills cost by now.
        """
        async with self._database.transaction() as connection:
            inserted = await connection.executemany(
                rows.INSERT_FILL, [rows.fill_row(after, fill) for fill in report.fills]
            )
            # What the venue has just told of for the first time has no fills yet.
            is_known = before.venue_order_id is not None
            fills = (
                await _fills(connection, after)
                if is_known or after.executed_quantity or report.fills
                else []
            )
            if after.executed_quantity or fills:
                sums = rows.Sums.of((row[5], row[7], row[8]) for row in fills)
                after = replace(after, fees=sums.fees)
                await _note_missing_fills(connection, after, sums)
            await connection.execute(rows.UPDATE, (*rows.changing(after), str(after.id)))
            if order_steps.is_step(before, after) or inserted.rowcount > 0:
                step = order_steps.reported(before, after, report, fills, at=at)
                await transitions.append(connection, step)
        return after

    async def keep_impossible(self, order: Order, report: Report, *, at: datetime) -> None:
        """Remember, once, a report that asks for a step that orders never take."""
        async with self._database.transaction() as connection:
            step = order_steps.impossible(order, report, at=at)
            known = await _one(
                connection,
                "SELECT 1 FROM order_transitions WHERE order_id = ? AND NOT booked "
                "AND from_status = ? AND to_status = ? AND source = ? AND venue_time = ?",
                (step.order_id, order.status, report.status, step.source, step.venue_time),
            )
            if known is None:
                await transitions.append(connection, step)

    async def by_key(self, key: str, digest: str) -> Order | None:
        """The order saved under this Idempotency-Key; raises KeyReused for another wish."""
        async with self._database.reading() as connection:
            return await saved_under(connection, key, digest)

    async def get(self, order_id: UUID) -> Order:
        """Raises NotFound."""
        return await self._only("id", str(order_id))

    async def by_client_order_id(self, client_order_id: str) -> Order:
        """Raises NotFound."""
        return await self._only("client_order_id", client_order_id)

    async def all(
        self,
        *,
        statuses: frozenset[OrderStatus] | None = None,
        symbol: Symbol | None = None,
        limit: int = 500,
    ) -> list[Order]:
        """Newest first."""
        wanted = [str(status) for status in statuses or ()]
        marks = ", ".join("?" * len(wanted))
        query = (
            f"SELECT {rows.COLUMNS} FROM orders "  # noqa: S608 -- constants and marks
            f"WHERE (:everything OR status IN ({marks})) AND (? IS NULL OR symbol = ?) "
            "ORDER BY created_at DESC, rowid DESC LIMIT ?"
        ).replace(":everything", str(int(statuses is None)))
        name = str(symbol) if symbol else None
        async with (
            self._database.reading() as connection,
            connection.execute(query, (*wanted, name, name, limit)) as cursor,
        ):
            return [rows.order(row) async for row in cursor]

    async def symbols(self, since: datetime | None = None) -> set[Symbol]:
        """In which there ever was an order or, with `since`, one from then on or an open one."""
        query, values = "SELECT DISTINCT symbol FROM orders", tuple[object, ...]()
        if since is not None:
            marks = ", ".join("?" * len(_OPEN))
            query += f" WHERE created_at >= ? UNION {query} WHERE status IN ({marks})"
            values = to_milliseconds(since), *_OPEN
        async with self._database.reading() as connection:
            found = await connection.execute_fetchall(query, values)
        return {Symbol.parse(name) for (name,) in found}

    async def among(
        self,
        *,
        ids: Collection[UUID] = (),
        client_order_ids: Collection[str] = (),
        venue_order_ids: Collection[tuple[Symbol, str]] = (),
    ) -> list[Order]:
        """Every order that is meant by one of these, in any order, each once."""
        found = {}
        for condition, keys in (
            ("id IN (SELECT value FROM json_each(?))", [str(each) for each in ids]),
            ("client_order_id IN (SELECT value FROM json_each(?))", list(client_order_ids)),
            (
                "(symbol, venue_order_id) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))",
                [(str(symbol), number) for symbol, number in venue_order_ids],
            ),
        ):
            if not keys:
                continue
            query = f"SELECT {rows.COLUMNS} FROM orders WHERE {condition}"  # noqa: S608 -- constants
            async with (
                self._database.reading() as connection,
                connection.execute(query, (json.dumps(keys),)) as cursor,
            ):
                async for row in cursor:
                    order = rows.order(row)
                    found[order.id] = order
        return list(found.values())

    async def fills(
        self, *, symbol: Symbol | None = None, order_id: UUID | None = None, limit: int = 500
    ) -> list[RecordedFill]:
        """Newest first."""
        name = str(symbol) if symbol else None
        key = str(order_id) if order_id else None
        query = (
            f"SELECT {rows.FILL_COLUMNS} FROM fills "  # noqa: S608 -- constants
            "WHERE (? IS NULL OR symbol = ?) AND (? IS NULL OR order_id = ?) "
            "ORDER BY time DESC, trade_id DESC LIMIT ?"
        )
        async with (
            self._database.reading() as connection,
            connection.execute(query, (name, name, key, key, limit)) as cursor,
        ):
            return [recorded_fill(row) async for row in cursor]

    async def fill_counts(self) -> dict[Symbol, int]:
        """How many fills of each symbol are on record."""
        async with self._database.reading() as connection:
            counted = await connection.execute_fetchall(
                "SELECT symbol, COUNT(*) FROM fills GROUP BY symbol"
            )
        return {Symbol.parse(symbol): count for symbol, count in counted}

    async def short_of_fills(self, since: datetime) -> list[Order]:
        """Orders updated since then whose fills add up to less than what was executed."""
        query = (
            f"SELECT {rows.COLUMNS} FROM orders WHERE updated_at >= ? "  # noqa: S608 -- constants
            "AND id IN (SELECT order_id FROM orders_short_of_fills)"
        )
        async with (
            self._database.reading() as connection,
            connection.execute(query, (to_milliseconds(since),)) as cursor,
        ):
            return [rows.order(row) async for row in cursor]

    async def _only(self, column: str, value: str) -> Order:
        async with self._database.reading() as connection:
            found = await _one(
                connection,
                f"SELECT {rows.COLUMNS} FROM orders WHERE {column} = ?",  # noqa: S608 -- constants
                (value,),
            )
        if found is None:
            raise NotFound(f"there is no order {value}")
        return rows.order(found)


async def insert(
    connection: aiosqlite.Connection, order: Order, *, idempotency_key: str | None, digest: str
) -> None:
    """A new order and its first step, within a transaction."""
    await connection.execute(rows.INSERT, (*rows.row(order), idempotency_key, digest))
    await transitions.append(connection, order_steps.saved(order))


async def _let_go_of_id(connection: aiosqlite.Connection, order: Order, *, at: datetime) -> None:
    """Somebody else's order, whose client id names another one from now on."""
    name = f"{order.client_order_id}#{order.venue_order_id}"
    renamed = replace(order, client_order_id=name)
    await connection.execute(
        "UPDATE orders SET client_order_id = ? WHERE id = ?", (name, str(order.id))
    )
    fills = await _fills(connection, order)
    await transitions.append(connection, order_steps.renamed(renamed, fills, at=at))


async def _one(
    connection: aiosqlite.Connection, query: str, values: tuple[object, ...]
) -> sqlite3.Row | None:
    async with connection.execute(query, values) as cursor:
        return await cursor.fetchone()


async def saved_under(connection: aiosqlite.Connection, key: str, digest: str) -> Order | None:
    """The order saved under this Idempotency-Key; raises KeyReused for another wish."""
    found = await _one(
        connection,
        f"SELECT {rows.COLUMNS}, request_digest FROM orders WHERE idempotency_key = ?",  # noqa: S608 -- constants
        (key,),
    )
    if found is None:
        return None
    if found[-1] != digest:
        raise KeyReused("this Idempotency-Key was used for another order; use a new key")
    return rows.order(found)


async def _fills(connection: aiosqlite.Connection, order: Order) -> list[sqlite3.Row]:
    query = f"SELECT {rows.FILL_COLUMNS} FROM fills WHERE order_id = ?"  # noqa: S608 -- constants
    return list(await connection.execute_fetchall(query, (str(order.id),)))


async def _note_missing_fills(
    connection: aiosqlite.Connection, order: Order, sums: rows.Sums
) -> None:
    """Keep in mind, or no longer, that some of its fills are still unheard of."""
    key = (str(order.id),)
    if sums.quantity < order.executed_quantity:
        await connection.execute("INSERT OR IGNORE INTO orders_short_of_fills VALUES (?)", key)
    else:
        await connection.execute("DELETE FROM orders_short_of_fills WHERE order_id = ?", key)
