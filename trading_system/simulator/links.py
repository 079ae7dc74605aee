"""One open WebSocket of the exchange: what goes out is queued and what comes in is handed on.

The queue is bounded: a reader that falls too far behind is disconnected, as nothing may be left
out of a stream. While a link is silent nothing goes out, pings and pongs included, and what comes
in is lost; what waits beyond the bound is then dropped, for a cut would give the silence away.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress

from aiohttp import ClientConnectionError, WSMessage, WSMsgType, web

from trading_system.simulator.interference import Frame, Interference
from trading_system.simulator.link_rules import POLICY_VIOLATION, Attempts, Due, LinkRules, Pulse

_NORMAL, _GOING_AWAY = 1000, 1001
_LOOK_SECONDS = 0.1
_HANDSHAKE_SECONDS = 1.0
_LARGEST_MESSAGE = 1 << 20
_ENDS = {WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR}


class Door:
    """Where connections of one kind come in; `cut` ends all that are open.

    `kind` is "streams" or "ws-api"; every duration is divided by `speed`.
    """

    def __init__(
        self,
        *,
        kind: str,
        interference: Interference,
        speed: float = 1.0,
        rules: LinkRules | None = None,
    ) -> None:
        self._kind = kind
        self._interference = interference
        self._rules = (rules or LinkRules()).sped_up(speed)
        self._attempts = Attempts(self._rules)
        self._links: set[WebSocketLink] = set()

    @property
    def links(self) -> Iterable[WebSocketLink]:
        """Those that are open."""
        return tuple(self._links)

    async def open(self, request: web.BaseRequest) -> WebSocketLink:
        """Shake hands; then `serve` the link and return its `response` to aiohttp.

        Raises HTTPTooManyRequests when the address has tried too often, HTTPBadRequest for what is
        no WebSocket handshake.
        """
        address, now = request.remote or "", _now()
        if not self._attempts.admit(address, now):
            wait = int(self._attempts.seconds_left(address, now)) + 1
            raise web.HTTPTooManyRequests(headers={"Retry-After": str(wait)})
        socket = web.WebSocketResponse(
            autoping=False,
            autoclose=False,
            max_msg_size=_LARGEST_MESSAGE,
        )
        await socket.prepare(request)
        link = WebSocketLink(
            socket,
            kind=self._kind,
            address=address,
            interference=self._interference,
            rules=self._rules,
        )
        self._links.add(link)
        link.whenever_over(self._links.discard)
        return link

    def cut(self) -> None:
        """End every connection at once, as a server that goes away does."""
        for link in self.links:
            link.abort()


class WebSocketLink:
    """See interference.Link; `deliver` asks the interference, `send` does not.

    `rules` are the final ones: no speed is applied to them any more.
    """

    def __init__(
        self,
        socket: web.WebSocketResponse,
        *,
        kind: str,
        address: str,
        interference: Interference,
        rules: LinkRules | None = None,
    ) -> None:
        self.kind = kind
        self.address = address
        self.response = socket
        self._rules = rules or LinkRules()
        self._interference = interference
        self._pulse = Pulse(self._rules, _now())
        self._silent = False
        self._waiting: deque[str] = deque()
        self._more = asyncio.Event()
        self._over: list[Callable[[WebSocketLink], None]] = []
        self._closing: asyncio.Task[None] | None = None

    @property
    def silent(self) -> bool:
        """While set, nothing is sent and nothing that arrives is read: half open."""
        return self._silent

    @silent.setter
    def silent(self, silent: bool) -> None:
        self._silent = silent
        self._pulse.rest(_now())
        self._more.set()

    def whenever_over(self, tell: Callable[[WebSocketLink], None]) -> None:
        """Have `tell` called once `serve` has ended."""
        self._over.append(tell)

    async def serve(self, on_text: Callable[[str], None]) -> None:
        """Hand on every text until the connection ends."""
        tasks = [asyncio.create_task(self._write()), asyncio.create_task(self._watch())]
        self._interference.opened(self)
        try:
            while (message := await self.response.receive()).type not in _ENDS:
                await self._hear(message, on_text)
            while self.silent and not self._is_gone():  # noqa: ASYNC110 -- the transport tells nobody
                await asyncio.sleep(_LOOK_SECONDS)  # even a goodbye goes unanswered
            if message.type is WSMsgType.CLOSE:
                self.close(message.data or _NORMAL)
        finally:
            for task in tasks:
                task.cancel()
            self._interference.closed(self)
            for tell in self._over:
                tell(self)
            if self._closing is not None:
                await self._closing

    def deliver(self, text: str, stream: str = "") -> None:
        """Send it, or whatever the interference makes of it."""
        for frame in self._interference.outgoing(self, Frame(text, stream)):
            self.send(frame)

    def send(self, frame: Frame) -> None:
        """Put it into the queue of what goes out; a reader too far behind is disconnected."""
        if len(self._waiting) >= self._rules.most_waiting:
            if not self.silent:
                self.abort()
            return
        self._waiting.append(frame.text)
        self._more.set()

    def close(self, code: int, reason: str = "") -> None:
        """Close in good form, without waiting for it; what is still queued is lost."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._say_goodbye(code, reason))

    def abort(self) -> None:
        """Cut the TCP connection without a closing handshake."""
        transport = self._transport()
        if transport is not None:
            transport.abort()

    def _is_gone(self) -> bool:
        transport = self._transport()
        return transport is None or transport.is_closing()

    def _transport(self) -> asyncio.Transport | None:
        request = self.response._req  # noqa: SLF001 -- aiohttp has no other way to it
        return None if request is None else request.transport

    async def _say_goodbye(self, code: int, reason: str) -> None:
        """Whoever reads no more does not read this either: then it is a cut."""
        try:
            async with asyncio.timeout(_HANDSHAKE_SECONDS):
                await self.response.close(code=code, message=reason.encode())
        except TimeoutError:
            self.abort()

    async def _hear(self, message: WSMessage, on_text: Callable[[str], None]) -> None:
        if self.silent:
            return
        if not self._pulse.heard(_now()):
            self.close(POLICY_VIOLATION, "Too many requests")
        elif message.type is WSMsgType.TEXT:
            on_text(message.data)
        elif message.type is WSMsgType.PONG:
            self._pulse.ponged(bytes(message.data))
        elif message.type is WSMsgType.PING:
            with suppress(ClientConnectionError):
                await self.response.pong(message.data)

    async def _write(self) -> None:
        with suppress(ClientConnectionError):
            while True:
                await self._more.wait()
                self._more.clear()
                while self._waiting and not self.silent:
                    await self.response.send_str(self._waiting.popleft())

    async def _watch(self) -> None:
        """Ping, and end what does not answer or is too old."""
        with suppress(ClientConnectionError):
            while True:
                await asyncio.sleep(max(0.0, self._pulse.next() - _now()))
                now = _now()
                if self.silent:
                    self._pulse.rest(now)
                    continue
                match self._pulse.due(now):
                    case Due.PING:
                        payload = str(time.time_ns() // 1_000_000).encode()
                        self._pulse.pinged(payload, now)
                        await self.response.ping(payload)
                    case Due.NO_PONG:
                        self.close(POLICY_VIOLATION, "Pong timeout")
                        return
                    case Due.TOO_OLD:
                        self.close(_GOING_AWAY, "Connection lived its 24 hours")
                        return


def _now() -> float:
    """Seconds that only ever grow."""
    return asyncio.get_running_loop().time()
