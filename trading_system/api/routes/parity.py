"""/strategies/{id}/parity: would a backtest have done what the strategy did."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from trading_system.api.dependencies import System
from trading_system.api.documentation import problems
from trading_system.api.parity_schemas import ParityOut
from trading_system.api.routes.strategies import StrategyId
from trading_system.domain.errors import InvalidRequest, NotFound
from trading_system.trader.parities import FEE

router = APIRouter(tags=["strategies"])

Fee = Annotated[
    float,
    Query(ge=0, lt=1, description="What the backtest takes off a fill, as a share", examples=[FEE]),
]


@router.get(
    "/strategies/{strategy_id}/parity",
    summary="What it did beside a backtest over the candles it has seen",
    responses=problems(NotFound, InvalidRequest),
)
async def parity(parts: System, strategy_id: StrategyId, *, fee: Fee = FEE) -> list[ParityOut]:
    """Decision by decision, then fill by fill; takes seconds, in processes of their own."""
    return [ParityOut.of(each) for each in await parts.parities.of(strategy_id, fee=fee)]
