"""An event loop for tests on machines that are busy with something else.

A process that gets no turn for some seconds finds all its timeouts run out at once, of whatever it
was about to do in time. So the time of this loop is what the process has worked or waited for:
while the machine keeps it from running, it stands still. What our own code takes counts in full.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

_TICK = 0.02
"""Nothing is waited for any longer without a look at the time, seconds."""
_SLACK = 0.05
"""So much more than it has worked may pass for a process between two looks, seconds."""


class SteadyLoop(asyncio.SelectorEventLoop):
    """Counts no more of the machine's time than the process has computed, and a little."""

    def __init__(self) -> None:
        self._told = self._real = time.monotonic()
        self._worked = time.process_time()
        super().__init__()
        self._tick()

    def time(self) -> float:
        real, worked = time.monotonic(), time.process_time()
        self._told += min(real - self._real, worked - self._worked + _SLACK)
        self._real, self._worked = real, worked
        return self._told

    def _tick(self) -> None:
        self.call_later(_TICK, self._tick)


class SteadyLoops(asyncio.DefaultEventLoopPolicy):
    """Has every loop of a test be one."""

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        return SteadyLoop()


class FastClock:
    """A Clock that runs, from `begin` on, so many times as fast as the loop's time."""

    def __init__(self, speed: float, begin: datetime) -> None:
        self._speed, self._begin = speed, begin
        self._time: Callable[[], float] = asyncio.get_running_loop().time
        self._began = self._time()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.milliseconds() / 1000, UTC)

    def milliseconds(self) -> int:
        return round((self._begin.timestamp() + self.monotonic()) * 1000)

    def monotonic(self) -> float:
        return (self._time() - self._began) * self._speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._speed)
