"""Every error as RFC 9457 problem details; the only module that knows which error is which status.

Refuses to tell what went wrong inside: a bug answers 500 and nothing more, the log has the rest.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from trading_system.domain.errors import (
    AlreadyRegistered,
    CircuitOpen,
    DuplicateOrder,
    ExchangeError,
    InsufficientFunds,
    InvalidRequest,
    KeyReused,
    NotAllowed,
    NotFound,
    NotHeld,
    NotRegistered,
    OrderNotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    RiskRefused,
    StorageError,
    TradingError,
    UnknownSymbol,
    Unreachable,
    Unreadable,
)
from trading_system.domain.filters import Unfit, Violation, told
from trading_system.domain.orders import NotModified, Order

log = structlog.get_logger(__name__)

STATUSES: Mapping[type[TradingError], HTTPStatus] = {
    UnknownSymbol: HTTPStatus.NOT_FOUND,
    NotRegistered: HTTPStatus.NOT_FOUND,
    NotFound: HTTPStatus.NOT_FOUND,
    AlreadyRegistered: HTTPStatus.BAD_REQUEST,
    NotAllowed: HTTPStatus.FORBIDDEN,
    RiskRefused: HTTPStatus.FORBIDDEN,
    NotHeld: HTTPStatus.CONFLICT,
    KeyReused: HTTPStatus.CONFLICT,
    NotModified: HTTPStatus.CONFLICT,
    Unfit: HTTPStatus.UNPROCESSABLE_ENTITY,
    InvalidRequest: HTTPStatus.UNPROCESSABLE_ENTITY,
    StorageError: HTTPStatus.SERVICE_UNAVAILABLE,
    Unreachable: HTTPStatus.SERVICE_UNAVAILABLE,
    CircuitOpen: HTTPStatus.SERVICE_UNAVAILABLE,
    RateLimited: HTTPStatus.SERVICE_UNAVAILABLE,
    OutcomeUnknown: HTTPStatus.GATEWAY_TIMEOUT,
    Unreadable: HTTPStatus.BAD_GATEWAY,
    InsufficientFunds: HTTPStatus.BAD_REQUEST,
    OrderNotFound: HTTPStatus.NOT_FOUND,
    DuplicateOrder: HTTPStatus.CONFLICT,
    Rejected: HTTPStatus.BAD_REQUEST,
    ExchangeError: HTTPStatus.BAD_GATEWAY,
    TradingError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""The nearest ancestor of an error counts."""

_TRY_AGAIN_SECONDS = 5
MEDIA_TYPE = "application/problem+json"


def problem(
    status: int,
    detail: str,
    *,
    kind: type[TradingError] | None = None,
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> Response:
    """A problem details answer; without a `kind` it means what its status means.

    `members` are the extension members of RFC 9457 section 3.2.
    """
    title = HTTPStatus(status).phrase if kind is None else _words(kind)
    body = {
        "type": "about:blank" if kind is None else problem_type(kind),
        "title": title,
        "status": int(status),
        "detail": detail,
        **members,
    }
    return Response(orjson.dumps(body), status, headers, media_type=MEDIA_TYPE)


def problem_type(kind: type[TradingError]) -> str:
    """The URI of a kind of problem: its place in our documentation."""
    return f"/docs#{_words(kind).lower().replace(' ', '-')}"


def refused_order(order: Order, advice: str | None = None, **record: Any) -> Response:
    """The answer to an order that ended REJECTED: the venue's number and words, and our record.

    Without a number it was not the venue that refused: nothing could be sent.
    """
    reason = order.reject_reason or "no reason given"
    record |= {"order_id": str(order.id), "reason": reason, "advice": advice}
    if order.reject_code is None:
        return problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"the order was not sent: {reason}; place it again under a new Idempotency-Key",
            kind=Unreachable,
            headers={"Retry-After": str(_TRY_AGAIN_SECONDS)},
            **record,
        )
    return problem(
        HTTPStatus.BAD_REQUEST,
        f"the venue refused the order: {reason} ({order.reject_code})"
        + (f": {advice}" if advice else ""),
        kind=Rejected,
        code=order.reject_code,
        **record,
    )


def install(app: FastAPI) -> None:
    """Make the app answer with problem details, whatever goes wrong."""
    app.add_exception_handler(TradingError, _trading_error)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _bug)


async def _trading_error(request: Request, error: Exception) -> Response:
    kind = next(cls for cls in type(error).__mro__ if cls in STATUSES)
    status = STATUSES[kind]
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("request failed", path=request.url.path, exc_info=error)
        return await _bug(request, error)
    detail = str(error)
    refusal: dict[str, Any] = {}
    headers: dict[str, str] = {}
    if isinstance(error, Rejected):
        refusal = {"code": error.code, "reason": error.reason}
    elif isinstance(error, Unfit):
        refusal = {"violations": [_violation(each) for each in error.violations]}
    elif isinstance(error, RiskRefused):
        refusal = {"check": error.check, "figures": dict(error.figures)}
    elif isinstance(error, RateLimited | CircuitOpen):
        seconds = max(1, math.ceil(error.retry_after))
        detail = f"{detail}; try again in {seconds} s"
        headers = {"Retry-After": str(seconds)}
    elif status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers = {"Retry-After": str(_TRY_AGAIN_SECONDS)}
    return problem(status, detail, kind=kind, headers=headers, **refusal)


async def _malformed(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 -- what it is installed for
    # The values themselves are not repeated: one may be a secret in the wrong place.
    errors = [
        {
            "field": ".".join(str(part) for part in each["loc"]),
            "message": each["msg"].removeprefix("Value error, "),
        }
        for each in error.errors()
    ]
    detail = "; ".join(f"{each['field']}: {each['message']}" for each in errors)
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, kind=InvalidRequest, errors=errors)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 -- what it is installed for
    detail = {
        HTTPStatus.NOT_FOUND: f"there is nothing at {request.url.path}",
        HTTPStatus.METHOD_NOT_ALLOWED: f"{request.method} is not possible at {request.url.path}",
    }.get(HTTPStatus(error.status_code), error.detail)
    return problem(error.status_code, detail, headers=error.headers)


async def _bug(_request: Request, _error: Exception) -> Response:
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "an error of our own; the log says more")


def _violation(violation: Violation) -> Mapping[str, str | None]:
    """A filter that was not passed."""
    given, nearest = violation.given, violation.nearest
    return {
        "filter": violation.filter,
        "field": violation.field,
        "given": told(given) if isinstance(given, Decimal) else given,
        "nearest": None if nearest is None else told(nearest),
        "text": violation.text,
    }


def _words(kind: type[TradingError]) -> str:
    """NotRegistered -> Not registered."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind.__name__).capitalize()
