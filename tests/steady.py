"""An event loop for tests on machines that are slow, or busy with something else.

A process that gets no turn for some seconds finds all its timeouts run out at once, of whatever it
was about to do in time. For this loop the longer it takes to come round, the less of that counts:
who falls behind has more time, not less. How long a computation takes cannot be seen by it; tests
that care look at the machine's clock.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from math import log

_TICK = 0.002
"""How often the loop looks at the machine's clock where it has nothing to do, seconds."""
_IN_FULL = 0.004
"""As much of the time between two looks counts in full, seconds."""


class SteadyLoop(asyncio.SelectorEventLoop):
    """Its time is the machine's as long as it keeps up with it, and goes slowly otherwise."""

    def __init__(self) -> None:
        self._looked = self._told = time.monotonic()
        super().__init__()
        self._tick()

    def time(self) -> float:
        return self._told + counted(time.monotonic() - self._looked)

    def _tick(self) -> None:
        now = time.monotonic()
        self._told += counted(now - self._looked)
        self._looked = now
        self.call_later(_TICK, self._tick)


def counted(seconds: float) -> float:
    """What counts of them: of 10 ms 8, of 100 ms 17, of ten seconds 35."""
    return seconds if seconds <= _IN_FULL else _IN_FULL * (1 + log(seconds / _IN_FULL))


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
