"""Market streams over WebSockets: /ws, /ws/<names>, /stream and /stream?streams=<names>."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from trading_system.simulator.exchange import Exchange
from trading_system.simulator.interference import Interference


class StreamShell:
    """Accepts connections and, while `run` runs, keeps publishing to them."""

    def __init__(
        self,
        exchange: Exchange,
        *,
        clock: Callable[[], int],
        speed: float,
        interference: Interference,
    ) -> None:
        self._exchange = exchange
        self._clock = clock
        self._speed = speed
        self._interference = interference

    @staticmethod
    def serves(path: str) -> bool:
        """Whether this path is one of a market stream; `/stream.sim/ws` is one, as ccxt needs."""
        return path.startswith(("/ws", "/stream")) and not path.startswith("/ws-api")

    async def accept(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve one connection until it ends."""
        raise NotImplementedError

    async def run(self) -> None:
        """Publish until cancelled."""
