"""The program on a clock that runs fast: `python -m tests.journeys.fast_program SPEED ORIGIN`."""

from __future__ import annotations

import asyncio
import sys

from trading_system import logs
from trading_system.api.application import create_app
from trading_system.api.security import ApiOptions
from trading_system.api.server import serve
from trading_system.clock import FastClock
from trading_system.config import read_settings
from trading_system.system import opened


async def live(speed: float, origin: int) -> int:
    settings = read_settings()
    logs.configure(level=settings.log_level, json=True, folder=None)
    options = ApiOptions(host=settings.api_host, port=settings.api_port, token=None)
    async with opened(settings, FastClock(speed, origin=origin)) as system:
        return await serve(create_app(system, options), options, run=system.run)


if __name__ == "__main__":
    sys.exit(asyncio.run(live(float(sys.argv[1]), int(sys.argv[2]))))
