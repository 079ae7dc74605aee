"""Orders, their steps and fills in SQLite; each method one transaction."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from functools import partial
from uuid import UUID

from trading_system.domain.errors import NotFound
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import Order, OrderStatus
from trading_system.domain.reports import Report
from trading_system.ports import RecordedFill
from trading_system.storage import order_rows as rows
from trading_system.storage import order_writes as writes
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
        return await self._database.write(
            partial(writes.create, order=order, idempotency_key=idempotency_key, digest=digest)
        )

    async def adopt(self, order: Order) -> Order:
        """Save an order that somebody else placed; returns the one on record where there is one.

        Clients use their ids again once an order has ended: the newest order has the id, the one
        that had it before keeps it with its venue id behind a sign that no id may contain.
        """
        return await self._database.write(partial(writes.adopt, order=order))

    async def record(
        self, before: Order, after: Order, report: Report, *, at: datetime
    ) -> tuple[Order, bool]:
        """The order after a report, its step and the fills that are new, all or nothing.

        Returns it as it is stored, with what its fills cost by now, and whether one was new.
        """
        return await self._database.write(
            partial(writes.record, before=before, after=after, report=report, at=at)
        )

    async def keep_impossible(self, order: Order, report: Report, *, at: datetime) -> None:
        """Remember, once, a report that asks for a step that orders never take."""
        await self._database.write(
            partial(writes.keep_impossible, order=order, report=report, at=at)
        )

    async def by_key(self, key: str, digest: str) -> Order | None:
        """The order saved under this Idempotency-Key; raises KeyReused for another wish."""
        return await self._database.read(partial(writes.saved_under, key=key, digest=digest))

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
        conditions, values = list[str](), list[object]()
        if statuses is not None:
            conditions.append(f"status IN ({', '.join('?' * len(statuses))})")
            values += [str(status) for status in statuses]
        if symbol is not None:
            conditions.append("symbol = ?")
            values.append(str(symbol))
        which = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        # Open orders are few: better sorted than looked for among all there ever were.
        time = "+created_at" if statuses is not None and statuses.issubset(_OPEN) else "created_at"
        return await self._orders(
            f"{which} ORDER BY {time} DESC, rowid DESC LIMIT ?", (*values, limit)
        )

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
            for order in await self._orders(f"WHERE {condition}", (json.dumps(keys),)):
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
        return await self._orders(
            "WHERE updated_at >= ? AND id IN (SELECT order_id FROM orders_short_of_fills)",
            (to_milliseconds(since),),
        )

    async def replacements(self) -> list[Order]:
        """Resting orders that took another's place and know what both are to execute in all."""
        return await self._orders(
            "WHERE status IN (?, ?) AND wanted_in_all IS NOT NULL",
            (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED),
        )

    async def _only(self, column: str, value: str) -> Order:
        found = await self._orders(f"WHERE {column} = ?", (value,))
        if not found:
            raise NotFound(f"there is no order {value}")
        return found[0]

    async def _orders(self, which: str, values: tuple[object, ...]) -> list[Order]:
        query = f"SELECT {rows.COLUMNS} FROM orders {which}"  # noqa: S608 -- constants and marks
        found = await self._database.read(
            lambda connection: connection.execute(query, values).fetchall()
        )
        return [rows.order(row) for row in found]
