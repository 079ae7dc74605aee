"""/stops: guard a position, look, guard it no longer."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response

from trading_system.api.dependencies import Limit, SymbolInQuery, System
from trading_system.api.documentation import problems
from trading_system.api.stop_schemas import StopIn, StopOut
from trading_system.domain.errors import InvalidRequest, NotFound, UnknownSymbol, Unreachable

router = APIRouter(prefix="/stops", tags=["portfolio"])

StopId = Annotated[
    UUID, Path(description="Our id", examples=["0193f3a2-7c1e-7b8a-9d40-5a1b2c3d4e60"])
]


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    summary="Guard a position",
    responses=problems(InvalidRequest, NotFound, UnknownSymbol, Unreachable),
)
async def guard(parts: System, body: StopIn, response: Response) -> StopOut:
    """A stop loss: an order at the venue where it has them, else watched by this system.

    `kept_by` says which, and `reason` why, when the venue would not keep it.
    """
    stop = await parts.stops.guard(body.wish())
    response.headers["Location"] = f"/stops/{stop.id}"
    return StopOut.of(stop)


@router.get("", summary="Stop losses, newest first")
async def list_stops(parts: System, symbol: SymbolInQuery, limit: Limit = 500) -> list[StopOut]:
    """Those that guard something, and those that have ended."""
    return [StopOut.of(stop) for stop in await parts.stops.all(symbol=symbol, limit=limit)]


@router.get("/{stop_id}", summary="One stop loss", responses=problems(NotFound))
async def get_stop(parts: System, stop_id: StopId) -> StopOut:
    """The stop as it is now."""
    return StopOut.of(await parts.stops.get(stop_id))


@router.delete("/{stop_id}", summary="Guard no longer", responses=problems(NotFound))
async def cancel_stop(parts: System, stop_id: StopId) -> StopOut:
    """The stop as it stands afterwards; one that is closing or has ended stays as it is.

    It is `cancelling` until the venue has cancelled its order. One that `failed` is `cancelled`
    from then on: /health no longer tells of it.
    """
    return StopOut.of(await parts.stops.cancel(stop_id))
