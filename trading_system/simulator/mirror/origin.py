"""Public questions to the exchange that is mirrored, within a bounded part of what it allows.

Its own count, told with every answer, is what is believed: others on this machine use it as well.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import aiohttp

from trading_system.simulator.calls import WEIGHT, Away, Told
from trading_system.simulator.limits import TooMuch

_log = logging.getLogger(__name__)

GARBLED = (ValueError, KeyError, TypeError, ArithmeticError)
"""What reading something raises that is not as documented."""

SHARE = 0.95
"""Of the weight it allows in a minute; the rest is left to others."""

_MINUTE = 60_000
_SECOND = 1_000
_TOO_MANY = {418, 429}
_PATIENCE = aiohttp.ClientTimeout(total=10.0)


class Origin:
    """Asked by path and query; `clock` tells ms UTC, `most` is the weight it allows in a minute."""

    def __init__(
        self,
        root: str,
        http: aiohttp.ClientSession,
        *,
        clock: Callable[[], int],
        most: int = 6_000,
    ) -> None:
        self.root = root
        self.most = most
        self.asked = 0
        """How many questions were sent."""
        self._http = http
        self._clock = clock
        self._minute = -1
        self._used = 0
        self._not_before = 0
        self._is_away = False

    @property
    def used(self) -> int:
        """The weight used in this minute, by everybody on this address as far as it was told."""
        minute = self._clock() // _MINUTE
        if minute != self._minute:
            self._minute, self._used = minute, 0
        return self._used

    async def told(self, path: str, query: str = "", *, weight: int) -> Told:
        """Its answer, whatever that is; TooMuch where asking could be too much, Away without one.

        `query` is sent as it is given.
        """
        self._refuse_too_much(weight)
        self._used = self.used + weight
        self.asked += 1
        url = f"{self.root}{path}" + (f"?{query}" if query else "")
        try:
            async with self._http.get(url, timeout=_PATIENCE) as answer:
                told = Told(
                    answer.status,
                    await answer.read(),
                    int(answer.headers.get("Retry-After") or 0),
                )
                used = answer.headers.get(WEIGHT, "")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as lost:
            if not self._is_away:
                _log.warning("%s does not answer: %s", self.root, lost or type(lost).__name__)
            self._is_away = True
            raise Away from lost
        if self._is_away:
            _log.warning("%s answers again", self.root)
        self._is_away = False
        if used.isdecimal():
            self._used = max(self.used, int(used))
        if told.status in _TOO_MANY:
            self._not_before = self._clock() + max(told.retry_after, 1) * _SECOND
        return told

    async def ask(self, path: str, query: str = "", *, weight: int) -> Any:
        """What it says, read; Refused where it refuses, Away for anything that is no answer."""
        return (await self.told(path, query, weight=weight)).result()

    async def listing(self) -> Any:
        """Its exchangeInfo, which is large: read outside of the event loop."""
        told = await self.told("/api/v3/exchangeInfo", "permissions=SPOT", weight=20)
        info: Any = await asyncio.to_thread(told.result)
        try:
            for limit in info["rateLimits"]:
                if (limit["rateLimitType"], limit["interval"]) == ("REQUEST_WEIGHT", "MINUTE"):
                    self.most = limit["limit"] // limit["intervalNum"]
        except GARBLED as garbled:
            raise Away from garbled
        return info

    def _refuse_too_much(self, weight: int) -> None:
        now = self._clock()
        until = self._not_before
        if self.used + weight > SHARE * self.most:
            until = max(until, (now // _MINUTE + 1) * _MINUTE)
        if now < until:
            raise TooMuch(
                -1003,
                f"Too much request weight used; current limit is {self.most} request weight per "
                "1 MINUTE. Please use WebSocket Streams for live updates to avoid polling the API.",
                status=429,
                retry_after=-(-(until - now) // _SECOND),
            )
