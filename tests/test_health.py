"""Each part says whether it is well, and why not."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from trading_system.domain.errors import StorageError
from trading_system.exchange.gateway import VenueStatus
from trading_system.health import Health
from trading_system.market.heartbeat import HeartbeatStatistics
from trading_system.ports import Beat


@dataclass(eq=False)
class FakeGateway:
    status: VenueStatus
    offset_ms: int = 0


@dataclass
class FakeHeartbeat:
    statistics: HeartbeatStatistics


class FakeDatabase:
    def __init__(self) -> None:
        self.error = None

    @asynccontextmanager
    async def reading(self):
        if self.error:
            raise self.error
        yield self

    async def execute_fetchall(self, _query):
        return [(1,)]


@pytest.fixture
def gateway(clock):
    return FakeGateway(VenueStatus(reachable=True, since=clock.now(), detail=""))


@pytest.fixture
def heartbeat(clock):
    now = clock.now()
    beat = Beat(due=now, started=now, ended=now)
    return FakeHeartbeat(
        HeartbeatStatistics(beats=3, last_beat=beat, next_due=now + timedelta(seconds=35))
    )


@pytest.fixture
def database():
    return FakeDatabase()


@pytest.fixture
def health(clock, gateway, heartbeat, database):
    return Health(
        clock=clock, gateway=gateway, data_gateway=gateway, heartbeat=heartbeat, database=database
    )


async def test_all_is_well(health):
    report = await health.report()
    assert set(report) == {"venue", "clock", "heartbeat", "database"}
    assert all(part.ok for part in report.values())


async def test_a_venue_that_does_not_answer_says_why(health, gateway):
    gateway.status = replace(gateway.status, reachable=False, detail="no route")
    part = (await health.report())["venue"]
    assert (part.ok, part.detail) == (False, "no route")


async def test_prices_from_elsewhere_have_a_line_of_their_own(clock, gateway, heartbeat, database):
    other = FakeGateway(replace(gateway.status, reachable=False, detail="down"))
    health = Health(
        clock=clock, gateway=gateway, data_gateway=other, heartbeat=heartbeat, database=database
    )
    report = await health.report()
    assert (report["venue"].ok, report["data_venue"].ok) == (True, False)


async def test_a_clock_that_is_off_is_told_and_corrected_for(health, gateway):
    gateway.offset_ms = -5_000
    part = (await health.report())["clock"]
    assert part.ok
    assert "corrected" in part.detail
    assert part.figures["offset_ms"] == -5_000


async def test_a_heart_that_has_not_begun_is_not_well(health, heartbeat):
    heartbeat.statistics = HeartbeatStatistics()
    part = (await health.report())["heartbeat"]
    assert (part.ok, part.detail) == (False, "not started")


async def test_a_beat_a_minute_overdue_is_not_coming(health, clock):
    await clock.advance(35 + 61)
    part = (await health.report())["heartbeat"]
    assert (part.ok, part.detail) == (False, "overdue by 61 s")


async def test_a_beat_that_failed_says_why(health, heartbeat):
    failed = replace(heartbeat.statistics.last_beat, error="all symbols failed")
    heartbeat.statistics = replace(heartbeat.statistics, last_beat=failed)
    part = (await health.report())["heartbeat"]
    assert (part.ok, part.detail) == (False, "all symbols failed")


async def test_a_database_that_cannot_be_read_says_why(health, database):
    database.error = StorageError("disk is full")
    part = (await health.report())["database"]
    assert (part.ok, part.detail) == (False, "disk is full")


def test_the_same_is_told_in_numbers(health, gateway):
    gauges = {name: value for name, (_, value) in health.gauges().items()}
    assert gauges["venue_reachable"] == 1
    assert gauges["beats"] == 3
