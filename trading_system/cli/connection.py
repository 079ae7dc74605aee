"""Commands that steer the system speak its API: that of the running one, or of one opened for this.

Whether it runs is told by its port; one path of code serves both.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from trading_system.cli.running import opened_system
from trading_system.domain.errors import TradingError

if TYPE_CHECKING:  # importing them takes a while, which --help should not
    import httpx

    from trading_system.config import Settings


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the running system, or of one that lives as long as this block."""
    base, headers = _access(settings)
    async with _client(base, headers) as client:
        if await _answers(client):
            yield client
            return
    async with _opened_for_this(settings, base, headers) as client:
        yield client


async def is_running(settings: Settings) -> bool:
    """Whether the system of these settings runs."""
    base, headers = _access(settings)
    async with _client(base, headers) as client:
        return await _answers(client)


@asynccontextmanager
async def connected_to_running(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the running system; raises TradingError when none runs: only it hears streams."""
    base, headers = _access(settings)
    async with _client(base, headers) as client:
        if not await _answers(client):
            raise TradingError(f"nothing runs at {base}: start it with trading-system serve")
        yield client


async def answer(response: httpx.Response) -> httpx.Response:
    """The response, or its problem as an error of ours."""
    if response.is_success:
        return response
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    text = problem.get("detail") or problem.get("title") or f"HTTP {response.status_code}"
    raise TradingError(str(text))


def _access(settings: Settings) -> tuple[str, dict[str, str]]:
    """Where the API is and the headers it asks for."""
    base = f"http://{settings.api_host}:{settings.api_port}"
    if settings.api_token is None:
        return base, {}
    return base, {"Authorization": f"Bearer {settings.api_token.get_secret_value()}"}


def _client(
    base: str, headers: dict[str, str], transport: httpx.AsyncBaseTransport | None = None
) -> httpx.AsyncClient:
    from httpx import AsyncClient, Timeout

    timeout = Timeout(60.0, connect=2.0)
    return AsyncClient(base_url=base, headers=headers, transport=transport, timeout=timeout)


async def _answers(client: httpx.AsyncClient) -> bool:
    from httpx import TransportError

    try:
        response = await client.get("/health")
    except TransportError:
        return False
    return "status" in response.text


@asynccontextmanager
async def _opened_for_this(
    settings: Settings, base: str, headers: dict[str, str]
) -> AsyncIterator[httpx.AsyncClient]:
    from httpx import ASGITransport

    from trading_system.api.application import create_app
    from trading_system.api.security import ApiOptions

    async with opened_system(settings) as system:
        options = ApiOptions(
            host=settings.api_host, port=settings.api_port, token=settings.api_token
        )
        transport = ASGITransport(app=create_app(system, options))
        # A kill is carried out here, too: nobody else would before the next start.
        working = asyncio.gather(system.backfills.run(), system.safety.kill_switch.run())
        try:
            async with _client(base, headers, transport) as client:
                yield client
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
