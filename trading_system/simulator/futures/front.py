"""All of futures that is reached over a socket: REST and streams, for the exchange's one door."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

from trading_system.simulator.auth import Keys
from trading_system.simulator.calls import Answer, Call
from trading_system.simulator.futures.exchange import FuturesExchange
from trading_system.simulator.futures.rest import FuturesApi
from trading_system.simulator.futures.user_streams import UserStreams
from trading_system.simulator.interference import Interference

_EXPIRY_SECONDS = 1.0
_GOING_AWAY = 1001


class FuturesFront:
    """Hands requests to whom they belong; `clock` is the exchange's, ms UTC."""

    def __init__(
        self,
        exchange: FuturesExchange,
        keys: Keys,
        *,
        clock: Callable[[], int],
        speed: float,
        interference: Interference,
    ) -> None:
        self._exchange = exchange
        self._clock = clock
        self._speed = speed
        self._api = FuturesApi(exchange, keys)
        self._users = UserStreams(exchange, clock=clock, speed=speed, interference=interference)

    def streams(self, path: str) -> bool:
        """Whether a WebSocket of futures is meant."""
        return self._users.serves(path)

    def serves(self, path: str) -> bool:
        """Whether REST of futures is meant."""
        return self._api.serves(path)

    async def accept(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve one WebSocket to its end."""
        return await self._users.accept(request)

    def answer(self, call: Call) -> Answer:
        """Answer one call."""
        return self._api.answer(call, self._clock())

    async def run(self) -> None:
        """End listen keys when they are over, until cancelled."""
        while True:
            await asyncio.sleep(_EXPIRY_SECONDS / self._speed)
            self._users.expire()

    def advance(self) -> None:
        """Let resting orders meet the market even while nobody asks."""
        if self._exchange.has_open_orders:
            self._exchange.advance(self._clock())

    def cut(self) -> None:
        """End every WebSocket at once."""
        self._users.cut()

    async def shut_down(self, grace: float) -> None:
        """Close every connection after `grace` seconds, divided by the speed."""
        await asyncio.sleep(grace / self._speed)
        self._users.close(_GOING_AWAY, "Server shutdown")
