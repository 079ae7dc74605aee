"""The whole system over loopback: real sockets, a real database, the real exchange simulator.

Only time is ours: the system and the exchange share a clock that moves when told to.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest

from trading_system.api.application import create_app
from trading_system.api.security import ApiOptions
from trading_system.api.server import bind, serve, url
from trading_system.config import Settings
from trading_system.simulator.server import SimulatorOptions
from trading_system.simulator.server import serve as serve_exchange
from trading_system.system import System, opened

PATIENCE = 60.0
LENT = 20.0  # seconds that pass at most while a disk is slow: minutes are counted


@dataclass
class Living:
    """A running system and a client of its API."""

    system: System
    http: httpx.AsyncClient
    clock: object

    async def until(self, condition: Callable, what: str):
        """Wait for real work (sockets, disk) to get there; time itself stands still."""
        async with asyncio.timeout(PATIENCE):
            while not (result := await condition()):  # noqa: ASYNC110 -- asks over HTTP
                await asyncio.sleep(0.005)
        assert result, what
        return result

    async def meanwhile(self, condition: Callable, what: str, *, step: float):
        """The same while time passes in steps, for what is tried again; but not for long."""
        left = LENT

        async def asked():
            nonlocal left
            if left > 0:
                left -= step
                await self.clock.advance(step)
            return await condition()

        return await self.until(asked, what)

    async def passing(self, call):
        """The answer of a call that waits for time to pass, as one that is tried again does."""
        answer = asyncio.ensure_future(call)

        async def answered() -> bool:
            await self.clock.advance(0.2)
            return answer.done()

        await self.until(answered, "answer")
        return await answer

    async def beats(self, count: int) -> None:
        """Let time pass until this many more beats are recorded."""
        for number in range(1, count + 1):
            wanted = self.system.heartbeat.statistics.beats + 1
            due = self.system.heartbeat.statistics.next_due
            await self.clock.advance((due - self.clock.now()).total_seconds())

            async def beaten(wanted: int = wanted) -> bool:
                return self.system.heartbeat.statistics.beats >= wanted

            await self.meanwhile(beaten, f"beat {number}", step=0.2)

    async def backfilled(self, job: str) -> dict:
        """The job once it is done."""

        async def done():
            found = (await self.http.get(f"/backfills/{job}")).json()
            return found if found["state"] in {"done", "failed"} else None

        return await self.meanwhile(done, "backfill", step=0.1)

    async def order(self, **fields) -> httpx.Response:
        return await self.http.post("/orders", json=fields)


@pytest.fixture(autouse=True)
def patient_goodbyes(monkeypatch):
    """A strategy's process that is measured writes down what it has seen, which takes a while."""
    monkeypatch.setattr("trading_system.trader.workers._GOODBYE_SECONDS", PATIENCE)


@pytest.fixture
def settings(tmp_path):
    """Settings of a fresh system; a journey adds where its venue is."""

    def build(**more):
        return Settings(
            _env_file=None,
            db_path=tmp_path / "journey.db",
            budget_dir=tmp_path,
            backfill_minutes=180,
            strategy_seconds=60,  # of the machine's, which may have much else to do
            **more,
        )

    return build


@pytest.fixture
def exchange(clock):
    """Start an exchange that reads the journey's clock."""

    def start(**options):
        return serve_exchange(SimulatorOptions(clock=clock.milliseconds, **options))

    return start


@pytest.fixture
def at(settings):
    """Settings that point at a running exchange."""

    def build(running, **more):
        return settings(
            venue=running.url,
            binance_api_key=running.api_key,
            binance_secret_key=running.secret,
            **more,
        )

    return build


@pytest.fixture
def live(clock):
    """Run a system, its server and all its tasks, for as long as the block lasts."""

    @asynccontextmanager
    async def running(wanted: Settings) -> AsyncIterator[Living]:
        async with AsyncExitStack() as stack:
            system = await stack.enter_async_context(opened(wanted, clock))
            options = ApiOptions(host="127.0.0.1", port=0, token=wanted.api_token)
            listener = bind(options)
            app = create_app(system, options)
            server = asyncio.create_task(
                serve(app, options, run=system.run, listener=listener), name="journey"
            )
            http = await stack.enter_async_context(
                httpx.AsyncClient(base_url=url(listener), timeout=PATIENCE)
            )
            try:
                yield Living(system, http, clock)
            finally:
                server.cancel()
                await asyncio.gather(server, return_exceptions=True)

    return running
