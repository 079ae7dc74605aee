"""POST /positions/{symbol}/leverage: how far a margin account may reach."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from trading_system.api.dependencies import SymbolInPath, System
from trading_system.api.documentation import problems
from trading_system.api.scalars import SymbolText
from trading_system.api.schemas import In, Out, example
from trading_system.domain.errors import (
    NotAllowed,
    OutcomeUnknown,
    Rejected,
    UnknownSymbol,
    Unreachable,
)

router = APIRouter(prefix="/positions", tags=["positions"])

_MOST = 125  # of any symbol; most allow less, which the venue says


class LeverageIn(In):
    """The leverage wanted: the notional of a position divided by the margin it asks for."""

    model_config = In.model_config | example(leverage=5)

    leverage: Annotated[int, Field(ge=1, le=_MOST, strict=True)]


class LeverageOut(Out):
    """The leverage that the venue has set."""

    model_config = example(symbol="BTC/USDT", leverage=5)

    symbol: SymbolText
    leverage: int


@router.post(
    "/{symbol}/leverage",
    summary="Set a symbol's leverage",
    responses=problems(NotAllowed, UnknownSymbol, Rejected, Unreachable, OutcomeUnknown),
)
async def set_leverage(parts: System, symbol: SymbolInPath, body: LeverageIn) -> LeverageOut:
    """For open positions and new ones; a spot account has none, which is refused with 403."""
    leverage = await parts.derivatives.set_leverage(symbol, body.leverage)
    return LeverageOut(symbol=symbol, leverage=leverage)
