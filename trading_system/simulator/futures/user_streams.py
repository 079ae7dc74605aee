"""The private road: an account's events by listen key, as long as that is valid.

/private/ws/<key>, /private/ws?listenKey=<key> and both with /stream, which wraps each event in the
key; `events=A/B` asks for those alone. A connection with a key that is nobody's stays silent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import orjson
from aiohttp import web

from trading_system.simulator.futures import user_events
from trading_system.simulator.futures.events import Event
from trading_system.simulator.futures.exchange import FuturesExchange
from trading_system.simulator.futures.link_rules import FUTURES_LINKS
from trading_system.simulator.interference import Interference
from trading_system.simulator.links import Door, WebSocketLink
from trading_system.simulator.wire import Json

ROOT = "/private/"
_USER = "user"
_GOING_AWAY = 1001


class UserStreams:
    """Accepts connections and pushes what happens; `expire` ends what is over."""

    def __init__(
        self,
        exchange: FuturesExchange,
        *,
        clock: Callable[[], int],
        speed: float,
        interference: Interference,
    ) -> None:
        self._exchange = exchange
        self._clock = clock
        self._speed = speed
        self._door = Door(
            kind="streams", interference=interference, speed=speed, rules=FUTURES_LINKS
        )
        self._listeners: set[_Listener] = set()
        exchange.observers.append(self._publish)

    @staticmethod
    def serves(path: str) -> bool:
        return path.startswith(ROOT)

    async def accept(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve one connection until it ends; what a client says on it is not heard."""
        link = await self._door.open(request)
        listener = _Listener(link, request)
        self._listeners.add(listener)
        link.whenever_over(lambda _: self._listeners.discard(listener))
        await link.serve(lambda _: None)
        return link.response

    def expire(self) -> None:
        """Tell whoever listens by a key whose hour is over."""
        now = self._clock()
        for key in self._exchange.listen_keys.expired(now):
            for listener in self._listeners:
                if listener.key == key:
                    listener.tell(user_events.listen_key_expired(key, now))

    def cut(self) -> None:
        """End every connection at once."""
        self._door.cut()

    async def shut_down(self, grace: float) -> None:
        """Close every connection after `grace` seconds, divided by the speed."""
        leaving = list(self._listeners)
        await asyncio.sleep(grace / self._speed)
        for listener in leaving:
            listener.link.close(_GOING_AWAY, "Server shutdown")

    def _publish(self, events: Sequence[Event]) -> None:
        """Push what happened to whoever listens, each account's events written once."""
        now = self._clock()
        self.expire()
        listening: dict[str, list[_Listener]] = {}
        for listener in self._listeners:
            account = self._exchange.listen_keys.account(listener.key, now)
            if account is not None:
                listening.setdefault(account, []).append(listener)
        for account, listeners in listening.items():
            for event in user_events.told(events, account, now):
                for listener in listeners:
                    listener.tell(event)


class _Listener:
    """One connection and the key it came with."""

    def __init__(self, link: WebSocketLink, request: web.BaseRequest) -> None:
        self.link = link
        road, _, named = request.path.removeprefix(ROOT).partition("/")
        self.key = named or request.query.get("listenKey") or request.query.get("streams", "")
        self._combined = road == "stream"
        self._wanted = frozenset(request.query.get("events", "").split("/")) - {""}

    def tell(self, event: Json) -> None:
        if self._wanted and event["e"] not in self._wanted:
            return
        frame = {"stream": self.key, "data": event} if self._combined else event
        self.link.deliver(orjson.dumps(frame).decode(), _USER)
