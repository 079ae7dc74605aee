"""How an account is heard of on spot: a signed request over the WebSocket API."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from trading_system.domain.errors import RateLimited, Rejected
from trading_system.exchange.faults import TIMESTAMP
from trading_system.exchange.streams.supervision import Connection

_WEIGHT = 2  # to connect, and to subscribe
_SUBSCRIBE = "userDataStream.subscribe.signature"


class SignedSubscription:
    """Access by signature.

    `sign` adds key and signature to parameters. `resynchronize` is asked for when the venue refuses
    our clock, `count` before what weighs there (it may make us wait), and `on_limited` hears of a
    refusal for having asked too much.
    """

    def __init__(
        self,
        url: str,
        *,
        venue_milliseconds: Callable[[], int],
        sign: Callable[[Mapping[str, object]], dict[str, object]],
        resynchronize: Callable[[], Awaitable[None]],
        count: Callable[[int], Awaitable[None]],
        on_limited: Callable[[RateLimited], None],
        recv_window: int = 5_000,
    ) -> None:
        self.url = url
        self._venue_milliseconds = venue_milliseconds
        self._sign = sign
        self._resynchronize = resynchronize
        self._count = count
        self._on_limited = on_limited
        self._recv_window = recv_window

    async def address(self) -> str:
        """Where to dial next. Raises RateLimited."""
        await self._count(_WEIGHT)
        return self.url

    async def enter(self, connection: Connection) -> None:
        """Subscribe over it. Raises ExchangeError."""
        try:
            await self._ask(connection)
        except Rejected as refused:
            if refused.code != TIMESTAMP:
                raise
            await self._resynchronize()
            await self._ask(connection)

    async def keep(self, on_lost: Callable[[str], None]) -> None:  # noqa: ARG002 -- it never is
        """Nothing to do: it lasts as long as its connection."""
        await asyncio.Event().wait()

    async def _ask(self, connection: Connection) -> None:
        await self._count(_WEIGHT)
        timestamp = self._venue_milliseconds()
        params = self._sign({"timestamp": timestamp, "recvWindow": self._recv_window})
        try:
            await connection.request(_SUBSCRIBE, params)
        except RateLimited as limited:
            self._on_limited(limited)
            raise
