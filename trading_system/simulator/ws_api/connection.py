"""One client of the WebSocket API: requests in, answers and events out.

Each request is a task of its own, so that an answer that mischief holds back does not hold up the
others; without mischief they are answered in the order in which they came.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import urlencode

import orjson

from trading_system.simulator.calls import (
    Answer,
    Call,
    Headers,
    Prepare,
    Told,
    answered,
    carried_out,
    encoded,
)
from trading_system.simulator.endpoints.table import ENDPOINTS
from trading_system.simulator.exchange import Exchange
from trading_system.simulator.interference import Frame, Interference
from trading_system.simulator.link_rules import POLICY_VIOLATION
from trading_system.simulator.links import WebSocketLink
from trading_system.simulator.model import Refused
from trading_system.simulator.wire import Json
from trading_system.simulator.ws_api import messages, user_events
from trading_system.simulator.ws_api.messages import Ask, Id, Malformed
from trading_system.simulator.ws_api.methods import EQUIVALENTS, in_its_words
from trading_system.simulator.ws_api.session import METHODS, WEIGHT, Session, without_own

_USER = "user"
_BANNED = 418
_GOING_AWAY = 1001
_GOODBYE_SECONDS = 0.05
_ROOT = "/ws-api/v3/"


class Connection:
    """Times go out in us where the URL of the connection asks for that; `clock` tells ms UTC.

    `prepare`, if given, is asked before each call is answered.
    """

    def __init__(
        self,
        link: WebSocketLink,
        session: Session,
        exchange: Exchange,
        *,
        clock: Callable[[], int],
        interference: Interference,
        in_microseconds: bool,
        prepare: Prepare | None,
    ) -> None:
        self.session = session
        self._link = link
        self._exchange = exchange
        self._clock = clock
        self._interference = interference
        self._in_microseconds = in_microseconds
        self._prepare = prepare
        self._tasks: set[asyncio.Task[None]] = set()

    def hear(self, text: str) -> None:
        """A frame came in."""
        task = asyncio.create_task(self._respond(text))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def tell(self, subscription: int, event: Json) -> None:
        """Push an event of an account."""
        frame = {"subscriptionId": subscription, "event": self._timed(event)}
        self._link.deliver(orjson.dumps(frame).decode(), _USER)

    def announce(self, event: Json) -> None:
        """Send what concerns the connection and no account."""
        self._link.send(Frame(orjson.dumps({"event": self._timed(event)}).decode()))

    def leave(self) -> None:
        """Close it because the server goes away."""
        self._link.close(_GOING_AWAY, "Server shutdown")

    async def _respond(self, text: str) -> None:
        try:
            ask = messages.read(text)
        except Malformed as refusal:
            self._answer_malformed(refusal)
            return
        call = self._call(ask)
        told = None if self._prepare is None else await self._prepare(call)
        answer = await self._interference.answer(call, lambda _: self._serve(ask, told))
        if answer is None:
            self._link.abort()
            return
        self._reply(ask.id, answer, show_limits=ask.show_limits)
        self._end_streams()

    def _answer_malformed(self, refusal: Malformed) -> None:
        def refuse(_: Headers) -> bytes:
            raise refusal

        call = Call("GET", _ROOT, address=self._link.address)
        answer = answered(self._exchange, call, self._clock(), refuse)
        self._reply(refusal.id, answer, show_limits=None)

    def _call(self, ask: Ask) -> Call:
        """The request as REST would have it, for whoever interferes with that."""
        method, path = EQUIVALENTS.get(ask.method, ("GET", _ROOT + ask.method))
        return Call(
            method=method,
            path=path,
            query=urlencode(ask.parameters),
            api_key=ask.parameters.get("apiKey"),
            address=self._link.address,
        )

    def _serve(self, ask: Ask, told: Told | None) -> Answer:
        now = self._clock()
        return answered(
            self._exchange,
            self._call(ask),
            now,
            lambda headers: self._write(ask, now, headers, told),
        )

    def _write(self, ask: Ask, now: int, headers: Headers, told: Told | None) -> bytes:
        address = self._link.address
        if ask.method in METHODS:
            self._exchange.limits.charge(address, WEIGHT, now)
            result = self.session.answer(ask.method, ask.parameters, now)
            return encoded(result, in_microseconds=self._in_microseconds)
        if ask.method not in EQUIVALENTS:
            raise Refused(-1020, "This operation is not supported.")
        result = carried_out(
            self._exchange,
            ENDPOINTS[EQUIVALENTS[ask.method]],
            without_own(ask.parameters),
            address=address,
            now=now,
            identify=lambda: self.session.identify(ask.parameters, now),
            headers=headers,
            told=told,
        )
        body = encoded(result, in_microseconds=self._in_microseconds)
        return in_its_words(ask.method, body, self._exchange.settings)

    def _timed(self, event: Json) -> Json:
        return user_events.in_microseconds(event) if self._in_microseconds else event

    def _reply(self, id_: Id, answer: Answer, *, show_limits: bool | None) -> None:
        shows = self.session.shows_limits if show_limits is None else show_limits
        limits = self._exchange.settings if shows else None
        self._link.deliver(messages.reply(id_, answer, now=self._clock(), limits=limits))
        if answer.status == _BANNED:
            # The answer goes first: closing drops what is still queued.
            loop = asyncio.get_running_loop()
            loop.call_later(_GOODBYE_SECONDS, self._link.close, POLICY_VIOLATION, "Banned")

    def _end_streams(self) -> None:
        ended, self.session.ended = self.session.ended, []
        for subscription in ended:
            self.tell(subscription, user_events.stream_terminated(self._clock()))
