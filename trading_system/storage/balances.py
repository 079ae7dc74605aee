"""What the venue said the account holds, in SQLite; rows are added and never changed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

import aiosqlite

from trading_system.domain.reports import Balance
from trading_system.ports import BalanceCheck, RecordedFill
from trading_system.storage.database import Database
from trading_system.storage.order_rows import recorded_fill
from trading_system.storage.times import to_datetime, to_milliseconds

_LAST = "SELECT free, locked FROM balance_snapshots WHERE asset = ? ORDER BY id DESC LIMIT 1"
_APPEND = "INSERT INTO balance_snapshots (asset, free, locked, at, source) VALUES (?, ?, ?, ?, ?)"
_CHECK = "INSERT INTO balance_checks (at, fills, balances) VALUES (?, ?, ?)"
_LAST_CHECK = "SELECT at, fills, balances FROM balance_checks ORDER BY id DESC LIMIT 1"
_BOOKED = "SELECT coalesce(max(number), 0) FROM booked_fills"
_HISTORY = """
SELECT asset, free, locked FROM balance_snapshots WHERE asset = ? ORDER BY id DESC LIMIT ?
"""
_FILLS = """
SELECT f.symbol, f.trade_id, f.order_id, f.side, f.price, f.quantity, f.quote_quantity, f.fee,
    f.fee_asset, f.maker, f.time
FROM booked_fills AS b JOIN fills AS f USING (symbol, trade_id, order_id)
WHERE b.number > ? AND b.number <= ? ORDER BY b.number
"""


class Balances:
    """BalanceRepository over SQLite."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, balances: Iterable[Balance], *, at: datetime, source: str) -> None:
        """Keep those that differ from what was last kept of their asset; others stay."""
        async with self._database.transaction() as connection:
            await _append(connection, balances, at=at, source=source)

    async def check(
        self, balances: Sequence[Balance], *, at: datetime, source: str, fills: int
    ) -> None:
        """Keep everything the account holds: what is not named is held no more.

        `fills` is the number of the last fill that is behind these balances.
        """
        before = await self.last_check()
        held = {balance.asset for balance in balances}
        gone = [
            Balance(asset=balance.asset, free=Decimal(0), locked=Decimal(0))
            for balance in (before.balances if before else ())
            if balance.asset not in held
        ]
        told = json.dumps([(each.asset, str(each.free), str(each.locked)) for each in balances])
        async with self._database.transaction() as connection:
            await _append(connection, [*balances, *gone], at=at, source=source)
            await connection.execute(_CHECK, (to_milliseconds(at), fills, told))

    async def last_check(self) -> BalanceCheck | None:
        """What `check` kept last."""
        async with self._database.reading() as connection:
            rows = list(await connection.execute_fetchall(_LAST_CHECK))
        if not rows:
            return None
        ((at, fills, told),) = rows
        return BalanceCheck(
            at=to_datetime(at),
            fills=fills,
            balances=tuple(_balance(*row) for row in json.loads(told)),
        )

    async def history(self, asset: str, limit: int = 100) -> list[Balance]:
        """What was kept of an asset, newest first."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(_HISTORY, (asset, limit))
        return [_balance(*row) for row in rows]

    async def fills_booked(self) -> int:
        """The number of the fill that was booked last; 0 before the first."""
        async with self._database.reading() as connection:
            ((number,),) = await connection.execute_fetchall(_BOOKED)
        return int(number)

    async def fills_between(self, after: int, last: int) -> list[RecordedFill]:
        """Fills with a number above `after` and up to `last`, as they were booked."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(_FILLS, (after, last))
        return [recorded_fill(row) for row in rows]


async def _append(
    connection: aiosqlite.Connection, balances: Iterable[Balance], *, at: datetime, source: str
) -> None:
    for balance in balances:
        amounts = str(balance.free), str(balance.locked)
        rows = list(await connection.execute_fetchall(_LAST, (balance.asset,)))
        if not rows or _balance(balance.asset, *rows[0]) != balance:
            row = (balance.asset, *amounts, to_milliseconds(at), source)
            await connection.execute(_APPEND, row)


def _balance(asset: str, free: str, locked: str) -> Balance:
    return Balance(asset=asset, free=Decimal(free), locked=Decimal(locked))
