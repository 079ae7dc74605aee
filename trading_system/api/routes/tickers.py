"""GET /tickers: the newest price of every followed symbol."""

from __future__ import annotations

from fastapi import APIRouter

from trading_system.api.dependencies import SymbolInQuery, System
from trading_system.api.live_schemas import TickerOut

router = APIRouter(tags=["live"])


@router.get("/tickers", summary="Newest prices, and how old they are")
async def tickers(parts: System, symbol: SymbolInQuery) -> list[TickerOut]:
    """Every followed pair, sorted by name, as the streams told it last."""
    return [TickerOut.of(price) for price in parts.live.prices() if symbol in {None, price.symbol}]
