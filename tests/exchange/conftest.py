"""A venue of scripted answers behind a real socket, and a clock that does not wait."""

from __future__ import annotations

import asyncio
import json
from collections import deque

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from tests.exchange.socket_venue import SocketVenue
from trading_system.exchange.client import Client
from trading_system.exchange.endpoints import trading_endpoints
from trading_system.exchange.gateway import Gateway
from trading_system.resilience.retry import RetryPolicy


class ImpatientClock:
    """Every sleep is over at once, and remembered."""

    def __init__(self, clock) -> None:
        self._clock = clock
        self.slept: list[float] = []

    def now(self):
        return self._clock.now()

    def milliseconds(self) -> int:
        return self._clock.milliseconds()

    def monotonic(self) -> float:
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self._clock.advance(seconds)


class Venue:
    """Answers each request with the next script entry: (status, body, headers) or "drop"."""

    def __init__(self) -> None:
        self.script: deque = deque()
        self.requests: list[tuple[str, str, dict]] = []
        self.waits_for: asyncio.Event | None = None

    def says(self, status, body, **headers):
        self.script.append((status, body, headers))

    def drops(self):
        self.script.append("drop")

    async def is_asked(self, times):
        """Return when this many requests have arrived."""
        async with asyncio.timeout(60):
            while len(self.requests) < times:  # noqa: ASYNC110 -- a real socket
                await asyncio.sleep(0.001)

    async def answer(self, request):
        fields = dict(request.query) | dict(await request.post())
        self.requests.append((request.method, request.path, fields))
        if self.waits_for is not None:
            await self.waits_for.wait()
        entry = self.script.popleft() if self.script else (200, {}, {})
        if entry == "drop":
            request.transport.close()
            return web.Response()
        status, body, headers = entry
        text = body if isinstance(body, str) else json.dumps(body)
        kind = "text/html" if isinstance(body, str) else "application/json"
        return web.Response(
            status=status,
            text=text,
            content_type=kind,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )


@pytest.fixture
def impatient(clock):
    return ImpatientClock(clock)


@pytest.fixture
async def venue():
    script = Venue()
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", script.answer)
    async with TestServer(application) as server:
        script.url = str(server.make_url("")).rstrip("/")
        yield script


@pytest.fixture
def published():
    return []


@pytest.fixture
async def gateway(venue, impatient, published):
    client = Client(
        endpoints=trading_endpoints(venue.url),
        clock=impatient,
        api_key=SecretStr("key"),
        secret=SecretStr("secret"),
        timeout_seconds=5,
    )
    gateway = Gateway(
        client=client, clock=impatient, retry=RetryPolicy(jitter=0), publish=published.append
    )
    yield gateway
    await gateway.close()


@pytest.fixture
async def sockets():
    """A scripted venue for WebSockets, at `url`."""
    venue = SocketVenue()
    application = web.Application()
    application.router.add_get("/{tail:.*}", venue.accept)
    async with TestServer(application) as server:
        venue.url = str(server.make_url("/stream")).replace("http", "ws", 1)
        venue.server = server
        yield venue
        for peer in venue.open_peers:
            peer.cut()
