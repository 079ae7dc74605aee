"""Backfills: making a symbol's past complete, as jobs."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response

from trading_system.api.dependencies import SymbolInPath, System
from trading_system.api.documentation import problems
from trading_system.api.schemas import BackfillIn, BackfillOut
from trading_system.api.spans import first_open
from trading_system.domain.candles import MINUTE, Span, floor_minute
from trading_system.domain.errors import InvalidRequest, NotFound, NotRegistered

router = APIRouter(tags=["symbols"])


@router.post(
    "/symbols/{symbol}/backfill",
    status_code=HTTPStatus.ACCEPTED,
    summary="Fetch a symbol's past",
    responses=problems(NotRegistered),
)
async def start_backfill(
    parts: System, symbol: SymbolInPath, body: BackfillIn, response: Response
) -> BackfillOut:
    """Start a job that fetches what is missing; follow it at the Location."""
    job = await parts.registry.backfill(symbol, _span(body, parts.clock.milliseconds()))
    response.headers["Location"] = f"/backfills/{job.id}"
    return BackfillOut.of(job)


@router.get("/backfills/{job_id}", summary="How far a backfill is", responses=problems(NotFound))
async def get_backfill(
    parts: System,
    job_id: Annotated[
        UUID,
        Path(
            description="The job's id",
            examples=["5f0d7a52-6a0e-4f57-9d52-0f3c9f6f7a11"],
        ),
    ],
) -> BackfillOut:
    """Its state and progress in percent."""
    return BackfillOut.of(await parts.backfills.get(job_id))


def _span(body: BackfillIn, now_ms: int) -> Span:
    """Whole minutes up to now: the running one has no closed candle yet."""
    closed = floor_minute(now_ms)
    if body.minutes is not None:
        return Span(max(0, closed - body.minutes * MINUTE), closed)
    start = first_open(body.start or 0)
    end = closed if body.end is None else min(closed, first_open(body.end))
    if end <= start:
        raise InvalidRequest("there is no whole minute between start and end, or now")
    return Span(start, end)
