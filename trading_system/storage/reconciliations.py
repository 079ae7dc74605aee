"""The last reconciliations in SQLite."""

from __future__ import annotations

import json
import sqlite3
from decimal import Decimal

from trading_system.domain.reconciliations import BalanceDifference, Reconciliation
from trading_system.storage.database import Database
from trading_system.storage.times import to_datetime, to_milliseconds

_COLUMNS = (
    "started, ended, asked, booked, adopted, unknown_left, fills, balances_compared, differences"
)
_ADD = f"INSERT INTO reconciliations ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"  # noqa: S608 -- constants
_FORGET = "DELETE FROM reconciliations WHERE id <= ?"
_LATEST = f"SELECT {_COLUMNS} FROM reconciliations ORDER BY id DESC LIMIT ?"  # noqa: S608 -- constants
_KEPT = 10_000


class Reconciliations:
    """ReconciliationRepository over SQLite; the newest ten thousand are kept."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, done: Reconciliation) -> None:
        """Keep one that has ended."""
        differences = [
            (each.asset, str(each.expected), str(each.actual), to_milliseconds(each.time))
            for each in done.differences
        ]
        row = (
            to_milliseconds(done.started),
            to_milliseconds(done.ended),
            done.asked,
            done.booked,
            done.adopted,
            done.unknown_left,
            done.fills,
            done.balances_compared,
            json.dumps(differences),
        )
        async with self._database.transaction() as connection:
            ((number,),) = await connection.execute_fetchall(_ADD, row)
            await connection.execute(_FORGET, (number - _KEPT,))

    async def latest(self, limit: int = 1) -> list[Reconciliation]:
        """Newest first."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(_LATEST, (limit,))
        return [_reconciliation(row) for row in rows]


def _reconciliation(row: sqlite3.Row) -> Reconciliation:
    return Reconciliation(
        started=to_datetime(row[0]),
        ended=to_datetime(row[1]),
        asked=row[2],
        booked=row[3],
        adopted=row[4],
        unknown_left=row[5],
        fills=row[6],
        balances_compared=bool(row[7]),
        differences=tuple(
            BalanceDifference(
                asset=asset,
                expected=Decimal(expected),
                actual=Decimal(actual),
                time=to_datetime(time),
            )
            for asset, expected, actual, time in json.loads(row[8])
        ),
    )
