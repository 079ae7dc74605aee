"""The WebSocket API over aiohttp: /ws-api/v3."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from trading_system.simulator.auth import Keys
from trading_system.simulator.exchange import Exchange
from trading_system.simulator.interference import Interference


class WsApiShell:
    """Accepts connections, answers requests and pushes the events of accounts."""

    def __init__(
        self,
        exchange: Exchange,
        keys: Keys,
        *,
        clock: Callable[[], int],
        speed: float,
        interference: Interference,
    ) -> None:
        self._exchange = exchange
        self._keys = keys
        self._clock = clock
        self._speed = speed
        self._interference = interference

    @staticmethod
    def serves(path: str) -> bool:
        """Whether this path is the WebSocket API's."""
        return path.startswith("/ws-api/")

    async def accept(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve one connection until it ends."""
        raise NotImplementedError
