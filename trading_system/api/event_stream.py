"""Server-sent events out of the event log, for one reader.

Each reader pulls: nobody waits for a slow one, and what it holds of the log is a handful of events.
The protocol is WHATWG HTML section 9.2, server-sent events.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from pydantic import BaseModel
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from trading_system.api.event_schemas import ResetEvent, event_data, symbol_of
from trading_system.domain.instruments import Symbol
from trading_system.event_log import Entry, EventKind, EventLog
from trading_system.ports import Clock

MEDIA_TYPE = "text/event-stream"
PING_SECONDS = 15.0
_AT_ONCE = 100  # events; writing that many takes a millisecond, and others share the event loop
_RETRY_MS = 2_000  # how long browsers wait before they come back
_GOODBYE_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What a reader wants: `kinds` and `symbols` (None: of all), and from where on.

    `last_id` is the last id it has seen; without one it begins with what is retained when `replay`,
    else now. It ends with what is retained unless it is to `follow`.
    """

    kinds: frozenset[EventKind]
    symbols: frozenset[Symbol] | None = None
    last_id: str | None = None
    replay: bool = False
    follow: bool = True


class EventStream(Response):
    """A response that tells events for as long as somebody listens."""

    media_type = MEDIA_TYPE

    def __init__(self, log: EventLog, wanted: Subscription, clock: Clock) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["Content-Length"]
        self._log = log
        self._wanted = wanted
        self._clock = clock
        self._told = self._lost = 0
        """Every wanted event up to `_told` has been sent, and of those up to `_lost` the reader
        knows that some are missing."""

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Tell, until the reader is gone, the server ends or all is told."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        tasks = [
            asyncio.ensure_future(each)
            for each in (self._tell(send), self._ping(send), _until_gone(receive))
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        # A reader that has stopped reading does not hear this either.
        with suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _tell(self, send: Send) -> None:
        await self._send(send, [f"retry: {_RETRY_MS}\n\n", *self._begin()])
        while True:
            retained = self._log.since(self._told, self._wanted.kinds, limit=_AT_ONCE)
            await self._send(send, self._overflow(retained.lost))
            await self._send(send, map(self._told_of, filter(self._is_wanted, retained.events)))
            self._told = retained.last
            if len(retained.events) == _AT_ONCE:
                await asyncio.sleep(0)
            elif self._wanted.follow:
                await self._log.wait(self._told, self._wanted.kinds)
            else:
                return

    def _begin(self) -> list[str]:
        """Where to begin, and what the reader is told of it first."""
        last_id = self._wanted.last_id
        known = self._log.sequence(last_id) if last_id else None
        if known is not None:
            self._told = known
        elif last_id or self._wanted.replay:
            lost = self._log.since(0, self._wanted.kinds, limit=1).lost
            self._lost = max(lost.values(), default=0)
        else:
            self._told = self._log.last
        if last_id and known is None:
            reset = ResetEvent(reason="restarted", after=last_id, kinds=[], at_most=None)
            return [_block("reset", reset)]
        return [self._position()]

    def _overflow(self, lost: Mapping[EventKind, int]) -> list[str]:
        """What had to go since the reader was last told so."""
        kinds = sorted(kind for kind, newest in lost.items() if newest > self._lost)
        if not kinds:
            return []
        self._lost = max(lost.values())
        reset = ResetEvent(
            reason="overflow",
            after=self._log.event_id(self._told),
            kinds=kinds,
            at_most=self._log.gone(self._told),
        )
        return [_block("reset", reset)]

    async def _ping(self, send: Send) -> None:
        while True:
            await self._clock.sleep(PING_SECONDS)
            await self._send(send, [": ping\n", self._position()])

    def _position(self) -> str:
        """An id without an event: readers of rare events then come back to a recent number."""
        return f"id: {self._log.event_id(self._told)}\n\n"

    def _is_wanted(self, entry: Entry) -> bool:
        if self._wanted.symbols is None:
            return True
        symbol = symbol_of(entry)
        return symbol is None or symbol in self._wanted.symbols

    def _told_of(self, entry: Entry) -> str:
        return _block(entry.kind, event_data(entry), event_id=self._log.event_id(entry.sequence))

    async def _send(self, send: Send, blocks: Iterable[str]) -> None:
        """All in one message; waits while the reader's connection is full."""
        text = "".join(blocks)
        if text:
            await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


def _block(event: str, data: BaseModel, *, event_id: str | None = None) -> str:
    """One event; without an id, whoever loses the connection right after it is told it again."""
    name = f"id: {event_id}\nevent: {event}" if event_id else f"event: {event}"
    return f"{name}\ndata: {data.model_dump_json()}\n\n"


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
