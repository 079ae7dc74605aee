"""Mandates, and how far their grids have come, in SQLite; money as exact text."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from trading_system.domain.errors import NotFound
from trading_system.domain.instruments import Symbol
from trading_system.domain.mandates import (
    Mandate,
    MandateState,
    SizeKind,
    Sizing,
    StopRule,
    Terms,
)
from trading_system.domain.stops import StopKind
from trading_system.domain.timeframes import Timeframe
from trading_system.storage.database import Database
from trading_system.storage.times import to_datetime, to_milliseconds

_COLUMNS = (
    "id, strategy, symbols, timeframe, parameters, capital, size_kind, size, stop_kind, stop, "
    "state, begins, started, kills, warmup, reason, flatten, waiting, created_at, updated_at"
)
_NAMES = _COLUMNS.split(", ")
# Not INSERT OR REPLACE, which deletes what other rows refer to.
_SAVE = (
    f"INSERT INTO mandates ({_COLUMNS}) VALUES ({', '.join('?' * len(_NAMES))}) "  # noqa: S608 -- constants
    f"ON CONFLICT (id) DO UPDATE SET {', '.join(f'{n} = excluded.{n}' for n in _NAMES[1:])}"
)
_SELECT = f"SELECT {_COLUMNS} FROM mandates"  # noqa: S608 -- constants
_TERMS = """
SELECT until, capital, size_kind, size, stop_kind, stop FROM mandate_terms
WHERE mandate_id = ? ORDER BY id
"""


class Mandates:
    """The MandateRepository of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, mandate: Mandate) -> None:
        """As it now is, whether new or not; a trigger keeps terms that are changed."""
        await self._database.write(lambda connection: connection.execute(_SAVE, _row(mandate)))

    async def get(self, mandate_id: UUID) -> Mandate:
        """Raises NotFound."""
        found = await self._read(f"{_SELECT} WHERE id = ?", (str(mandate_id),))
        if not found:
            raise NotFound(f"there is no strategy {mandate_id}")
        return found[0]

    async def all(self, states: Collection[MandateState] | None = None) -> list[Mandate]:
        """Newest first."""
        every = await self._read(f"{_SELECT} ORDER BY rowid DESC", ())
        return [each for each in every if states is None or each.state in states]

    async def terms(self, mandate_id: UUID) -> list[Terms]:
        """Those it had before each change of them, in order."""
        return await self._database.read(
            lambda connection: [
                Terms(
                    until=row[0],
                    capital=Decimal(row[1]),
                    sizing=_sizing(*row[2:4]),
                    stop=_stop(*row[4:6]),
                )
                for row in connection.execute(_TERMS, (str(mandate_id),))
            ]
        )

    async def _read(self, query: str, values: tuple[object, ...]) -> list[Mandate]:
        return await self._database.read(
            lambda connection: [_mandate(row) for row in connection.execute(query, values)]
        )


class Grids:
    """The GridRepository of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, mandate_id: UUID, symbol: Symbol, record: Mapping[str, Any]) -> None:
        """Put it in the place of what was there."""
        row = (str(mandate_id), str(symbol), json.dumps(record))
        query = "INSERT OR REPLACE INTO mandate_grids VALUES (?, ?, ?)"
        await self._database.write(lambda connection: connection.execute(query, row))

    async def load(self, mandate_id: UUID, symbol: Symbol) -> Mapping[str, Any] | None:
        """None before it was saved."""
        query = "SELECT record FROM mandate_grids WHERE mandate_id = ? AND symbol = ?"
        which = (str(mandate_id), str(symbol))
        found = await self._database.read(
            lambda connection: connection.execute(query, which).fetchone()
        )
        return None if found is None else json.loads(found[0])


def _row(mandate: Mandate) -> tuple[object, ...]:
    stop = mandate.stop
    return (
        str(mandate.id),
        mandate.strategy,
        json.dumps([str(symbol) for symbol in mandate.symbols]),
        mandate.timeframe.name,
        json.dumps(dict(mandate.parameters)),
        str(mandate.capital),
        mandate.sizing.kind,
        str(mandate.sizing.amount),
        None if stop is None else stop.kind,
        None if stop is None else str(stop.distance_percent),
        mandate.state,
        mandate.begins,
        mandate.started,
        mandate.kills,
        mandate.warmup,
        mandate.reason,
        int(mandate.flatten),
        json.dumps(dict(mandate.waiting)),
        to_milliseconds(mandate.created_at),
        to_milliseconds(mandate.updated_at),
    )


def _mandate(row: sqlite3.Row) -> Mandate:
    return Mandate(
        id=UUID(row[0]),
        strategy=row[1],
        symbols=tuple(map(Symbol.parse, json.loads(row[2]))),
        timeframe=Timeframe.parse(row[3]),
        parameters=json.loads(row[4]),
        capital=Decimal(row[5]),
        sizing=_sizing(*row[6:8]),
        stop=_stop(*row[8:10]),
        state=MandateState(row[10]),
        begins=row[11],
        started=row[12],
        kills=row[13],
        warmup=row[14],
        reason=row[15],
        flatten=bool(row[16]),
        waiting=json.loads(row[17]),
        created_at=to_datetime(row[18]),
        updated_at=to_datetime(row[19]),
    )


def _sizing(kind: str, amount: str) -> Sizing:
    return Sizing(kind=SizeKind(kind), amount=Decimal(amount))


def _stop(kind: str | None, percent: str | None) -> StopRule | None:
    if kind is None or percent is None:
        return None
    return StopRule(kind=StopKind(kind), distance_percent=Decimal(percent))
