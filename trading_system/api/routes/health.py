"""GET /health and GET /metrics: is it well, for people and for Prometheus."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Response

from trading_system.api.dependencies import System
from trading_system.api.schemas import HealthOut

router = APIRouter(tags=["system"])

_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


@router.get(
    "/health",
    summary="Is every part well?",
    responses={HTTPStatus.SERVICE_UNAVAILABLE: {"model": HealthOut, "description": "Some are not"}},
)
async def health(parts: System, response: Response) -> HealthOut:
    """Each part's state by name; 503 as soon as one is not well. Needs no token."""
    report = HealthOut.of(await parts.health(), parts.clock.now())
    if report.status != "ok":
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return report


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={
        HTTPStatus.OK: {
            "description": "Prometheus text",
            "content": {
                "text/plain": {"example": "# TYPE trading_beats gauge\ntrading_beats 42\n"}
            },
        }
    },
)
async def metrics(parts: System) -> Response:
    """Counters and gauges in Prometheus' text format."""
    return Response(parts.metrics(), media_type=_PROMETHEUS)
