"""Shared by every test: a clock that only moves when told to, and how they are run."""

from __future__ import annotations

import asyncio
import gc
import heapq
import os
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, settings

from tests.steady import SteadyLoops

# The same examples every time, however long one takes; `--hypothesis-profile searching` looks on.
settings.register_profile("searching", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", settings.get_profile("searching"), derandomize=True)
settings.load_profile("same")

WAITING = {
    "faults/test_budget",
    "journeys/test_network_cut",
    "journeys/test_strategy_lives",
    "soak/test_endurance",
}


def pytest_configure() -> None:
    """No test fails because the machine was busy with something else."""
    asyncio.set_event_loop_policy(SteadyLoops())


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: some tests wait for a clock that is faster, but runs."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What mostly waits goes first, beside what computes: in the end all would wait for it."""
    items.sort(key=lambda item: f"{item.path.parent.name}/{item.path.stem}" not in WAITING)


def pytest_collection_finish() -> None:
    """What all the imports left stays to the end: the collector need not look at it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def unmeasured_processes(monkeypatch) -> None:
    """Leave programs that are killed out of the coverage: they may be writing it down just then."""
    for name in ("COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START"):
        monkeypatch.delenv(name, raising=False)


class ManualClock:
    """A Clock moved only by `advance` (sleepers wake in their order) and `jump` (wall alone)."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)) -> None:
        self._wall = start
        self._monotonic = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    def now(self) -> datetime:
        return self._wall

    def milliseconds(self) -> int:
        return round(self._wall.timestamp() * 1000)

    def monotonic(self) -> float:
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._monotonic + seconds, next(self._order), waiter))
        await waiter

    def jump(self, seconds: float) -> None:
        """Move the wall clock alone, as a time correction would."""
        self._wall += timedelta(seconds=seconds)

    async def advance(self, seconds: float) -> None:
        """Let this much time pass, waking sleepers one by one and letting them run."""
        end = self._monotonic + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            at, _, waiter = heapq.heappop(self._sleepers)
            self._move_to(at)
            if not waiter.done():
                waiter.set_result(None)
            await settle()
        self._move_to(end)
        await settle()

    def _move_to(self, monotonic: float) -> None:
        self._wall += timedelta(seconds=monotonic - self._monotonic)
        self._monotonic = monotonic


async def settle(turns: int = 50) -> None:
    """Give every ready task its turn."""
    for _ in range(turns):
        await asyncio.sleep(0)


@pytest.fixture
def clock() -> ManualClock:
    """Starts at 2026-01-01 12:00:30 UTC."""
    return ManualClock()
