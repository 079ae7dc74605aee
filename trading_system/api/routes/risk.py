"""GET /risk and GET /refusals: what may be traded, how much of that is used, and what was not."""

from __future__ import annotations

from fastapi import APIRouter

from trading_system.api.dependencies import Limit, SymbolInQuery, System
from trading_system.api.risk_schemas import RefusalOut, RiskOut

router = APIRouter(tags=["control"])


@router.get("/risk", summary="The limits, and how much of them is used")
async def risk(parts: System) -> RiskOut:
    """Every order is judged by these figures before it is saved.

    Losses are told by what the account is worth alone: what is withdrawn counts as lost and what is
    deposited as gained, for the day until midnight UTC, in the drawdown until its peak is left
    behind. `POST /reconcile` names what balances have moved by other than our trades.
    """
    gate = parts.safety.gate
    return RiskOut.of(gate, await gate.standing())


@router.get("/refusals", summary="Requests that our own rules refused, newest first")
async def refusals(parts: System, symbol: SymbolInQuery, limit: Limit = 500) -> list[RefusalOut]:
    """Each with the rule that said no and the figures it went by; nothing of them was sent."""
    recorded = await parts.safety.refusals.latest(symbol=symbol, limit=limit)
    return [RefusalOut.recorded(each) for each in recorded]
