"""The WebSocket API over aiohttp: /ws-api/v3."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence

import orjson
from aiohttp import web

from trading_system.simulator.auth import Keys
from trading_system.simulator.calls import Call, Headers, Prepare, answered, wants_microseconds
from trading_system.simulator.events import Event
from trading_system.simulator.exchange import Exchange
from trading_system.simulator.interference import Interference
from trading_system.simulator.link_rules import LinkRules
from trading_system.simulator.links import Door
from trading_system.simulator.ws_api import user_events
from trading_system.simulator.ws_api.connection import Connection
from trading_system.simulator.ws_api.session import WEIGHT, Session

_OK = 200
_MOST_MESSAGES = 1_000  # a second: weight is the limit here, the documents name no other


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
        prepare: Prepare | None = None,
    ) -> None:
        self._exchange = exchange
        self._keys = keys
        self._clock = clock
        self._speed = speed
        self._interference = interference
        self._prepare = prepare
        rules = LinkRules(
            most_messages=_MOST_MESSAGES,
            most_attempts=exchange.settings.connections_per_5_minutes,
        )
        self._door = Door(kind="ws-api", interference=interference, speed=speed, rules=rules)
        self._connections: set[Connection] = set()
        exchange.observers.append(self._publish)

    @staticmethod
    def serves(path: str) -> bool:
        """Whether this path is the WebSocket API's."""
        return path.startswith("/ws-api/")

    async def accept(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve one connection until it ends; who has asked too much is not let in."""
        address, now = request.remote or "", self._clock()
        unit = request.query.get("timeUnit")

        def charge(_: Headers) -> bytes:
            self._exchange.limits.charge(address, WEIGHT, now)
            return orjson.dumps(wants_microseconds(unit))

        call = Call("GET", request.path, address=address)
        answer = answered(self._exchange, call, now, charge)
        if answer.status != _OK:
            return web.Response(status=answer.status, body=answer.body, headers=answer.headers)
        link = await self._door.open(request)
        shows_limits = request.query.get("returnRateLimits", "true").lower() != "false"
        connection = Connection(
            link,
            Session(self._keys, now=now, shows_limits=shows_limits),
            self._exchange,
            clock=self._clock,
            interference=self._interference,
            in_microseconds=wants_microseconds(unit),
            prepare=self._prepare,
        )
        self._connections.add(connection)
        link.whenever_over(lambda _: self._connections.discard(connection))
        await link.serve(connection.hear)
        return link.response

    def cut(self) -> None:
        """End every connection at once."""
        self._door.cut()

    async def shut_down(self, grace: float) -> None:
        """Announce to everybody that the server goes away, and close after `grace` seconds.

        The grace is divided by the speed.
        """
        leaving = list(self._connections)
        for connection in leaving:
            connection.announce(user_events.server_shutdown(self._clock()))
        await asyncio.sleep(grace / self._speed)
        for connection in leaving:
            connection.leave()

    def _publish(self, events: Sequence[Event]) -> None:
        """Push what happened to whoever listens, each account's events written once."""
        listeners = defaultdict(list)
        for connection in self._connections:
            for subscription, account in connection.session.subscriptions:
                listeners[account].append((connection, subscription))
        now = self._clock()
        for account, interested in listeners.items():
            for event in user_events.told(events, account, now):
                for connection, subscription in interested:
                    connection.tell(subscription, event)
