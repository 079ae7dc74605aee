"""An event loop for tests on machines that are slow, or busy with something else.

A process that gets no turn for some seconds finds all its timeouts run out at once, of whatever it
was about to do in time. So this loop's time goes on in steps, one for each time it came round, and
a step is never long: who falls behind has more time, not less. How long a computation takes cannot
be seen by it; tests that care look at the machine's clock.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

_TICK = 0.002
"""How often the loop looks at the machine's clock where it has nothing to do, seconds."""
_STEP = 0.004
"""What passes between two looks at most, seconds."""


class SteadyLoop(asyncio.SelectorEventLoop):
    """Its time is the machine's as long as it keeps up with it, and stands still otherwise."""

    def __init__(self) -> None:
        self._looked = self._told = time.monotonic()
        super().__init__()
        self._tick()

    def time(self) -> float:
        return self._told + min(time.monotonic() - self._looked, _STEP)

    def _tick(self) -> None:
        self._told = self.time()
        self._looked = time.monotonic()
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
