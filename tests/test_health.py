"""Each part says whether it is well, and why not."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest

from trading_system.domain.errors import StorageError
from trading_system.domain.instruments import Symbol
from trading_system.domain.venues import BreakerStatus, LimitUse, StreamStatus
from trading_system.exchange.gateway import VenueStatus
from trading_system.health import Health
from trading_system.market.heartbeat import HeartbeatStatistics
from trading_system.ports import Beat


@dataclass(eq=False)
class FakeGateway:
    status: VenueStatus
    offset_ms: int = 0
    round_trip_ms: float | None = 7.0
    banned_until: datetime | None = None

    def breakers(self):
        return (BreakerStatus(group="market data", state="closed", failures=0, opened=0),)

    def limits(self):
        return (LimitUse(kind="weight", seconds=60, limit=6000, used=42),)


@dataclass(eq=False)
class FakeVenue:
    gateway: FakeGateway


class FakeLive:
    def figures(self):
        return {"books": 1, "oldest_price_ms": None}


class FakeStreams:
    def __init__(self, since) -> None:
        self.state = "connected"
        self._since = since

    def status(self):
        return [
            StreamStatus(
                role="monitoring 2",
                state=self.state,
                since=self._since,
                url="ws://127.0.0.1",
                connects=1,
                messages=9,
                dropped=2,
                last_message_age_ms=5,
                lag_ms=3.5,
                detail="" if self.state == "connected" else "no route",
            )
        ]


@dataclass
class FakeHeartbeat:
    statistics: HeartbeatStatistics


class FakeStops:
    def __init__(self) -> None:
        self.given_up = []
        self.error = None

    async def failed(self):
        if self.error:
            raise self.error
        return self.given_up


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
def streams(clock):
    return FakeStreams(clock.now())


@pytest.fixture
def stops():
    return FakeStops()


@pytest.fixture
def ask(clock, heartbeat, stops, database):
    """Health over these venues and their streams."""

    def build(venues):
        return Health(
            clock=clock,
            venues=venues,
            live=FakeLive(),
            heartbeat=heartbeat,
            stops=stops,
            database=database,
        )

    return build


@pytest.fixture
def health(ask, gateway, streams):
    return ask({FakeVenue(gateway): (streams,)})


async def test_all_is_well(health):
    report = await health.report()
    assert set(report) == {"venue", "clock", "streams", "heartbeat", "stops", "database"}
    assert all(part.ok for part in report.values())


async def test_a_position_that_a_stop_gave_up_on_is_told_until_somebody_has_looked(health, stops):
    gone = SimpleNamespace(symbol=Symbol("BTC", "USDT"), reason="not supported")
    stops.given_up = [gone]
    part = (await health.report())["stops"]
    assert (part.ok, part.detail) == (False, "BTC/USDT is unguarded: not supported")
    assert part.figures == {"gave_up": 1}


async def test_stops_that_cannot_be_read_are_not_taken_for_well(health, stops):
    stops.error = StorageError("disk full")
    part = (await health.report())["stops"]
    assert (part.ok, part.detail) == (False, "disk full")


async def test_a_venue_that_does_not_answer_says_why(health, gateway):
    gateway.status = replace(gateway.status, reachable=False, detail="no route")
    part = (await health.report())["venue"]
    assert (part.ok, part.detail) == (False, "no route")


async def test_a_ban_is_told_with_its_end(health, gateway, clock):
    gateway.banned_until = clock.now()
    part = (await health.report())["venue"]
    assert part.figures["banned_until"] == clock.now().isoformat()


async def test_a_lost_stream_is_told_but_nobody_is_ill_of_it(health, streams):
    """Candles and orders are right without any stream, only later."""
    assert (await health.report())["streams"].detail == ""
    streams.state = "lost"
    part = (await health.report())["streams"]
    assert (part.ok, part.detail) == (True, "monitoring 2: lost no route")
    assert part.figures == {"monitoring 2": "lost", "books": 1, "oldest_price_ms": None}


async def test_streams_that_are_switched_off_say_so(ask, gateway):
    assert (await ask({FakeVenue(gateway): ()}).report())["streams"].detail == "switched off"


async def test_prices_from_elsewhere_have_a_line_of_their_own(ask, gateway):
    other = FakeGateway(replace(gateway.status, reachable=False, detail="down"))
    report = await ask({FakeVenue(gateway): (), FakeVenue(other): ()}).report()
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
    assert gauges["breaker_market_data_closed"] == 1
    assert gauges["breaker_market_data_opened"] == 0
    assert gauges["limit_weight_60s_used"] == 42
    assert gauges["live_books"] == 1
    assert "live_oldest_price_ms" not in gauges
    assert gauges["stream_monitoring_2_up"] == 1
    assert gauges["stream_monitoring_2_messages"] == 9
    assert gauges["stream_monitoring_2_dropped"] == 2
    assert gauges["stream_monitoring_2_lag_ms"] == 3.5


def test_a_venue_for_prices_alone_has_numbers_of_its_own(ask, gateway):
    class OpenedGateway(FakeGateway):
        def breakers(self):
            return (BreakerStatus(group="market data", state="open", failures=5, opened=2),)

        def limits(self):
            return (LimitUse(kind="weight", seconds=60, limit=6000, used=7),)

    status = replace(gateway.status, reachable=False)
    data = OpenedGateway(status, offset_ms=3)
    health = ask({FakeVenue(gateway): (), FakeVenue(data): ()})
    gauges = {name: value for name, (_, value) in health.gauges().items()}
    assert (gauges["venue_reachable"], gauges["data_venue_reachable"]) == (1, 0)
    assert (gauges["clock_offset_ms"], gauges["data_clock_offset_ms"]) == (0, 3)
    assert gauges["breaker_market_data_closed"] == 1
    assert gauges["data_breaker_market_data_closed"] == 0
    assert gauges["data_breaker_market_data_opened"] == 2
    assert (gauges["limit_weight_60s_used"], gauges["data_limit_weight_60s_used"]) == (42, 7)


def test_one_venue_is_told_once(health):
    assert not any(name.startswith("data_") for name in health.gauges())
