"""A whole system and an exchange that share a clock faster than the machine's.

It begins at the same moment every time, so that the exchange's market does as well.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from tests.steady import FastClock
from trading_system.config import Settings
from trading_system.simulator.server import RunningSimulator, SimulatorOptions, serve
from trading_system.system import System, opened

BEGIN = datetime(2026, 1, 4, 15, 54, 20, tzinfo=UTC)
"""BTC falls for the next quarter of an hour: a bid is met before long."""
PATIENCE = 60.0  # real seconds


@pytest.fixture(autouse=True)
def unmeasured():
    """Coverage of the parts is for their own tests to show: here it would take half of the time."""
    tracer = sys.gettrace()
    measures = type(tracer).__module__.partition(".")[0] == "coverage"
    if measures:
        sys.settrace(None)
    yield
    if measures:
        sys.settrace(tracer)


@dataclass(frozen=True)
class World:
    """A living system and the exchange it lives on."""

    system: System
    exchange: RunningSimulator
    clock: FastClock

    async def until(self, condition, what, patience=PATIENCE):
        """Wait for real work; time runs by itself."""
        try:
            async with asyncio.timeout(patience):
                while not await condition():  # noqa: ASYNC110 -- asks several parts
                    await asyncio.sleep(0.01)
        except TimeoutError:
            pytest.fail(f"waited in vain for {what}")


@pytest.fixture
def world(tmp_path):
    """Open one that runs so many times as fast, with these options of the exchange."""

    @asynccontextmanager
    async def running(speed, *, begin=BEGIN, settings=None, **options):
        clock = FastClock(speed, begin)
        async with AsyncExitStack() as stack:
            exchange = await stack.enter_async_context(
                serve(SimulatorOptions(speed=speed, clock=clock.milliseconds, **options))
            )
            usual = {
                "db_path": tmp_path / "faults.db",
                "budget_dir": tmp_path,
                "venue": exchange.url,
                "binance_api_key": exchange.api_key,
                "binance_secret_key": exchange.secret,
                "backfill_minutes": 10,
                "recv_window": 60_000,  # ms of a fast clock
            }
            wanted = Settings(_env_file=None, **usual | (settings or {}))
            system = await stack.enter_async_context(opened(wanted, clock))
            living = asyncio.ensure_future(system.run())
            try:
                here = World(system, exchange, clock)

                async def reconciled() -> bool:
                    return bool(await system.reconciliations.latest(1))

                await here.until(reconciled, "the first reconciliation")  # nothing trades before
                yield here
                assert not living.done(), "a part of the system has failed for good"
            finally:
                living.cancel()
                await asyncio.gather(living, return_exceptions=True)

    return running
