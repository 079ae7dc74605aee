"""Registered symbols in SQLite."""

from __future__ import annotations

from datetime import datetime

from trading_system.domain.errors import AlreadyRegistered, NotRegistered
from trading_system.domain.instruments import Symbol
from trading_system.ports import RegisteredSymbol
from trading_system.storage.database import Database
from trading_system.storage.times import to_datetime, to_milliseconds

_ADD = """
INSERT INTO symbols (symbol, active, registered_at) VALUES (?, 1, ?)
ON CONFLICT (symbol) DO UPDATE SET active = 1, registered_at = excluded.registered_at
    WHERE NOT active
RETURNING symbol, active, registered_at
"""
_DEACTIVATE = (
    "UPDATE symbols SET active = 0 WHERE symbol = ? RETURNING symbol, active, registered_at"
)
_GET = "SELECT symbol, active, registered_at FROM symbols WHERE symbol = ?"
_ALL = """
SELECT symbol, active, registered_at FROM symbols WHERE active = ifnull(?, active) ORDER BY symbol
"""


class Symbols:
    """The SymbolRepository of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, symbol: Symbol, at: datetime) -> RegisteredSymbol:
        """Register, or activate again from `at` on; raises AlreadyRegistered when it is active."""
        async with self._database.transaction() as connection:
            rows = await connection.execute_fetchall(_ADD, (str(symbol), to_milliseconds(at)))
        for row in rows:
            return _registered(*row)
        raise AlreadyRegistered(f"{symbol} is registered already")

    async def deactivate(self, symbol: Symbol) -> RegisteredSymbol:
        """Keep the data, stop collecting; raises NotRegistered."""
        async with self._database.transaction() as connection:
            rows = await connection.execute_fetchall(_DEACTIVATE, (str(symbol),))
        for row in rows:
            return _registered(*row)
        raise not_registered(symbol)

    async def get(self, symbol: Symbol) -> RegisteredSymbol:
        """Raises NotRegistered."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(_GET, (str(symbol),))
        for row in rows:
            return _registered(*row)
        raise not_registered(symbol)

    async def all(self, *, active: bool | None = None) -> list[RegisteredSymbol]:
        """Sorted by symbol; `active` selects."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(_ALL, (active,))
        return sorted((_registered(*row) for row in rows), key=lambda row: row.symbol)


def not_registered(symbol: Symbol) -> NotRegistered:
    """The same words wherever a symbol is missing."""
    how = f"trading-system symbols add {symbol}"
    return NotRegistered(f"{symbol} is not registered; register it first: {how}")


def _registered(symbol: str, active: int, registered_at: int) -> RegisteredSymbol:
    return RegisteredSymbol(
        symbol=Symbol.parse(symbol), active=bool(active), registered_at=to_datetime(registered_at)
    )
