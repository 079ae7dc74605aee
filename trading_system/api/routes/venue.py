"""GET /venue: how the way to the exchange is."""

from __future__ import annotations

from fastapi import APIRouter

from trading_system.api.dependencies import System
from trading_system.api.live_schemas import VenueOut

router = APIRouter(tags=["live"])


@router.get("/venue", summary="Limits, breakers, streams, clock and bans")
async def venue(parts: System) -> list[VenueOut]:
    """The venue that trades, then the one that tells prices where that is another.

    `used` counts what the venue has counted, corrected by its own answers; `waiting` calls are
    those that we hold back so that it refuses none.
    """
    return [VenueOut.of(report) for report in parts.venue_reports()]
