"""/symbols: which pairs are collected."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Response

from trading_system.api.dependencies import SymbolInPath, System
from trading_system.api.documentation import problems
from trading_system.api.schemas import RegistrationOut, SymbolIn, SymbolOut
from trading_system.domain.errors import (
    AlreadyRegistered,
    NotAllowed,
    NotRegistered,
    UnknownSymbol,
)
from trading_system.domain.mandates import MandateState

router = APIRouter(prefix="/symbols", tags=["symbols"])


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    summary="Collect a symbol's candles",
    responses=problems(AlreadyRegistered, UnknownSymbol),
)
async def register(parts: System, body: SymbolIn, response: Response) -> RegistrationOut:
    """Register the pair, or activate it again, and start fetching its past."""
    registration = await parts.registry.register(body.symbol)
    response.headers["Location"] = f"/symbols/{body.symbol.slug}"
    return RegistrationOut.of(registration.registered, registration.backfill)


@router.get("", summary="All registered symbols")
async def list_symbols(
    parts: System,
    active: Annotated[
        bool | None, Query(description="Only those collected, or only those not", examples=[True])
    ] = None,
) -> list[SymbolOut]:
    """Sorted by name; deactivated ones are listed too unless `active` says otherwise."""
    return [SymbolOut.of(each) for each in await parts.symbols.all(active=active)]


@router.get("/{symbol}", summary="One registered symbol", responses=problems(NotRegistered))
async def get_symbol(parts: System, symbol: SymbolInPath) -> SymbolOut:
    """The registration of one pair."""
    return SymbolOut.of(await parts.symbols.get(symbol))


@router.delete(
    "/{symbol}",
    summary="Stop collecting a symbol",
    responses=problems(NotRegistered, NotAllowed),
)
async def deactivate(parts: System, symbol: SymbolInPath) -> SymbolOut:
    """Stop collecting and keep the data; POST /symbols collects it again.

    Refused while a running strategy trades it, which would decide nothing more and not say so.
    """
    for view in await parts.strategies.views.all():
        mandate = view.mandate
        if mandate.state is MandateState.RUNNING and symbol in mandate.symbols:
            raise NotAllowed(f"strategy {mandate.id} trades {symbol}: stop it first")
    return SymbolOut.of(await parts.registry.deactivate(symbol))
