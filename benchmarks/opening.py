"""A system on a temporary database, for a benchmark."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvloop
from pydantic import SecretStr

from benchmarks.venue import Venue
from trading_system import logs
from trading_system.clock import SystemClock
from trading_system.config import Settings
from trading_system.execution.steps import OnStep, ignore
from trading_system.system import System, opened


@asynccontextmanager
async def system_on(
    venue: Venue, on_step: OnStep = ignore, **settings: object
) -> AsyncIterator[System]:
    """The real system against this venue; nothing runs by itself."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Settings(
            _env_file=None,
            venue=venue.url,
            binance_api_key=SecretStr(venue.api_key),
            binance_secret_key=SecretStr(venue.secret),
            db_path=Path(folder) / "bench.db",
            budget_dir=Path(folder),
            **settings,
        )
        async with opened(wanted, SystemClock(), on_step=on_step) as system:
            yield system


def run(main):
    """On the loop the program itself uses."""
    logs.configure(level="WARNING", json=False, folder=None)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)
