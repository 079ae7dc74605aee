"""GET /trades and GET /balances: what happened and what we hold."""

from __future__ import annotations

from fastapi import APIRouter

from trading_system.api.dependencies import Limit, SymbolInQuery, System
from trading_system.api.documentation import problems
from trading_system.api.order_schemas import BalanceOut, TradeOut
from trading_system.domain.errors import Rejected, Unreachable

router = APIRouter(tags=["account"])


@router.get("/trades", summary="Executions of our orders, newest first")
async def trades(parts: System, symbol: SymbolInQuery, limit: Limit = 500) -> list[TradeOut]:
    """Each fill with its fee, exact to the digit."""
    return [TradeOut.of(each) for each in await parts.orders.fills(symbol=symbol, limit=limit)]


@router.get(
    "/balances", summary="What the account holds", responses=problems(Rejected, Unreachable)
)
async def balances(parts: System) -> list[BalanceOut]:
    """Assets with a free or locked amount, asked of the venue now, sorted by name."""
    held = sorted(await parts.trading.balances(), key=lambda balance: balance.asset)
    return [BalanceOut.of(balance) for balance in held]
