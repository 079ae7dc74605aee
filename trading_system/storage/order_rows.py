"""Orders and fills as rows, and back: money as exact text, times as milliseconds."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Self
from uuid import UUID

from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import (
    Order,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)
from trading_system.domain.reports import Fill
from trading_system.ports import RecordedFill
from trading_system.storage.times import to_datetime, to_milliseconds

# What stays as it was saved, then what reports change.
_FIXED = (
    "id, client_order_id, symbol, side, type, time_in_force, quote_quantity, stop_price, "
    "trailing_delta, iceberg_quantity, reduce_only, mid_price, replaces, list_id, is_foreign, "
    "created_at, wanted_in_all"
)
_CHANGING = (
    "venue_order_id, quantity, price, status, executed_quantity, executed_quote, fees, "
    "reject_code, reject_reason, latency_ms, updated_at"
)
COLUMNS = f"{_FIXED}, {_CHANGING}"
INSERT = (
    f"INSERT INTO orders ({COLUMNS}, idempotency_key, request_digest) "  # noqa: S608 -- constants
    f"VALUES ({', '.join('?' * 30)})"
)
_SEALED = COLUMNS.split(", ")[: COLUMNS.split(", ").index("status")]
UPDATE = f"UPDATE orders SET {_CHANGING.replace(',', ' = ?,')} = ? WHERE id = ?"  # noqa: S608 -- constants
FILL_COLUMNS = (
    "symbol, trade_id, order_id, side, price, quantity, quote_quantity, fee, fee_asset, maker, time"
)
INSERT_FILL = "INSERT OR IGNORE INTO fills VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What the booked fills of an order add up to; in Python, since SQLite would add floats."""

    quantity: Decimal
    fees: tuple[tuple[str, Decimal], ...]

    @classmethod
    def of(cls, rows: Iterable[tuple[str, str, str]]) -> Self:
        """From rows of quantity, fee and fee asset; assets sorted, what was free left out."""
        quantity = Decimal(0)
        fees: defaultdict[str, Decimal] = defaultdict(Decimal)
        for filled, fee, asset in rows:
            quantity += Decimal(filled)
            fees[asset] += Decimal(fee)
        return cls(
            quantity=quantity,
            fees=tuple((asset, fees[asset]) for asset in sorted(fees) if fees[asset]),
        )


def row(order: Order) -> tuple[object, ...]:
    """All columns."""
    request = order.request
    return (
        str(order.id),
        order.client_order_id,
        str(request.symbol),
        request.side,
        request.type,
        request.time_in_force,
        _text(request.quote_quantity),
        _text(request.stop_price),
        request.trailing_delta,
        _text(request.iceberg_quantity),
        int(request.reduce_only),
        _text(order.mid_price),
        _text(order.replaces),
        _text(order.list_id),
        int(order.foreign),
        to_milliseconds(order.created_at),
        _text(order.wanted_in_all),
        *changing(order),
    )


def changing(order: Order) -> tuple[object, ...]:
    """The columns that reports change."""
    return (
        order.venue_order_id,
        _text(order.request.quantity),
        _text(order.request.price),
        order.status,
        str(order.executed_quantity),
        str(order.executed_quote),
        json.dumps({asset: str(fee) for asset, fee in order.fees}),
        order.reject_code,
        order.reject_reason,
        order.latency_ms,
        to_milliseconds(order.updated_at),
    )


def contents(order_row: Sequence[object], fill_rows: Iterable[Sequence[object]]) -> str:
    """SHA-256, in hex, over what an order asks for (COLUMNS before its status) and all its fills.

    What is not set counts as not there: a column that is added later changes no earlier hash.
    """
    told = {name: value for name, value in zip(_SEALED, order_row, strict=False) if value}
    text = json.dumps([told, *sorted(map(list, fill_rows))], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def order(found: sqlite3.Row) -> Order:
    """From a row of COLUMNS; what follows them is left alone."""
    return Order(
        id=UUID(found[0]),
        client_order_id=found[1],
        request=OrderRequest(
            symbol=Symbol.parse(found[2]),
            side=Side(found[3]),
            type=OrderType(found[4]),
            time_in_force=TimeInForce(found[5]) if found[5] else None,
            quote_quantity=_decimal(found[6]),
            stop_price=_decimal(found[7]),
            trailing_delta=found[8],
            iceberg_quantity=_decimal(found[9]),
            reduce_only=bool(found[10]),
            quantity=_decimal(found[18]),
            price=_decimal(found[19]),
        ),
        mid_price=_decimal(found[11]),
        replaces=_id(found[12]),
        wanted_in_all=_decimal(found[16]),
        list_id=_id(found[13]),
        foreign=bool(found[14]),
        created_at=to_datetime(found[15]),
        venue_order_id=found[17],
        status=OrderStatus(found[20]),
        executed_quantity=Decimal(found[21]),
        executed_quote=Decimal(found[22]),
        fees=tuple((asset, Decimal(fee)) for asset, fee in json.loads(found[23]).items()),
        reject_code=found[24],
        reject_reason=found[25],
        latency_ms=found[26],
        updated_at=to_datetime(found[27]),
    )


def fill_row(owner: Order, fill: Fill) -> tuple[object, ...]:
    """FILL_COLUMNS of a fill of this order."""
    return (
        str(owner.request.symbol),
        fill.trade_id,
        str(owner.id),
        owner.request.side,
        str(fill.price),
        str(fill.quantity),
        str(fill.quote_quantity),
        str(fill.fee),
        fill.fee_asset,
        fill.maker,
        to_milliseconds(fill.time),
    )


def recorded_fill(found: sqlite3.Row) -> RecordedFill:
    """From a row of FILL_COLUMNS."""
    return RecordedFill(
        symbol=Symbol.parse(found[0]),
        order_id=UUID(found[2]),
        side=found[3],
        fill=Fill(
            trade_id=found[1],
            price=Decimal(found[4]),
            quantity=Decimal(found[5]),
            quote_quantity=Decimal(found[6]),
            fee=Decimal(found[7]),
            fee_asset=found[8],
            maker=None if found[9] is None else bool(found[9]),
            time=to_datetime(found[10]),
        ),
    )


def _text(value: Decimal | UUID | None) -> str | None:
    return None if value is None else str(value)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _id(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)
