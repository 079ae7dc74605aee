"""Who may speak to the API: our own pages and whoever has the token, never a foreign web page.

Pure ASGI, before anything of a request is read. A page on the internet reaches localhost through
the user's browser: its Origin gives it away, and after DNS rebinding its Host.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address

from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trading_system.api.errors import problem

_AUTHORITY = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[^:/\[\]@]+)(?::(?P<port>\d{1,5}))?")
_OUR_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
_ANY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 -- to recognise it, not to bind it
_HTTP_PORT = 80
_CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiOptions:
    """Where the API listens and the token it asks for; port 0 takes a free one."""

    host: str = "127.0.0.1"
    port: int = 8_000
    token: SecretStr | None = None


class Guard:
    """ASGI middleware that refuses requests before the application sees them.

    403 for a foreign Host or Origin, 401 without the token, 415 for a body that is no JSON.
    """

    def __init__(self, app: ASGIApp, *, options: ApiOptions) -> None:
        self._app = app
        self._options = options
        bare = options.host.lower()
        self._names = _OUR_NAMES | {f"[{bare}]" if ":" in bare else bare}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope, Headers(scope=scope))
        if refusal is not None:
            await refusal(scope, receive, send)
            return

        async def send_hardened(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-content-type-options", b"nosniff")]
            await send(message)

        await self._app(scope, receive, send_hardened)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        port = self._options.port or scope["server"][1]
        if not self._is_ours(headers.getlist("host"), port):
            return problem(HTTPStatus.FORBIDDEN, "the Host header names another server")
        origins = headers.getlist("origin")
        if origins and not self._is_our_origin(origins, port):
            return problem(HTTPStatus.FORBIDDEN, "requests of other web pages are refused")
        if scope["path"] != "/health" and not self._is_known(headers.get("authorization", "")):
            return problem(
                HTTPStatus.UNAUTHORIZED,
                "send the header Authorization: Bearer <API_TOKEN>",
                headers={"WWW-Authenticate": 'Bearer realm="trading-system"'},
            )
        if scope["method"] in _CHANGES and _has_body(headers) and not _is_json(headers):
            return problem(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send the body as Content-Type: application/json"
            )
        return None

    def _is_ours(self, hosts: list[str], port: int) -> bool:
        match = _AUTHORITY.fullmatch(hosts[0].lower()) if len(hosts) == 1 else None
        if match is None or int(match["port"] or port) != port:
            return False
        return match["host"] in self._names or self._is_our_address(match["host"])

    def _is_our_address(self, host: str) -> bool:
        # Open to the network (and then behind a token), we cannot know every address of this
        # machine, but a rebound name is never an address.
        return self._options.host in _ANY_ADDRESS and _is_address(host)

    def _is_our_origin(self, origins: list[str], port: int) -> bool:
        scheme, _, authority = origins[0].partition("://")
        if len(origins) != 1 or scheme != "http":
            return False
        implied = port == _HTTP_PORT or ":" in authority.rpartition("]")[2]
        return implied and self._is_ours([authority], port)

    def _is_known(self, authorization: str) -> bool:
        if self._options.token is None:
            return True
        scheme, _, given = authorization.partition(" ")
        expected = self._options.token.get_secret_value()
        # Compared in constant time, so that answers do not tell how much of a guess was right.
        same = secrets.compare_digest(given.strip().encode(), expected.encode())
        return scheme.lower() == "bearer" and same


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _has_body(headers: Headers) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def _is_json(headers: Headers) -> bool:
    return headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"
