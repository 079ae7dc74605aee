"""Decisions in SQLite: one a mandate, symbol and bar; only their outcome ever changes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from functools import partial
from itertools import chain
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from trading_system.domain.candles import Candle
from trading_system.domain.decisions import Decision, Outcome
from trading_system.domain.instruments import Symbol
from trading_system.ports import Standing
from trading_system.ports.strategies import Place
from trading_system.storage.database import Database

_CANDLE = "open_time, open, high, low, close, volume"
_COLUMNS = f"mandate_id, symbol, {_CANDLE}, target, lines, outcome, reason, order_id, at"
_ADD = f"INSERT OR IGNORE INTO decisions ({_COLUMNS}) VALUES ({', '.join('?' * 14)})"  # noqa: S608 -- constants
_SELECT = f"SELECT {_COLUMNS} FROM decisions"  # noqa: S608 -- constants
_OVERTAKE = """
UPDATE decisions SET outcome = 'missed', reason = 'a newer bar had closed before it was acted on'
WHERE mandate_id = ? AND symbol = ? AND open_time < ? AND outcome = 'pending'
"""
_SETTLE = """
UPDATE decisions SET outcome = ?, reason = ?, order_id = ?
WHERE mandate_id = ? AND symbol = ? AND open_time = ?
"""
_NEWEST = f"""
{_SELECT} WHERE mandate_id = ? AND symbol = ? AND target IS NOT NULL
ORDER BY open_time DESC LIMIT 1
"""
_ACTED = f"""
{_SELECT} WHERE mandate_id = ? AND symbol = ? AND outcome = ? ORDER BY open_time DESC LIMIT 1
"""
_BARS = f"""
SELECT {_CANDLE} FROM decisions WHERE mandate_id = ? AND symbol = ? ORDER BY open_time
"""  # noqa: S608 -- constants
_ALL = f"""
{_SELECT} WHERE outcome IN (SELECT value FROM json_each(:outcomes))
    AND (:mandate IS NULL OR mandate_id = :mandate) AND (:symbol IS NULL OR symbol = :symbol)
    AND open_time >= :start AND open_time < :end
    AND (:past IS NULL OR (open_time, mandate_id, symbol) < (:past, :past_mandate, :past_symbol))
ORDER BY open_time DESC, mandate_id DESC, symbol DESC LIMIT :limit
"""  # noqa: S608 -- constants
_DECIDED = tuple(outcome for outcome in Outcome if outcome is not Outcome.WARMUP)
_FOREVER = 2**62


class Decisions:
    """The DecisionRepository of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, decisions: Sequence[Decision]) -> None:
        """Store all that are new; older ones still pending are missed from now."""
        await self._database.write(partial(_add, decisions=decisions))

    async def settle(self, decision: Decision) -> None:
        """Outcome, reason and order of a decision that is stored."""
        values = (decision.outcome, decision.reason, _text(decision.order_id), *_key(decision))
        await self._database.write(lambda connection: connection.execute(_SETTLE, values))

    async def standings(self, mandate_id: UUID) -> dict[Symbol, Standing]:
        """Of every symbol with a decision; bars of the warm-up are none."""
        return await self._database.read(partial(_standings, mandate=str(mandate_id)))

    async def bars(self, mandate_id: UUID, symbol: Symbol) -> NDArray[np.float64]:
        """The frame as it was seen, warm-up first: shape (n, 6), its columns those of Candle."""
        rows = await self._database.read(
            lambda connection: connection.execute(_BARS, (str(mandate_id), str(symbol))).fetchall()
        )
        values = np.fromiter(chain.from_iterable(rows), np.float64, count=6 * len(rows))
        return values.reshape(-1, 6)

    async def all(
        self,
        *,
        mandate_id: UUID | None = None,
        symbol: Symbol | None = None,
        outcomes: Collection[Outcome] | None = None,
        start: int | None = None,
        end: int | None = None,
        after: Place | None = None,
        limit: int = 500,
    ) -> list[Decision]:
        """Newest bar first, of bars that open from `start` to before `end`; no warm-up.

        With `after` those that come behind that place in this order.
        """
        past, past_mandate, past_symbol = after or (None, None, None)
        asked = {
            "outcomes": json.dumps(list(_DECIDED if outcomes is None else outcomes)),
            "mandate": _text(mandate_id),
            "symbol": _text(symbol),
            "start": 0 if start is None else start,
            "end": _FOREVER if end is None else end,
            "past": past,
            "past_mandate": _text(past_mandate),
            "past_symbol": _text(past_symbol),
            "limit": limit,
        }
        return await self._database.read(
            lambda connection: list(map(_decision, connection.execute(_ALL, asked)))
        )


def _add(connection: sqlite3.Connection, decisions: Sequence[Decision]) -> None:
    connection.executemany(_ADD, map(_row, decisions))
    newest = {(str(each.mandate_id), str(each.symbol)): each.bar.open_time for each in decisions}
    connection.executemany(_OVERTAKE, [(*whose, bar) for whose, bar in newest.items()])


def _standings(connection: sqlite3.Connection, mandate: str) -> dict[Symbol, Standing]:
    query = "SELECT DISTINCT symbol FROM decisions WHERE mandate_id = ?"
    found = {}
    for (symbol,) in connection.execute(query, (mandate,)).fetchall():
        newest = connection.execute(_NEWEST, (mandate, symbol)).fetchone()
        if newest is None:
            continue
        acted = [
            _decision(row)
            for outcome in (Outcome.ORDERED, Outcome.FITTED)
            for row in connection.execute(_ACTED, (mandate, symbol, outcome))
        ]
        found[Symbol.parse(symbol)] = Standing(
            newest=_decision(newest),
            acted=max(acted, key=lambda each: each.bar.open_time, default=None),
        )
    return found


def _key(decision: Decision) -> tuple[object, ...]:
    return str(decision.mandate_id), str(decision.symbol), decision.bar.open_time


def _row(decision: Decision) -> tuple[object, ...]:
    return (
        str(decision.mandate_id),
        str(decision.symbol),
        *decision.bar,
        decision.target,
        json.dumps(dict(decision.lines)),
        decision.outcome,
        decision.reason,
        _text(decision.order_id),
        decision.at,
    )


def _decision(row: sqlite3.Row) -> Decision:
    return Decision(
        mandate_id=UUID(row[0]),
        symbol=Symbol.parse(row[1]),
        bar=Candle._make(row[2:8]),
        target=row[8],
        lines=json.loads(row[9]),
        outcome=Outcome(row[10]),
        reason=row[11],
        order_id=None if row[12] is None else UUID(row[12]),
        at=row[13],
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
