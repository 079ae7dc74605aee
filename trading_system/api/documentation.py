"""The OpenAPI document: what FastAPI knows, and how each endpoint refuses."""

from __future__ import annotations

from collections import defaultdict
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import ConfigDict

from trading_system.api.errors import MEDIA_TYPE, STATUSES, problem_type
from trading_system.api.schemas import Out, example
from trading_system.domain.errors import TradingError

Responses = dict[int | str, dict[str, Any]]

DESCRIPTION = """\
Minute candles that are provably complete, and orders that are sent exactly once.

Amounts of money are strings with exact decimals. Times are ISO 8601 in UTC. Every error is a
problem of RFC 9457 (application/problem+json).
"""


class ProblemOut(Out):
    """RFC 9457 problem details; some problems have more members than these."""

    model_config = example(
        type="/docs#not-registered",
        title="Not registered",
        status=404,
        detail="BTC/USDT is not registered here",
    ) | ConfigDict(extra="allow", title="Problem")

    type: str
    title: str
    status: int
    detail: str


def problems(*kinds: type[TradingError]) -> Responses:
    """The `responses=` of an endpoint that may refuse with these errors."""
    by_status: defaultdict[HTTPStatus, list[str]] = defaultdict(list)
    for kind in kinds:
        by_status[STATUSES[kind]].append((kind.__doc__ or "").splitlines()[0])
    return {int(status): _problem(status, " ".join(why)) for status, why in by_status.items()}


def everywhere() -> Responses:
    """What any endpoint may answer."""
    return {
        int(status): _problem(status, why)
        for status, why in {
            HTTPStatus.UNAUTHORIZED: "An API_TOKEN is set and the request does not carry it.",
            HTTPStatus.FORBIDDEN: "The request came from a foreign web page.",
            HTTPStatus.UNPROCESSABLE_ENTITY: "The request is malformed.",
            HTTPStatus.INTERNAL_SERVER_ERROR: "An error of our own.",
        }.items()
    }


def install(app: FastAPI, *, secured: bool) -> None:
    """Give the app its OpenAPI document, made once, when somebody asks for it."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, secured=secured)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's documented way


def _document(app: FastAPI, *, secured: bool) -> dict[str, Any]:
    whole = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    whole["components"]["schemas"]["Problem"] = ProblemOut.model_json_schema()
    whole["x-problems"] = [
        {"type": problem_type(kind), "status": int(status), "meaning": (kind.__doc__ or "").strip()}
        for kind, status in STATUSES.items()
        if status != HTTPStatus.INTERNAL_SERVER_ERROR
    ]
    if secured:
        whole["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        whole["security"] = [{"token": []}]
        whole["paths"]["/health"]["get"]["security"] = []
    return whole


def _problem(status: HTTPStatus, why: str) -> dict[str, Any]:
    example = {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        "detail": why,
    }
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": why, "content": {MEDIA_TYPE: {"schema": schema, "example": example}}}
