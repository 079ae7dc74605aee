"""Requests that our own rules refused, with the figures they went by; append-only."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import OrderRequest, OrderType, Side
from trading_system.ports import RecordedRefusal
from trading_system.storage.database import Database
from trading_system.storage.times import to_datetime, to_milliseconds

_ADD = """
INSERT INTO refusals (at, symbol, side, type, quantity, quote_quantity, price, stop_price,
    check_name, reason, figures)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_LATEST = """
SELECT id, at, symbol, side, type, quantity, quote_quantity, price, stop_price, check_name, reason,
    figures
FROM refusals WHERE ?1 IS NULL OR symbol = ?1 ORDER BY id DESC LIMIT ?2
"""


class Refusals:
    """RefusalRepository over SQLite."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self,
        request: OrderRequest,
        *,
        check: str,
        reason: str,
        figures: Mapping[str, str],
        at: datetime,
    ) -> None:
        """Record one."""
        amounts = (request.quantity, request.quote_quantity, request.price, request.stop_price)
        row = (
            to_milliseconds(at),
            str(request.symbol),
            request.side,
            request.type,
            *(None if amount is None else str(amount) for amount in amounts),
            check,
            reason,
            json.dumps(dict(figures)),
        )
        async with self._database.transaction() as connection:
            await connection.execute(_ADD, row)

    async def latest(
        self, *, symbol: Symbol | None = None, limit: int = 500
    ) -> list[RecordedRefusal]:
        """Newest first."""
        name = None if symbol is None else str(symbol)
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(_LATEST, (name, limit))
        return [_recorded(row) for row in rows]


def _recorded(row: sqlite3.Row) -> RecordedRefusal:
    quantity, quote_quantity, price, stop_price = (
        None if text is None else Decimal(text) for text in row[5:9]
    )
    return RecordedRefusal(
        id=row[0],
        at=to_datetime(row[1]),
        request=OrderRequest(
            symbol=Symbol.parse(row[2]),
            side=Side(row[3]),
            type=OrderType(row[4]),
            quantity=quantity,
            quote_quantity=quote_quantity,
            price=price,
            stop_price=stop_price,
        ),
        check=row[9],
        reason=row[10],
        figures=json.loads(row[11]),
    )
