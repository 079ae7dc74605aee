"""The record of every step of every order: only ever added to, each row sealed with the last one.

A row's hash is SHA-256 over the hash before it and the row, with it what the order and its fills
were after that step. `transition_head` keeps count and hash
of the last row, so that rows missing at the end are noticed as well. Whoever may write the whole
file can compute all of it anew: against that helps only a head noted elsewhere, which must stay in
the chain.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiosqlite

from trading_system.storage import order_rows as rows
from trading_system.storage.connections import connected, explained

_FACTS = (
    "id, order_id, from_status, to_status, booked, source, reason, venue_time, at, "
    "executed_quantity, executed_quote"
)
_INSERT = f"INSERT INTO order_transitions ({_FACTS}, contents, hash) VALUES ({', '.join('?' * 13)})"  # noqa: S608 -- constants
_ORDERS_AND_LAST_STEPS = f"""
    SELECT orders.id, orders.status, orders.executed_quantity, orders.executed_quote,
        last.to_status, last.executed_quantity, last.executed_quote, last.contents,
        (SELECT json_group_array(json_array({rows.FILL_COLUMNS})) FROM fills
        WHERE fills.order_id = orders.id),
        {", ".join(f"orders.{name}" for name in rows.COLUMNS.split(", "))}
    FROM orders LEFT JOIN (
        SELECT order_id, to_status, executed_quantity, executed_quote, contents, MAX(id)
        FROM order_transitions WHERE booked GROUP BY order_id
    ) AS last ON last.order_id = orders.id
    ORDER BY orders.created_at, orders.id
"""  # noqa: S608 -- constants


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One step: totals are the order's at that moment; times in ms, the venue's and ours.

    `contents` is the hash of the order and its fills after it; steps of before that was kept have
    none and are sealed without. One that is not `booked` is an impossible report: kept here, and
    nowhere else.
    """

    order_id: str
    from_status: str | None
    to_status: str
    source: str
    reason: str | None
    venue_time: int | None
    at: int
    executed_quantity: str
    executed_quote: str
    contents: str = ""
    booked: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """How many rows there are, the hash of the last and the first thing that is wrong, if any.

    Of `unproven` orders only state and totals are: they have taken no step since more is sealed.
    """

    count: int
    head: str
    fault: str | None
    unproven: int = 0


def append(connection: sqlite3.Connection, step: Transition) -> None:
    """Add a row inside the caller's transaction."""
    ((count, previous),) = connection.execute("SELECT count, hash FROM transition_head")
    facts = (
        count + 1,
        step.order_id,
        step.from_status,
        step.to_status,
        int(step.booked),
        step.source,
        step.reason,
        step.venue_time,
        step.at,
        step.executed_quantity,
        step.executed_quote,
    )
    sealed = seal(previous, (*facts, step.contents) if step.contents else facts)
    connection.execute(_INSERT, (*facts, step.contents, sealed))
    connection.execute("UPDATE transition_head SET count = ?, hash = ?", (count + 1, sealed))


def seal(previous: str, facts: tuple[Any, ...]) -> str:
    """The hash of a row: SHA-256 over the one before and the row as JSON, in hex."""
    text = json.dumps([previous, *facts], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


async def audit(path: Path, *, noted: str | None = None) -> Audit:
    """Prove the record of this file, while the system runs or not.

    `noted` is the hash of a head that was printed earlier and must still be in the chain. Raises
    StorageError when there is no such file.
    """
    with explained(path):
        async with connected(path, "query_only = ON", mode="rw") as connection:
            await connection.execute_fetchall("BEGIN")  # one moment for all that is read
            return await _proven(connection, noted)


async def _proven(connection: aiosqlite.Connection, noted: str | None) -> Audit:
    count, previous, is_there = 0, "", noted is None
    query = f"SELECT {_FACTS}, contents, hash FROM order_transitions ORDER BY id"  # noqa: S608 -- constants
    async with connection.execute(query) as steps:
        async for row in steps:
            *facts, contents, sealed = row
            if contents:
                facts.append(contents)
            if facts[0] != count + 1:
                return Audit(count=count, head=previous, fault=f"row {count + 1} is missing")
            if seal(previous, tuple(facts)) != sealed:
                # Whoever changed a row and sealed it again is found by the row after it.
                changed = f"row {count + 1} was changed or does not follow row {count}"
                told = f"{changed}: order {row[1]}, {row[2]} -> {row[3]}"
                return Audit(count=count, head=previous, fault=told)
            count, previous = facts[0], sealed
            is_there = is_there or sealed == noted
    fault = await _head_fault(connection, count, previous) or await _missing_order(connection)
    fault, unproven = (fault, 0) if fault else await _order_fault(connection)
    if fault is None and not is_there:
        fault = f"no row has the hash {noted}: the record was written anew since that was noted"
    return Audit(count=count, head=previous, fault=fault, unproven=unproven)


async def _head_fault(connection: aiosqlite.Connection, count: int, head: str) -> str | None:
    """Whether the chain ends where it was last added to."""
    heads = list(await connection.execute_fetchall("SELECT count, hash FROM transition_head"))
    kept, sealed = heads[0] if heads else (0, None)
    if kept > count:
        return f"row {count + 1} is missing: there were {kept}"
    if (kept, sealed) != (count, head):
        return f"row {count} is not the one that was added last"
    return None


async def _missing_order(connection: aiosqlite.Connection) -> str | None:
    """Whether every order that took a step is still there."""
    async with connection.execute(
        "SELECT id, order_id FROM order_transitions "
        "WHERE order_id NOT IN (SELECT id FROM orders) ORDER BY id LIMIT 1"
    ) as found:
        gone = await found.fetchone()
    return None if gone is None else f"order {gone[1]} of row {gone[0]} is missing"


async def _order_fault(connection: aiosqlite.Connection) -> tuple[str | None, int]:
    """Whether every order stands where its last step took it, and is what it was then.

    The second is of how many orders the latter is not known.
    """
    unproven = 0
    async with connection.execute(_ORDERS_AND_LAST_STEPS) as found:
        async for order_id, status, quantity, quote, *told in found:
            last, contents, fills, order = told[:3], told[3], told[4], told[5:]
            # Rows of before the totals were kept have none.
            totals = [Decimal(quantity), Decimal(quote)]
            stepped = [Decimal(text) for text in last[1:]] if last[1] else totals
            if last[0] != status or stepped != totals:
                fault = (
                    f"order {order_id} is {status} with {quantity} executed for {quote}; "
                    f"its last row says {last[0]} with {last[1]} for {last[2]}"
                )
                return fault, unproven
            if not contents:
                unproven += 1
            elif rows.contents(order, json.loads(fills)) != contents:
                return f"order {order_id} or its fills are not what its last row sealed", unproven
    return None, unproven
