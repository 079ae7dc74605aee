"""All of futures that is reached over a socket: REST and streams, for the exchange's one door."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from aiohttp import web

from trading_system.simulator.auth import Keys
from trading_system.simulator.calls import Answer, Call
from trading_system.simulator.futures.exchange import FuturesExchange
from trading_system.simulator.futures.link_rules import FUTURES_LINKS
from trading_system.simulator.futures.rest import FuturesApi
from trading_system.simulator.futures.stream_names import Road, parse
from trading_system.simulator.futures.stream_sources import open_source
from trading_system.simulator.futures.user_streams import UserStreams
from trading_system.simulator.interference import Interference
from trading_system.simulator.streams.shell import StreamShell

_EXPIRY_SECONDS = 1.0


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
        self._clock = clock
        self._speed = speed
        self._api = FuturesApi(exchange, keys)
        self._roads = {
            f"/{road}/": StreamShell(
                partial(open_source, exchange),
                clock=clock,
                speed=speed,
                interference=interference,
                read=partial(parse, road=road),
                rules=FUTURES_LINKS,
            )
            for road in Road
        }
        self._users = UserStreams(exchange, clock=clock, speed=speed, interference=interference)

    def streams(self, path: str) -> bool:
        """Whether a WebSocket of futures is meant."""
        return self._users.serves(path) or self._road(path) is not None

    def serves(self, path: str) -> bool:
        """Whether REST of futures is meant."""
        return self._api.serves(path)

    async def accept(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve one WebSocket to its end."""
        road = self._road(request.path)
        return await (self._users if road is None else road).accept(request)

    def answer(self, call: Call) -> Answer:
        """Answer one call."""
        return self._api.answer(call, self._clock())

    async def run(self) -> None:
        """Publish, and end listen keys when they are over, until cancelled."""
        await asyncio.gather(self._expire(), *(road.run() for road in self._roads.values()))

    def cut(self) -> None:
        """End every WebSocket at once."""
        self._users.cut()
        for road in self._roads.values():
            road.cut()

    async def shut_down(self, grace: float) -> None:
        """Announce that the server goes away, and close after `grace` seconds."""
        roads = (road.shut_down(grace) for road in self._roads.values())
        await asyncio.gather(self._users.shut_down(grace), *roads)

    def _road(self, path: str) -> StreamShell | None:
        return next((road for root, road in self._roads.items() if path.startswith(root)), None)

    async def _expire(self) -> None:
        while True:
            await asyncio.sleep(_EXPIRY_SECONDS / self._speed)
            self._users.expire()
