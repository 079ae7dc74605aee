"""/positions: what our fills have made of each pair, and what that is worth now."""

from __future__ import annotations

from fastapi import APIRouter

from trading_system.api.dependencies import SymbolInPath, System
from trading_system.api.documentation import problems
from trading_system.api.portfolio_schemas import PositionOut
from trading_system.domain.errors import NotFound, Unreachable

router = APIRouter(prefix="/positions", tags=["portfolio"])


@router.get("", summary="Positions, by our fills", responses=problems(Unreachable))
async def list_positions(parts: System) -> list[PositionOut]:
    """Every pair ever traded here, sorted; ended ones keep what they realised."""
    return [PositionOut.of(each) for each in await parts.portfolio.valued()]


@router.get("/{symbol}", summary="One position", responses=problems(NotFound, Unreachable))
async def get_position(parts: System, symbol: SymbolInPath) -> PositionOut:
    """The position as it is now; a pair never traded here has none."""
    for each in await parts.portfolio.valued():
        if each.position.symbol == symbol:
            return PositionOut.of(each)
    raise NotFound(f"{symbol} was never traded here")
