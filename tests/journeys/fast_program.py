"""The program on a clock that others share: `python -m tests.journeys.fast_program SPEED START`.

START is the machine's monotonic time, in seconds, at which the shared clock began.
"""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import UTC, datetime

from trading_system import logs
from trading_system.api.application import create_app
from trading_system.api.security import ApiOptions
from trading_system.api.server import serve
from trading_system.config import read_settings
from trading_system.system import opened

BEGIN = datetime(2026, 1, 4, 15, 54, 20, tzinfo=UTC)
"""The same moment every time, so that the exchange's market is the same as well."""


class SharedClock:
    """Runs so many times as fast as the machine's, and alike in every process that asks."""

    def __init__(self, speed: float, start: float) -> None:
        self._speed, self._start = speed, start

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.milliseconds() / 1000, UTC)

    def milliseconds(self) -> int:
        return round((BEGIN.timestamp() + self.monotonic()) * 1000)

    def monotonic(self) -> float:
        return (time.monotonic() - self._start) * self._speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._speed)


async def live(clock: SharedClock) -> int:
    settings = read_settings()
    logs.configure(level=settings.log_level, json=True, folder=None)
    options = ApiOptions(host=settings.api_host, port=settings.api_port, token=None)
    async with opened(settings, clock) as system:
        return await serve(create_app(system, options), options, run=system.run)


if __name__ == "__main__":
    speed, start = map(float, sys.argv[1:])
    sys.exit(asyncio.run(live(SharedClock(speed, start))))
