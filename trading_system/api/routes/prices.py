"""GET /prices: closed candles at any timeframe, as JSON, CSV or plain numbers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated

import numpy as np
import orjson
from fastapi import APIRouter, Header, HTTPException, Query, Response

from trading_system.api.dependencies import Parts, SymbolInPath, System, Window, WindowInQuery
from trading_system.api.documentation import problems
from trading_system.api.scalars import iso
from trading_system.api.schemas import PricesOut
from trading_system.api.spans import first_open
from trading_system.domain.candles import Candle, Span
from trading_system.domain.errors import NotRegistered
from trading_system.domain.instruments import Symbol
from trading_system.domain.timeframes import Timeframe

router = APIRouter(tags=["prices"])

_JSON, _CSV, _NUMBERS = "application/json", "text/csv", "application/octet-stream"
_QUALITY = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?")
_CSV_EXAMPLE = (
    "open_time,open_time_ms,open,high,low,close,volume\n"
    "2026-01-01T12:00:00Z,1767268800000,93576.01,93600.0,93570.5,93599.99,12.34567\n"
)
_BYTES = {"type": "string", "format": "binary"}


@router.get(
    "/prices/{symbol}",
    summary="Closed candles",
    response_model=PricesOut,
    responses={
        HTTPStatus.OK: {
            "content": {
                _CSV: {"example": _CSV_EXAMPLE},
                _NUMBERS: {"schema": _BYTES, "example": "48 bytes a candle"},
            }
        }
    }
    | problems(NotRegistered),
)
async def prices(
    *,
    parts: System,
    symbol: SymbolInPath,
    window: WindowInQuery,
    limit: Annotated[
        int, Query(ge=1, le=100_000, description="At most so many candles", examples=[500])
    ] = 500,
    timeframe: Annotated[
        str, Query(description="1m, 15m, 4h, 1d, 1w ...", examples=["15m"])
    ] = "1m",
    accept: Annotated[str, Header(include_in_schema=False)] = "*/*",
) -> Response:
    """With `start` the first `limit` candles that open from it on, else the latest ones.

    All candles open before `end`. A candle is closed, and listed, once its last minute is stored.
    `Accept: text/csv` gives CSV instead of JSON, `application/octet-stream` six little-endian
    float64 a candle: open time in ms, open, high, low, close, volume.
    """
    media_type = _preferred(accept, (_JSON, _CSV, _NUMBERS))
    length = Timeframe.parse(timeframe)
    candles = await _candles(parts, symbol, length, window, limit)
    write = {_JSON: _json, _CSV: _csv, _NUMBERS: _numbers}[media_type]
    # Many candles take a while to write, and the heartbeat shares the event loop.
    body = await asyncio.to_thread(write, symbol, timeframe, candles)
    return Response(body, media_type=media_type, headers={"Vary": "Accept"})


async def _candles(
    parts: Parts, symbol: Symbol, timeframe: Timeframe, window: Window, limit: int
) -> list[Candle]:
    stored = await parts.prices.bounds(symbol)
    if stored is None:
        return []
    start, end = timeframe.floor(stored.start), timeframe.floor(stored.end)
    if window.start is not None:
        start = max(start, first_open(window.start, timeframe))
    if window.end is not None:
        end = min(end, first_open(window.end, timeframe))
    if end <= start:
        return []
    if window.start is None:
        return await _latest(parts, symbol, Span(start, end), timeframe, limit)
    return await parts.prices.candles(symbol, Span(start, end), timeframe, limit)


async def _latest(
    parts: Parts, symbol: Symbol, span: Span, timeframe: Timeframe, limit: int
) -> list[Candle]:
    """The last `limit` candles of the span: holes make it look further and further back."""
    reach = limit * timeframe.length
    while True:
        start = max(span.start, span.end - reach)
        candles = await parts.prices.candles(symbol, Span(start, span.end), timeframe)
        if len(candles) >= limit or start == span.start:
            return candles[-limit:]
        reach *= 2


def _json(symbol: Symbol, timeframe: str, candles: Sequence[Candle]) -> bytes:
    rows = [
        {"open_time": iso(candle.open_time), "open_time_ms": candle.open_time}
        | dict(zip(Candle._fields[1:], candle[1:], strict=True))
        for candle in candles
    ]
    return orjson.dumps({"symbol": str(symbol), "timeframe": timeframe, "candles": rows})


def _csv(_symbol: Symbol, _timeframe: str, candles: Sequence[Candle]) -> bytes:
    lines = [",".join(("open_time", "open_time_ms", *Candle._fields[1:]))]
    # repr is the shortest text that reads back as the same float.
    lines += [
        f"{iso(candle.open_time)},{candle.open_time},{','.join(map(repr, candle[1:]))}"
        for candle in candles
    ]
    return ("\n".join(lines) + "\n").encode()


def _numbers(_symbol: Symbol, _timeframe: str, candles: Sequence[Candle]) -> bytes:
    return np.array(candles, "<f8").tobytes()


def _preferred(accept: str, offered: Sequence[str]) -> str:
    """The offered media type with the best quality; one that is named beats a wildcard.

    RFC 9110 section 12.5.1. Raises HTTPException 406 when none will do.
    """
    wanted: dict[str, float] = {}
    for item in accept.split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        wanted[name] = float(quality) if _QUALITY.fullmatch(quality) else 0.0
    ranked = []
    for media_type in offered:
        ranges = (media_type, media_type.partition("/")[0] + "/*", "*/*")
        rank = next(((wanted[r], -i) for i, r in enumerate(ranges) if r in wanted), (0.0, 0))
        ranked.append(rank)
    best = max(ranked)
    if not best[0]:
        raise HTTPException(
            HTTPStatus.NOT_ACCEPTABLE, f"this comes as {' or '.join(offered)}, not as {accept}"
        )
    return offered[ranked.index(best)]
