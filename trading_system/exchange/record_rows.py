"""Rows of openOrders, allOrders and myTrades to our words, each by itself.

A row that cannot be read is left out and told: what somebody else does in a way that this program
has no word for must not keep our own orders from being known.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import TypeVar

import structlog

from trading_system.domain.errors import Unreadable
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import OrderStatus
from trading_system.domain.reports import Report, VenueFill, VenueOrder
from trading_system.exchange.translate import (
    Json,
    amount,
    moment,
    recorded_fill,
    understood,
)

log = structlog.get_logger(__name__)

Row = TypeVar("Row")

_AT_ONCE = 100  # rows, about a millisecond
_SOURCE = "reconciler"


async def readable(rows: Iterable[Json], read: Callable[[Json], Row | None]) -> list[Row]:
    """Every row as `read` understands it; those of which it says None are of no interest.

    Whatever else runs gets its turn in between: a record may have many thousand rows.
    """
    found = []
    for number, row in enumerate(rows, start=1):
        if number % _AT_ONCE == 0:
            await asyncio.sleep(0)
        try:
            with understood(state_changing=False):
                told = read(row)
        except Unreadable as strange:
            log.warning("a row of the venue's record is left out", error=str(strange), row=row)
            continue
        if told is not None:
            found.append(told)
    return found


def venue_order(row: Json, symbol: Symbol) -> VenueOrder:
    """An order as the venue has it; it writes 0 where an order has no price, or no stop price."""
    return VenueOrder(
        symbol=symbol,
        side=row["side"],
        type=row["type"],
        time_in_force=row["timeInForce"],
        quantity=amount(row["origQty"]),
        quote_quantity=_unless_zero(row.get("origQuoteOrderQty", "0")),
        price=_unless_zero(row["price"]),
        stop_price=_unless_zero(row["stopPrice"]),
        created_at=moment(row["time"]),
        report=Report(
            client_order_id=row["clientOrderId"],
            venue_order_id=str(row["orderId"]),
            status=OrderStatus(row["status"]).value,
            source=_SOURCE,
            time=moment(row["updateTime"]),
            executed_quantity=amount(row["executedQty"]),
            executed_quote=amount(row["cummulativeQuoteQty"]),
            quantity=_unless_zero(row["origQty"]),
            reject_reason=row.get("expiryReason"),
        ),
    )


def venue_fill(row: Json, symbol: Symbol) -> VenueFill:
    """An execution of any order of the account."""
    return VenueFill(
        symbol=symbol,
        venue_order_id=str(row["orderId"]),
        side="BUY" if row["isBuyer"] else "SELL",
        fill=recorded_fill(row),
    )


def _unless_zero(text: str) -> Decimal | None:
    return amount(text) or None
