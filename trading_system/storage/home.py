"""A database is at home at one market of one venue, and is opened for no other.

An order that rests at one venue does not exist at the other, and would be settled as lost there.
"""

from __future__ import annotations

from pathlib import Path

from trading_system.domain.errors import StorageError
from trading_system.storage.connections import Connection

_MOVE_IN = """
INSERT INTO home VALUES (1, ?) ON CONFLICT DO UPDATE SET venue = excluded.venue
WHERE NOT EXISTS (SELECT 1 FROM symbols) AND NOT EXISTS (SELECT 1 FROM orders)
  AND NOT EXISTS (SELECT 1 FROM reconciliations)
"""


async def move_in(writer: Connection, path: Path, home: str) -> None:
    """Have it be at home here from now on, where it has no home yet or keeps nothing.

    `home` is told as settings. Raises StorageError where it keeps what happened elsewhere.
    """
    await writer.execute_fetchall(_MOVE_IN, (home,))
    ((known,),) = await writer.execute_fetchall("SELECT venue FROM home")
    if known != home:
        raise StorageError(
            f"{path} keeps what happened with {known}. With {home} its orders would look as if "
            "they were lost: set DB_PATH to another file, or these settings back"
        )
