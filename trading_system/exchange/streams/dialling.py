"""Opening connections: as often as needed, never as often as the venue would mind.

The venue allows 300 attempts in five minutes and address; there may be other programs behind ours.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Self

import structlog

from trading_system.domain.errors import ExchangeError, RateLimited, Rejected
from trading_system.exchange.streams.supervision import Connection, Timing
from trading_system.exchange.streams.websocket import open_session
from trading_system.ports import Clock
from trading_system.resilience.retry import Backoff, RetryPolicy

log = structlog.get_logger(__name__)

_WINDOW = 300.0
_MOST_DIALS = 100


class Redial:
    """Pauses between dials: none after a connection that lasted, growing ones after others."""

    def __init__(self, retry: RetryPolicy) -> None:
        self._backoff = Backoff(retry)
        self._at_once = True

    def pause(self) -> float:
        """Seconds to wait before the next dial."""
        if self._at_once:
            self._at_once = False
            return 0.0
        return self._backoff.next()

    def reset(self) -> None:
        """The last connection lasted."""
        self._at_once = True
        self._backoff.reset()


class Dialler:
    """Opens connections to one venue; when its block ends, those that are still open are closed.

    `address` is asked before each dial where the URL is to be had first, or has its price.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Clock,
        timing: Timing,
        address: Callable[[], Awaitable[str]] | None = None,
    ) -> None:
        self._url = url
        self._address = address
        self._clock = clock
        self._timing = timing
        self._dials: deque[float] = deque()
        self._open: set[Connection] = set()

    async def __aenter__(self) -> Self:
        self._session = open_session(self._url)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(connection.close() for connection in self._open))
        await self._session.close()

    async def once(self, on_frame: Callable[[Any], None]) -> Connection:
        """One attempt. Raises Unreachable, RateLimited, and what `address` raises."""
        url = self._url if self._address is None else await self._address()
        await self._permission()
        connection = Connection(url, clock=self._clock, timing=self._timing, on_frame=on_frame)
        await connection.open(self._session)
        self._open.add(connection)
        connection.ended.add_done_callback(lambda _: self._open.discard(connection))
        return connection

    async def dial(
        self, on_frame: Callable[[Any], None], backoff: Redial, tell: Callable[[str], None]
    ) -> Connection:
        """Attempts until one succeeds; `tell` hears why the others did not. Raises Rejected."""
        wait = backoff.pause()
        while True:
            await self._clock.sleep(wait)
            try:
                return await self.once(on_frame)
            except Rejected:
                raise  # it would be again
            except ExchangeError as error:
                tell(str(error))
                wait = backoff.pause()
                if isinstance(error, RateLimited):
                    wait = max(wait, error.retry_after)

    async def _permission(self) -> None:
        """Wait until one more dial fits into the last five minutes."""
        while len(self._dials) >= _MOST_DIALS:
            wait = self._dials[0] + _WINDOW - self._clock.monotonic()
            if wait > 0:
                log.warning("too many connections were opened", wait=round(wait))
                await self._clock.sleep(wait)
            self._dials.popleft()
        self._dials.append(self._clock.monotonic())
