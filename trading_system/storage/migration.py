"""An earlier database gains what schema.sql has more: columns are added, nothing is taken away.

Refuses whatever would need more than that, such as another type of a column.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing

import aiosqlite

from trading_system.storage.transitions import seal

_UNSEALED = 1
"""The last version whose steps of orders were not chained."""
_UNSTOPPED = 3
"""The last version in which strategies went on when trading was armed after a kill."""
_KILLS_OF_THEN = """
UPDATE mandates SET kills = (
    SELECT count(*) FROM control_log WHERE state = 'KILLED'
    AND id < (SELECT max(id) FROM control_log WHERE state <> 'KILLED')
);
"""


async def script(connection: aiosqlite.Connection, schema: str, version: int) -> str:
    """The statements that bring a file of this version to this schema, without a transaction."""
    if version == 0:
        return schema
    columns = await _missing_columns(connection, schema)
    if version <= _UNSTOPPED:
        schema += _KILLS_OF_THEN
    if version > _UNSEALED:
        return f"{columns}\n{schema}"
    rows, head = await _seals(connection)
    # Rows are sealed before the schema forbids to change them.
    return f"{columns}\n{rows}\n{schema}\n{head}"


async def _missing_columns(connection: aiosqlite.Connection, schema: str) -> str:
    """ALTER TABLE for each column that only the schema has."""
    statements = []
    with closing(sqlite3.connect(":memory:")) as wanted:
        wanted.executescript(schema)
        tables = wanted.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        for (table,) in tables:
            info = f"PRAGMA table_info ({table})"
            known = {row[1] for row in await connection.execute_fetchall(info)}
            statements += [
                f"ALTER TABLE {table} ADD COLUMN {_definition(*column[1:5])};"
                for column in wanted.execute(info)
                if known and column[1] not in known
            ]
    return "\n".join(statements)


def _definition(name: str, kind: str, required: int, default: str | None) -> str:
    return " ".join(
        [
            name,
            kind,
            *(["NOT NULL"] if required else []),
            *([f"DEFAULT {default}"] if default else []),
        ]
    )


async def _seals(connection: aiosqlite.Connection) -> tuple[str, str]:
    """Statements that chain the steps of a time when they were not, and note the last of them."""
    statements, count, previous = [], 0, ""
    rows = await connection.execute_fetchall(
        "SELECT id, order_id, from_status, to_status, 1, source, reason, venue_time, at, '', '' "
        "FROM order_transitions ORDER BY id"
    )
    for row in rows:
        count, previous = row[0], seal(previous, tuple(row))
        statements.append(f"UPDATE order_transitions SET hash = '{previous}' WHERE id = {count};")  # noqa: S608 -- ours
    head = f"UPDATE transition_head SET count = {count}, hash = '{previous}';"  # noqa: S608 -- ours
    return "\n".join(statements), head if count else ""
