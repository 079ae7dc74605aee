"""What is written of an order and its fills: each function the work of one transaction.

They run where the connection lives, so that a transaction with a dozen statements costs its caller
one wait and not a dozen.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime

from trading_system.domain.errors import KeyReused
from trading_system.domain.orders import Order
from trading_system.domain.reports import Report
from trading_system.storage import order_rows as rows
from trading_system.storage import order_steps, transitions


def create(
    connection: sqlite3.Connection, order: Order, *, idempotency_key: str | None, digest: str
) -> Order | None:
    """Save it as new; None, or the order saved earlier under this key. Raises KeyReused."""
    if idempotency_key is not None:
        saved = saved_under(connection, idempotency_key, digest)
        if saved is not None:
            return saved
    insert(connection, order, idempotency_key=idempotency_key, digest=digest)
    return None


def insert(
    connection: sqlite3.Connection, order: Order, *, idempotency_key: str | None, digest: str
) -> None:
    """A new order and its first step."""
    connection.execute(rows.INSERT, (*rows.row(order), idempotency_key, digest))
    transitions.append(connection, order_steps.saved(order))


def saved_under(connection: sqlite3.Connection, key: str, digest: str) -> Order | None:
    """The order saved under this Idempotency-Key; raises KeyReused for another wish."""
    found = connection.execute(
        f"SELECT {rows.COLUMNS}, request_digest FROM orders WHERE idempotency_key = ?",  # noqa: S608 -- constants
        (key,),
    ).fetchone()
    if found is None:
        return None
    if found[-1] != digest:
        raise KeyReused("this Idempotency-Key was used for another order; use a new key")
    return rows.order(found)


def adopt(connection: sqlite3.Connection, order: Order) -> Order:
    """Save an order that somebody else placed; returns the one on record where there is one."""
    known = connection.execute(
        f"SELECT {rows.COLUMNS} FROM orders WHERE id = ? OR client_order_id = ? "  # noqa: S608 -- constants
        "ORDER BY id = ? DESC LIMIT 1",
        (str(order.id), order.client_order_id, str(order.id)),
    ).fetchone()
    if known is not None:
        found = rows.order(known)
        if found.id == order.id or not found.foreign:
            return found
        _let_go_of_id(connection, found, at=order.created_at)
    insert(connection, order, idempotency_key=None, digest="")
    return order


def record(
    connection: sqlite3.Connection, before: Order, after: Order, report: Report, *, at: datetime
) -> tuple[Order, bool]:
    """The order after a report, its step and fills; as it is stored, and whether one is new."""
    inserted = connection.executemany(
        rows.INSERT_FILL, [rows.fill_row(after, fill) for fill in report.fills]
    )
    fills_more = inserted.rowcount > 0
    # What the venue has just told of for the first time has no fills yet.
    is_known = before.venue_order_id is not None
    has_fills = is_known or after.executed_quantity or report.fills
    fills = _fills(connection, after) if has_fills else []
    if after.executed_quantity or fills:
        sums = rows.Sums.of((row[5], row[7], row[8]) for row in fills)
        after = replace(after, fees=sums.fees)
        _note_missing_fills(connection, after, sums)
    connection.execute(rows.UPDATE, (*rows.changing(after), str(after.id)))
    if order_steps.is_step(before, after) or fills_more:
        transitions.append(connection, order_steps.reported(before, after, report, fills, at=at))
    return after, fills_more


def keep_impossible(
    connection: sqlite3.Connection, order: Order, report: Report, *, at: datetime
) -> None:
    """Remember, once, a report that asks for a step that orders never take."""
    step = order_steps.impossible(order, report, at=at)
    known = connection.execute(
        "SELECT 1 FROM order_transitions WHERE order_id = ? AND NOT booked "
        "AND from_status = ? AND to_status = ? AND source = ? AND venue_time = ?",
        (step.order_id, order.status, report.status, step.source, step.venue_time),
    ).fetchone()
    if known is None:
        transitions.append(connection, step)


def _let_go_of_id(connection: sqlite3.Connection, order: Order, *, at: datetime) -> None:
    """Somebody else's order, whose client id names another one from now on."""
    name = f"{order.client_order_id}#{order.venue_order_id}"
    renamed = replace(order, client_order_id=name)
    connection.execute("UPDATE orders SET client_order_id = ? WHERE id = ?", (name, str(order.id)))
    fills = _fills(connection, order)
    transitions.append(connection, order_steps.renamed(renamed, fills, at=at))


def _fills(connection: sqlite3.Connection, order: Order) -> list[sqlite3.Row]:
    query = f"SELECT {rows.FILL_COLUMNS} FROM fills WHERE order_id = ?"  # noqa: S608 -- constants
    return connection.execute(query, (str(order.id),)).fetchall()


def _note_missing_fills(connection: sqlite3.Connection, order: Order, sums: rows.Sums) -> None:
    """Keep in mind, or no longer, that some of its fills are still unheard of."""
    key = (str(order.id),)
    if sums.quantity < order.executed_quantity:
        connection.execute("INSERT OR IGNORE INTO orders_short_of_fills VALUES (?)", key)
    else:
        connection.execute("DELETE FROM orders_short_of_fills WHERE order_id = ?", key)
