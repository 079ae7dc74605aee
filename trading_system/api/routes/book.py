"""GET /book: the best levels of an order book."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from trading_system.api.dependencies import SymbolInPath, System
from trading_system.api.documentation import problems
from trading_system.api.live_schemas import BookOut
from trading_system.domain.errors import CircuitOpen, RateLimited, UnknownSymbol, Unreachable

router = APIRouter(tags=["live"])


@router.get(
    "/book/{symbol}",
    summary="The order book",
    responses=problems(UnknownSymbol, Unreachable, CircuitOpen, RateLimited),
)
async def book(
    parts: System,
    symbol: SymbolInPath,
    levels: Annotated[int, Query(ge=1, le=5_000, description="So many a side", examples=[20])] = 20,
) -> BookOut:
    """The book kept here of a traded pair, while it is in step; the venue's snapshot otherwise."""
    found = await parts.live.book(symbol, levels=levels)
    return BookOut.of(found, now_ms=parts.clock.milliseconds())
