"""GET /gaps: how complete the stored candles are."""

from __future__ import annotations

from fastapi import APIRouter

from trading_system.api.dependencies import SymbolInPath, System, WindowInQuery
from trading_system.api.documentation import problems
from trading_system.api.schemas import GapsOut
from trading_system.api.spans import stored_span
from trading_system.domain.errors import NotRegistered

router = APIRouter(tags=["prices"])


@router.get(
    "/gaps/{symbol}",
    summary="What is missing, and whose hole it is",
    responses=problems(NotRegistered),
)
async def gaps(parts: System, symbol: SymbolInPath, window: WindowInQuery) -> GapsOut:
    """Holes the venue itself has, minutes we still have to fetch, and a digest of the rest.

    Without start and end: from the first to the last stored candle.
    """
    span = await stored_span(parts, symbol, window)
    return GapsOut.of(symbol, await parts.prices.coverage(symbol, span))
