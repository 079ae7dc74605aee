"""The only module that reads time."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime


class SystemClock:
    """The machine's clock: `now` may jump with the wall clock, `monotonic` never does."""

    def now(self) -> datetime:
        """The wall clock, aware, UTC."""
        return datetime.now(UTC)

    def milliseconds(self) -> int:
        """The wall clock in integer ms UTC."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds that only ever grow, for measuring how long something took."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after this many seconds."""
        await asyncio.sleep(seconds)


class FastClock:
    """A clock that ran with the machine's until `origin`, and since then `speed` times as fast.

    For proofs against an exchange whose time runs fast too: two processes with one origin (ms UTC)
    agree. What takes real time (sockets, disk) takes `speed` times as long by it.
    """

    def __init__(self, speed: float, *, origin: int) -> None:
        self._speed = speed
        self._origin = origin
        passed = time.time_ns() / 1_000_000 - origin
        self._began = time.monotonic() - passed / 1_000

    def now(self) -> datetime:
        """The fast wall clock, aware, UTC."""
        return datetime.fromtimestamp(self.milliseconds() / 1000, UTC)

    def milliseconds(self) -> int:
        """The fast wall clock in integer ms UTC."""
        return self._origin + round(self.monotonic() * 1000)

    def monotonic(self) -> float:
        """Fast seconds since the origin."""
        return (time.monotonic() - self._began) * self._speed

    async def sleep(self, seconds: float) -> None:
        """Return after this many fast seconds."""
        await asyncio.sleep(seconds / self._speed)
