"""All that is reached over a socket: REST, both kinds of WebSockets, futures, and what disturbs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from aiohttp import web

from trading_system.simulator.auth import Keys
from trading_system.simulator.calls import Prepare, Told
from trading_system.simulator.exchange import Exchange
from trading_system.simulator.futures.exchange import FuturesExchange
from trading_system.simulator.futures.front import FuturesFront
from trading_system.simulator.mischief import control
from trading_system.simulator.mischief.control import Mischief
from trading_system.simulator.rest import Answer, Call, RestApi
from trading_system.simulator.streams.shell import StreamShell
from trading_system.simulator.streams.sources import open_source
from trading_system.simulator.ws_api.shell import WsApiShell

_log = logging.getLogger(__name__)

_ADVANCE_SECONDS = 0.1


class Front:
    """Hands requests to whom they belong; while `run` runs, the market goes on and is published.

    `clock` is the exchange's as it should be, ms UTC; `speed` is how fast it runs; `prepare`, if
    given, is asked before each call is answered.
    """

    def __init__(
        self,
        exchange: Exchange,
        futures: FuturesExchange,
        keys: Keys,
        mischief: Mischief,
        *,
        clock: Callable[[], int],
        speed: float,
        prepare: Prepare | None = None,
    ) -> None:
        self._exchange = exchange
        self._futures = futures
        self._mischief = mischief
        self._undisturbed = clock
        self._speed = speed
        self._prepare = prepare
        self._rest = RestApi(exchange, keys)
        self._streams = StreamShell(
            partial(open_source, exchange),
            clock=self._clock,
            speed=speed,
            interference=mischief,
        )
        self._ws_api = WsApiShell(
            exchange,
            keys,
            clock=self._clock,
            speed=speed,
            interference=mischief,
            prepare=prepare,
        )
        self._futures_front = FuturesFront(
            futures, keys, clock=self._clock, speed=speed, interference=mischief
        )
        self._notices: set[asyncio.Task[None]] = set()
        mischief.watch(exchange, shut_down=self._shut_down)

    async def respond(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, or serve one WebSocket to its end."""
        if self._streams.serves(request.path):
            return await self._streams.accept(request)
        if self._ws_api.serves(request.path):
            return await self._ws_api.accept(request)
        if self._futures_front.streams(request.path):
            return await self._futures_front.accept(request)
        if request.path == control.PATH:
            return await self._mischief.control(request)
        return await self._answer(request)

    async def run(self) -> None:
        """Go on until cancelled."""
        try:
            await asyncio.gather(
                self._keep_advancing(), self._streams.run(), self._futures_front.run()
            )
        finally:
            for notice in self._notices:
                notice.cancel()

    def cut(self) -> None:
        """End every WebSocket at once."""
        self._streams.cut()
        self._ws_api.cut()
        self._futures_front.cut()

    def _clock(self) -> int:
        return self._mischief.time(self._undisturbed())

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        # The text as it was sent, for the signature; a GET has no body that counts.
        path, _, query = request.raw_path.partition("?")
        body = b"" if request.method == "GET" else await request.read()
        call = Call(
            method=request.method,
            path=path,
            query=query,
            body=body.decode(errors="replace"),
            api_key=request.headers.get("X-MBX-APIKEY"),
            time_unit=request.headers.get("X-MBX-TIME-UNIT"),
            address=request.remote or "",
        )
        told = None if self._prepare is None else await self._prepare(call)
        answer = await self._mischief.answer(call, lambda call: self._serve(call, told))
        if answer is None:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()  # which nobody gets any more
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)

    def _serve(self, call: Call, told: Told | None) -> Answer:
        if self._futures_front.serves(call.path):
            return self._futures_front.answer(call)
        return self._rest.answer(call, self._clock(), told)

    async def _keep_advancing(self) -> None:
        """Let resting orders meet the market even while nobody asks."""
        while True:
            await asyncio.sleep(_ADVANCE_SECONDS / self._speed)
            for exchange in (self._exchange, self._futures):
                if exchange.has_open_orders:
                    try:
                        exchange.advance(self._clock())
                    except Exception:  # noqa: BLE001 -- the next moment may fare better
                        _log.exception("the market could not go on")

    def _shut_down(self, grace: float) -> None:
        for shell in (self._streams, self._ws_api, self._futures_front):
            self._notices.add(asyncio.create_task(shell.shut_down(grace)))
