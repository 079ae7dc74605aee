"""A connection that is watched: it is asked for signs of life and given up when there are none.

Also: requests over it with their answers, never faster than the venue reads them. It never dials
again by itself; that is for whoever holds it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

import aiohttp

from trading_system.domain.errors import ExchangeError, RateLimited, Rejected, Unreachable
from trading_system.exchange.streams.websocket import WebSocket
from trading_system.ports import Clock
from trading_system.waiting import within

_GLANCE = 0.5
_TOO_MANY = frozenset({418, 429})
_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How patient we are, in seconds.

    The venue reads five messages a second, pongs included, and ends a connection after 24 hours;
    its own pings come every 20 s only. A pulse is a stream that is sent even when nothing happens.
    `silence` leaves time to look, and to try a last ping, within 15 s.
    """

    dial: float = 10.0
    answer: float = 10.0
    ping_every: float = 5.0
    silence: float = 14.0
    pulse: float = 30.0
    life: float = 23 * 3600.0
    between_messages: float = 0.25
    steady: float = 60.0
    """A connection that lasted this long may be dialled again at once."""


class Connection:
    """One watched connection; `ended` resolves with the reason when it has gone.

    Frames that answer no request go to `on_frame`, which may be replaced when somebody takes over.
    """

    def __init__(
        self, url: str, *, clock: Clock, timing: Timing, on_frame: Callable[[Any], None]
    ) -> None:
        self.on_frame = on_frame
        self.opened_at = 0.0
        self._clock = clock
        self._timing = timing
        self._socket = WebSocket(url, clock=clock, on_frame=self._take)
        self._numbers = count(1)
        self._answers: dict[int, asyncio.Future[Mapping[str, Any]]] = {}
        self._next_message = clock.monotonic()
        self._guard: asyncio.Task[None] | None = None

    @property
    def ended(self) -> asyncio.Future[str]:
        """Resolves with the reason when the connection has gone."""
        return self._socket.ended

    @property
    def unreadable(self) -> int:
        """How many frames could not be handled."""
        return self._socket.unreadable

    @property
    def heard_at(self) -> float:
        """Monotonic time of the last sign of life."""
        return self._socket.heard_at

    @property
    def silent_for(self) -> float:
        """Seconds since the last sign of life."""
        return self._clock.monotonic() - self._socket.heard_at

    @property
    def age(self) -> float:
        """Seconds since it was opened."""
        return self._clock.monotonic() - self.opened_at

    async def open(self, session: aiohttp.ClientSession) -> None:
        """Dial and begin to watch. Raises Unreachable, RateLimited."""
        await self._socket.open(session, patience=self._timing.dial)
        self.opened_at = self._clock.monotonic()
        self.ended.add_done_callback(self._release)
        self._guard = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """Stop watching and say goodbye."""
        if self._guard is not None:
            self._guard.cancel()
        await self._socket.close()

    def abort(self, reason: str) -> None:
        """Cut it."""
        self._socket.abort(reason)

    def repeat(self, frames: Iterable[Any]) -> None:
        """Hand on what was kept of it; what cannot be handled costs no more than when it came."""
        for frame in frames:
            try:
                self.on_frame(frame)
            except Exception as error:  # noqa: BLE001 -- as in the socket: the next may be good
                self._socket.note_unreadable(error)

    async def request(self, method: str, params: object) -> Any:
        """The result the venue answers with.

        Raises Rejected, RateLimited, and Unreachable when no answer comes.
        """
        if self.ended.done():
            raise Unreachable(self.ended.result())
        number = next(self._numbers)
        answer = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        try:
            await self._turn()
            await self._socket.send({"method": method, "params": params, "id": number})
            return _result(await within(self._clock, self._timing.answer, answer))
        except TimeoutError:
            raise Unreachable(f"no answer to {method}") from None
        finally:
            del self._answers[number]

    async def _watch(self) -> None:
        pinged_at = self.opened_at
        while not self.ended.done():
            await self._clock.sleep(_GLANCE)
            if self.silent_for >= self._timing.silence:
                self._socket.abort(f"nothing heard for {self.silent_for:.0f} s")
                return
            if self._clock.monotonic() - pinged_at >= self._timing.ping_every:
                pinged_at = self._clock.monotonic()
                await self._ping()

    async def _ping(self) -> None:
        try:
            await self._turn()
            await within(self._clock, _GLANCE, self._socket.ping())
        except (Unreachable, TimeoutError):
            return  # the silence that follows is what counts

    async def _turn(self) -> None:
        now = self._clock.monotonic()
        turn = max(now, self._next_message)
        self._next_message = turn + self._timing.between_messages
        await self._clock.sleep(turn - now)

    def _take(self, frame: Any) -> None:
        if isinstance(frame, dict) and "id" in frame and "stream" not in frame:
            answer = self._answers.get(frame["id"])
            if answer is not None and not answer.done():
                answer.set_result(frame)
        else:
            self.on_frame(frame)

    def _release(self, ended: asyncio.Future[str]) -> None:
        """Nobody is to wait for an answer that cannot come any more."""
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(Unreachable(ended.result()))


def _result(answer: Mapping[str, Any]) -> Any:
    """What an answer says; refusals come as `error` or, on market streams, on the top level."""
    error = answer.get("error", answer if "code" in answer else None)
    if error is None:
        return answer.get("result")
    raise _refusal(answer.get("status", 0), error)


def _refusal(status: int, error: Mapping[str, Any]) -> ExchangeError:
    code, reason = int(error.get("code", 0)), str(error.get("msg", ""))
    if status in _TOO_MANY:
        data = error.get("data") or {}
        wait = (data.get("retryAfter", 0) - data.get("serverTime", 0)) / 1000
        return RateLimited(reason, retry_after=max(0.0, wait))
    if status >= _SERVER_ERROR:
        return Unreachable(f"{reason} ({code})")
    return Rejected(code, reason)
