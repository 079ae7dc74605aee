"""Market streams over WebSockets: /ws, /ws/<names>, /stream and /stream?streams=<names>."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from aiohttp import web

from trading_system.simulator.interference import Frame, Interference
from trading_system.simulator.link_rules import LinkRules
from trading_system.simulator.links import Door, WebSocketLink
from trading_system.simulator.streams import frames
from trading_system.simulator.streams.hub import TICK, Hub
from trading_system.simulator.streams.names import StreamName, parse
from trading_system.simulator.streams.session import Session
from trading_system.simulator.streams.sources import Source

GRACE_SECONDS = 10.0
_GOING_AWAY = 1001
_SHUTDOWN = "!serverShutdown"
_TURN_SECONDS = 0.005
"""How long publishing may keep everything else in the process waiting."""


class StreamShell:
    """Accepts connections and, while `run` runs, keeps publishing to them.

    `read` reads the name of a stream and `open_source` gives its events, as in Session and Hub.
    """

    def __init__(
        self,
        open_source: Callable[[StreamName, int], Source],
        *,
        clock: Callable[[], int],
        speed: float,
        interference: Interference,
        read: Callable[[str], StreamName] = parse,
        rules: LinkRules | None = None,
    ) -> None:
        self.hub = Hub(open_source, clock())
        self._door = Door(kind="streams", interference=interference, speed=speed, rules=rules)
        self._read = read
        self._clock = clock
        self._speed = speed
        self._listeners: set[_Listener] = set()

    @staticmethod
    def serves(path: str) -> bool:
        """Whether this path is one of a market stream; `/stream.sim/ws` is one, as ccxt needs."""
        return path.startswith(("/ws", "/stream")) and not path.startswith("/ws-api")

    async def accept(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve one connection until it ends."""
        link = await self._door.open(request)
        listener = _Listener(
            link,
            Session(self._named(request), combined=_is_combined(request.path), read=self._read),
            self.hub,
            microseconds=request.query.get("timeUnit", "").upper() == "MICROSECOND",
        )
        self._listeners.add(listener)
        try:
            await link.serve(listener.hear)
        finally:
            self._listeners.discard(listener)
            listener.leave()
        return link.response

    async def run(self) -> None:
        """Publish until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            turn = loop.time()
            for _ in self.hub.tick(self._clock()):
                if loop.time() - turn > _TURN_SECONDS:
                    await asyncio.sleep(0)
                    turn = loop.time()
            await asyncio.sleep((TICK - self._clock() % TICK) / 1_000 / self._speed)

    async def shut_down(self, grace: float = GRACE_SECONDS) -> None:
        """Announce to everybody that the server goes away, and close after `grace` seconds.

        The grace is divided by the speed. Binance announces so ten seconds ahead.
        """
        leaving = list(self._listeners)
        for listener in leaving:
            listener.announce(frames.shutdown(self._clock()))
        await asyncio.sleep(grace / self._speed)
        for listener in leaving:
            listener.link.close(_GOING_AWAY, "Server shutdown")

    def cut(self) -> None:
        """End every connection at once."""
        self._door.cut()

    def _named(self, request: web.BaseRequest) -> Iterable[StreamName]:
        """The streams of the address; whatever is no stream there is let be, as ccxt's /ws/0 is."""
        if _is_combined(request.path):
            texts = request.query.get("streams", "").split("/")
        else:
            texts = request.path.partition("/ws/")[2].split("/")
        for text in texts:
            try:
                yield self._read(text)
            except ValueError:
                continue


class _Listener:
    """One connection: its session and its link."""

    def __init__(
        self, link: WebSocketLink, session: Session, hub: Hub, *, microseconds: bool
    ) -> None:
        self.link = link
        self.microseconds = microseconds
        self._session = session
        self._hub = hub
        for stream in session.streams:
            hub.subscribe(self, stream)

    @property
    def combined(self) -> bool:
        return self._session.combined

    def deliver(self, text: str, stream: str) -> None:
        self.link.deliver(text, stream)

    def hear(self, text: str) -> None:
        """Answer first: what was subscribed to comes after that."""
        reply = self._session.receive(text)
        self.link.deliver(reply.text)
        for stream in reply.removed:
            self._hub.unsubscribe(self, stream)
        for stream in reply.added:
            self._hub.subscribe(self, stream)

    def announce(self, notice: object) -> None:
        text = frames.text(notice, microseconds=self.microseconds)
        self.link.send(Frame(frames.combined(_SHUTDOWN, text) if self.combined else text))

    def leave(self) -> None:
        for stream in self._session.streams:
            self._hub.unsubscribe(self, stream)


def _is_combined(path: str) -> bool:
    return path.rstrip("/").rpartition("/")[2] == "stream"
