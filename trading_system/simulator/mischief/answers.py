"""Answers that are wrong: refusals of every kind, broken bodies, connections that are cut.

Each class is one kind of rule: its docstring is what a user is told. Codes and texts are those of
Binance's errors.md and rest-api.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import orjson

from trading_system.simulator.mischief.scene import Follow, Scene
from trading_system.simulator.rest import Answer, Call

_JSON = {"Content-Type": "application/json;charset=UTF-8"}
_HTML = {"Content-Type": "text/html"}
_PAGES = {
    403: "403 Forbidden",
    500: "500 Internal Server Error",
    502: "502 Bad Gateway",
    503: "503 Service Temporarily Unavailable",
    504: "504 Gateway Time-out",
}
_SERVER_ERRORS = {
    -1000: "An unknown error occurred while processing the request.",
    -1001: "Internal error; unable to process your request. Please try again.",
}
_TOO_MUCH = (
    "Too much request weight used; current limit is 6000 request weight per 1 MINUTE. Please use "
    "WebSocket Streams for live updates to avoid polling the API."
)
_MESSAGES = {
    -1003: _TOO_MUCH,
    -1006: "An unexpected response was received from the message bus. Execution status unknown.",
    -1007: "Timeout waiting for response from backend server. Send status unknown; execution "
    "status unknown.",
    -1008: "Server is currently overloaded with other requests. Please try again in a few minutes.",
    -1021: "Timestamp for this request is outside of the recvWindow.",
}
_STATUSES = {-1003: 429, -1006: 500, -1007: 504, -1008: 503}


class Body(StrEnum):
    """What an error is written in."""

    JSON = "json"
    HTML = "html"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerError:
    """Status 500, 502, 503 or 504 with code -1000 or -1001, or as a page (body=html).

    With executed=true the call was carried out nevertheless.
    """

    status: int = 503
    body: Body = Body.JSON
    code: int = -1001
    executed: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError for what is no server error."""
        if self.status not in _PAGES or self.status < 500:  # noqa: PLR2004 -- 5XX
            raise ValueError(f"status must be 500, 502, 503 or 504, not {self.status}")
        if self.code not in _SERVER_ERRORS:
            raise ValueError(f"code must be -1000 or -1001, not {self.code}")

    async def answer(self, call: Call, follow: Follow, scene: Scene) -> Answer | None:  # noqa: ARG002
        if self.executed:
            await follow(call)
        if self.body is Body.HTML:
            return _page(self.status)
        return _error(self.status, self.code, _SERVER_ERRORS[self.code])


@dataclass(frozen=True, slots=True, kw_only=True)
class TooManyRequests:
    """Status 429 with Retry-After, as for too much request weight; nothing is executed."""

    retry_after: int = 5

    async def answer(self, call: Call, follow: Follow, scene: Scene) -> Answer | None:  # noqa: ARG002
        return _error(429, -1003, _TOO_MUCH, retry_after=self.retry_after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Banned:
    """Status 418: from this call on every call is refused until the ban has ended."""

    ban_seconds: int = 60

    async def answer(self, call: Call, follow: Follow, scene: Scene) -> Answer | None:  # noqa: ARG002
        scene.ban(self.ban_seconds)
        return banned(scene.shown() + self.ban_seconds * 1000, scene.shown())


def banned(until: int, now: int) -> Answer:
    """How a banned address is refused; both in ms UTC as the exchange's clock shows them."""
    message = (
        f"Way too much request weight used; IP banned until {until}. Please use WebSocket Streams "
        "for live updates to avoid bans."
    )
    return _error(418, -1003, message, retry_after=-(-(until - now) // 1000))


@dataclass(frozen=True, slots=True, kw_only=True)
class Forbidden:
    """Status 403 as a page: the firewall in front refuses; nothing is executed."""

    async def answer(self, call: Call, follow: Follow, scene: Scene) -> Answer | None:  # noqa: ARG002
        return _page(403)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorCode:
    """Any code, such as -1003, -1006, -1007, -1008 or -1021, with any message and status.

    With executed=true the call was carried out nevertheless. Left out, message and status are
    those that belong to the code.
    """

    code: int
    message: str | None = None
    status: int | None = None
    executed: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError for what is no HTTP error."""
        if self.code >= 0:
            raise ValueError(f"code must be negative, not {self.code}")
        if self.status is not None and not 400 <= self.status <= 599:  # noqa: PLR2004 -- HTTP
            raise ValueError(f"status must be between 400 and 599, not {self.status}")

    async def answer(self, call: Call, follow: Follow, scene: Scene) -> Answer | None:  # noqa: ARG002
        if self.executed:
            await follow(call)
        message = self.message or _MESSAGES.get(self.code, "Refused on request.")
        return _error(self.status or _STATUSES.get(self.code, 400), self.code, message)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyBody:
    """The call is executed and answered without a body."""

    async def answer(self, call: Call, follow: Follow, scene: Scene) -> Answer | None:  # noqa: ARG002
        answer = await follow(call)
        return None if answer is None else answer._replace(body=b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class TruncatedBody:
    """The call is executed and only the first half of the body is sent."""

    async def answer(self, call: Call, follow: Follow, scene: Scene) -> Answer | None:  # noqa: ARG002
        answer = await follow(call)
        return (
            None if answer is None else answer._replace(body=answer.body[: len(answer.body) // 2])
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerLost:
    """The call is executed, then the connection is cut without an answer."""

    async def answer(self, call: Call, follow: Follow, scene: Scene) -> Answer | None:  # noqa: ARG002
        await follow(call)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLost:
    """The connection is cut before anything is executed."""

    async def answer(self, call: Call, follow: Follow, scene: Scene) -> Answer | None:  # noqa: ARG002
        return None


def _error(status: int, code: int, message: str, *, retry_after: int | None = None) -> Answer:
    headers = dict(_JSON)
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return Answer(status, orjson.dumps({"code": code, "msg": message}), headers)


def _page(status: int) -> Answer:
    title = _PAGES[status]
    page = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1>"
        "</center>\r\n</body>\r\n</html>\r\n"
    )
    return Answer(status, page.encode(), dict(_HTML))
