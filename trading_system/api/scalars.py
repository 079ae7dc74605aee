"""Single values as they travel: symbols, exact decimals as text, instants as ISO 8601 or ms.

Refuses JSON numbers for money: 0.1 has lost its meaning before anybody could read it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, PlainValidator, WithJsonSchema

from trading_system.domain.errors import InvalidRequest
from trading_system.domain.instruments import Symbol

# Plain digits only: Decimal itself would also read 1e9, 1_000, NaN and other scripts' digits.
_DECIMAL = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LATEST = 253_402_300_799_999  # the last ms of the year 9999
_MOST_DIGITS = len(str(_LATEST)) + 1  # enough to see that a number is too big


def read_symbol(value: object) -> Symbol:
    """BTC/USDT or BTC-USDT; raises ValueError, which pydantic turns into a message."""
    match value:
        case Symbol():
            return value
        case str():
            try:
                return Symbol.parse(value)
            except InvalidRequest as invalid:
                raise ValueError(str(invalid)) from None
        case _:
            raise ValueError("a symbol is a text like BTC/USDT")


def read_decimal(value: object) -> Decimal:
    """A positive decimal from text of plain digits; raises ValueError for everything else."""
    match value:
        case str() if _DECIMAL.fullmatch(value.removeprefix("-")):
            number = Decimal(value)
        case str():
            raise ValueError('a decimal is written in plain digits, like "0.001"')
        case _:
            raise ValueError('send decimals as strings, like "0.001": JSON numbers are not exact')
    if number <= 0:
        raise ValueError("must be more than zero")
    return number


def read_instant(value: object) -> int:
    """Milliseconds UTC from ms or ISO 8601 (without an offset it is UTC); raises ValueError."""
    match value:
        case bool():
            raise ValueError("an instant is ISO 8601 text or whole milliseconds")
        case int():
            milliseconds = value
        case str() if value.isascii() and value.isdigit():
            milliseconds = int(value[:_MOST_DIGITS])
        case str():
            milliseconds = _from_iso(value)
        case _:
            raise ValueError("an instant is ISO 8601 text or whole milliseconds")
    if not 0 <= milliseconds <= _LATEST:
        raise ValueError("instants lie between 1970 and the year 9999")
    return milliseconds


def iso(milliseconds: int) -> str:
    """Ms UTC as 2026-01-01T12:00:00Z, with a fraction only where there is one."""
    moment = _EPOCH + milliseconds * _MILLISECOND
    return moment.isoformat(timespec="auto").replace("+00:00", "Z")


def plain(number: Decimal) -> str:
    """The number in plain digits, never as 1E-8."""
    return format(number, "f")


def _from_iso(text: str) -> int:
    try:
        # In a URL "+" means a space: 2026-01-01T00:00:00+02:00 arrives with one.
        moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    except ValueError:
        raise ValueError(
            f"{text!r} is no instant; write it like 2026-01-01T12:00:00Z or in milliseconds"
        ) from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // _MILLISECOND


def _text_schema(*examples: str, description: str) -> Any:
    return WithJsonSchema(
        {"type": "string", "description": description, "examples": list(examples)}
    )


SymbolText = Annotated[
    Symbol,
    PlainValidator(read_symbol),
    PlainSerializer(str, return_type=str),
    _text_schema("BTC/USDT", description="A pair; BTC-USDT is read too"),
]
DecimalIn = Annotated[
    Decimal,
    PlainValidator(read_decimal),
    _text_schema("0.001", description="An exact decimal as text, more than zero"),
]
DecimalOut = Annotated[
    Decimal,
    PlainSerializer(plain, return_type=str),
    _text_schema("0.001", description="An exact decimal as text"),
]
Instant = Annotated[
    int,
    BeforeValidator(read_instant),
    _text_schema(
        "2026-01-01T12:00:00Z",
        "1767268800000",
        description="ISO 8601 (UTC unless it says otherwise) or milliseconds UTC",
    ),
]
InstantOut = Annotated[
    int,
    PlainSerializer(iso, return_type=str),
    _text_schema("2026-01-01T12:00:00Z", description="ISO 8601, UTC"),
]
