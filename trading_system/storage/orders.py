"""Orders, their transitions and fills in SQLite; money as exact text."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import aiosqlite

from trading_system.domain.errors import KeyReused, NotFound
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import (
    Order,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)
from trading_system.domain.reports import Fill, Report
from trading_system.ports import RecordedFill
from trading_system.storage.database import Database

_COLUMNS = (
    "id, client_order_id, venue_order_id, symbol, side, type, time_in_force, quantity, "
    "quote_quantity, price, stop_price, status, executed_quantity, executed_quote, "
    "reject_code, reject_reason, created_at, updated_at"
)
_INSERT = (
    f"INSERT INTO orders ({_COLUMNS}, idempotency_key, request_digest) "  # noqa: S608 -- constants
    f"VALUES ({', '.join('?' * 20)})"
)
_UPDATE = """
    UPDATE orders SET venue_order_id = ?, status = ?, executed_quantity = ?, executed_quote = ?,
        reject_code = ?, reject_reason = ?, updated_at = ?
    WHERE id = ?
"""
_TRANSITION = """
    INSERT INTO order_transitions (order_id, from_status, to_status, source, reason, venue_time, at)
    VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_FILL = "INSERT OR IGNORE INTO fills VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_FILL_COLUMNS = (
    "symbol, trade_id, order_id, side, price, quantity, quote_quantity, fee, fee_asset, maker, time"
)


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
                row = await _one(
                    connection,
                    f"SELECT {_COLUMNS}, request_digest FROM orders WHERE idempotency_key = ?",  # noqa: S608 -- constants
                    (idempotency_key,),
                )
                if row is not None:
                    if row[-1] != digest:
                        raise KeyReused(
                            "this Idempotency-Key was used for another order; use a new key"
                        )
                    return _order(row)
            await connection.execute(_INSERT, (*_row(order), idempotency_key, digest))
            await connection.execute(
                _TRANSITION,
                (str(order.id), None, order.status, "desk", None, None, _ms(order.created_at)),
            )
        return None

    async def record(self, before: Order, after: Order, report: Report) -> None:
        """The order after a report, its transition and the fills that are new, all or nothing."""
        async with self._database.transaction() as connection:
            await connection.execute(
                _UPDATE,
                (
                    after.venue_order_id,
                    after.status,
                    str(after.executed_quantity),
                    str(after.executed_quote),
                    after.reject_code,
                    after.reject_reason,
                    _ms(after.updated_at),
                    str(after.id),
                ),
            )
            if after.status is not before.status:
                await connection.execute(
                    _TRANSITION,
                    (
                        str(after.id),
                        before.status,
                        after.status,
                        report.source,
                        report.reject_reason,
                        _ms(report.time),
                        _ms(after.updated_at),
                    ),
                )
            await connection.executemany(_FILL, [_fill_row(after, fill) for fill in report.fills])
            if after.executed_quantity:
                await _note_missing_fills(connection, after)

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
            f"SELECT {_COLUMNS} FROM orders "  # noqa: S608 -- constants and marks
            f"WHERE (:everything OR status IN ({marks})) AND (? IS NULL OR symbol = ?) "
            "ORDER BY created_at DESC, rowid DESC LIMIT ?"
        ).replace(":everything", str(int(statuses is None)))
        name = str(symbol) if symbol else None
        async with (
            self._database.reading() as connection,
            connection.execute(query, (*wanted, name, name, limit)) as cursor,
        ):
            return [_order(row) async for row in cursor]

    async def fills(
        self, *, symbol: Symbol | None = None, order_id: UUID | None = None, limit: int = 500
    ) -> list[RecordedFill]:
        """Newest first."""
        name = str(symbol) if symbol else None
        key = str(order_id) if order_id else None
        query = (
            f"SELECT {_FILL_COLUMNS} FROM fills "  # noqa: S608 -- constants
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
            rows = await connection.execute_fetchall(
                "SELECT symbol, COUNT(*) FROM fills GROUP BY symbol"
            )
        return {Symbol.parse(symbol): count for symbol, count in rows}

    async def short_of_fills(self, since: datetime) -> list[Order]:
        """Orders updated since then whose fills add up to less than what was executed."""
        query = (
            f"SELECT {_COLUMNS} FROM orders WHERE updated_at >= ? "  # noqa: S608 -- constants
            "AND id IN (SELECT order_id FROM orders_short_of_fills)"
        )
        async with (
            self._database.reading() as connection,
            connection.execute(query, (_ms(since),)) as cursor,
        ):
            return [_order(row) async for row in cursor]

    async def _only(self, column: str, value: str) -> Order:
        async with self._database.reading() as connection:
            row = await _one(
                connection,
                f"SELECT {_COLUMNS} FROM orders WHERE {column} = ?",  # noqa: S608 -- constants
                (value,),
            )
        if row is None:
            raise NotFound(f"there is no order {value}")
        return _order(row)


async def _one(
    connection: aiosqlite.Connection, query: str, values: tuple[object, ...]
) -> sqlite3.Row | None:
    async with connection.execute(query, values) as cursor:
        return await cursor.fetchone()


async def _note_missing_fills(connection: aiosqlite.Connection, order: Order) -> None:
    """Keep in mind, or no longer, that some of its fills are still unheard of."""
    key = (str(order.id),)
    rows = await connection.execute_fetchall("SELECT quantity FROM fills WHERE order_id = ?", key)
    # Added here, since SQLite would add texts as floats.
    if sum(Decimal(quantity) for (quantity,) in rows) < order.executed_quantity:
        await connection.execute("INSERT OR IGNORE INTO orders_short_of_fills VALUES (?)", key)
    else:
        await connection.execute("DELETE FROM orders_short_of_fills WHERE order_id = ?", key)


def _row(order: Order) -> tuple[object, ...]:
    request = order.request
    return (
        str(order.id),
        order.client_order_id,
        order.venue_order_id,
        str(request.symbol),
        request.side,
        request.type,
        request.time_in_force,
        _text(request.quantity),
        _text(request.quote_quantity),
        _text(request.price),
        _text(request.stop_price),
        order.status,
        str(order.executed_quantity),
        str(order.executed_quote),
        order.reject_code,
        order.reject_reason,
        _ms(order.created_at),
        _ms(order.updated_at),
    )


def _order(row: sqlite3.Row) -> Order:
    return Order(
        id=UUID(row[0]),
        client_order_id=row[1],
        venue_order_id=row[2],
        request=OrderRequest(
            symbol=Symbol.parse(row[3]),
            side=Side(row[4]),
            type=OrderType(row[5]),
            time_in_force=TimeInForce(row[6]) if row[6] else None,
            quantity=_decimal(row[7]),
            quote_quantity=_decimal(row[8]),
            price=_decimal(row[9]),
            stop_price=_decimal(row[10]),
        ),
        status=OrderStatus(row[11]),
        executed_quantity=Decimal(row[12]),
        executed_quote=Decimal(row[13]),
        reject_code=row[14],
        reject_reason=row[15],
        created_at=_moment(row[16]),
        updated_at=_moment(row[17]),
    )


def _fill_row(order: Order, fill: Fill) -> tuple[object, ...]:
    return (
        str(order.request.symbol),
        fill.trade_id,
        str(order.id),
        order.request.side,
        str(fill.price),
        str(fill.quantity),
        str(fill.quote_quantity),
        str(fill.fee),
        fill.fee_asset,
        fill.maker,
        _ms(fill.time),
    )


def recorded_fill(row: sqlite3.Row) -> RecordedFill:
    """A row with the columns of fills, in the order of the schema."""
    return RecordedFill(
        symbol=Symbol.parse(row[0]),
        order_id=UUID(row[2]),
        side=row[3],
        fill=Fill(
            trade_id=row[1],
            price=Decimal(row[4]),
            quantity=Decimal(row[5]),
            quote_quantity=Decimal(row[6]),
            fee=Decimal(row[7]),
            fee_asset=row[8],
            maker=None if row[9] is None else bool(row[9]),
            time=_moment(row[10]),
        ),
    )


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
