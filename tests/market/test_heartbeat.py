from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from tests.fakes.market import BTC, ETH
from trading_system.domain.errors import StorageError, Unreachable
from trading_system.market.fetcher import Collected
from trading_system.market.heartbeat import HeartbeatScheduler

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NOTHING = Collected(stored=0, failed={}, candles={})


def at(minutes, seconds=0.0):
    """This long after noon."""
    return NOON + timedelta(minutes=minutes, seconds=seconds)


class Collector:
    """Notes when it was called; then takes `lasts` seconds, waits, fails or returns as told."""

    def __init__(self, clock) -> None:
        self.clock = clock
        self.minutes = []
        self.started = []
        self.at_once = 0
        self.lasts = 0.0
        self.outcomes = []
        self.finished = 0

    async def __call__(self, minute):
        assert self.at_once == 0
        self.at_once += 1
        self.minutes.append(minute)
        self.started.append(self.clock.now())
        try:
            if self.lasts:
                await self.clock.sleep(self.lasts)
            outcome = self.outcomes.pop(0) if self.outcomes else NOTHING
            if isinstance(outcome, Exception):
                raise outcome
        finally:
            self.at_once -= 1
        self.finished += 1
        return outcome


@pytest.fixture
def collect(clock):
    return Collector(clock)


@pytest.fixture
def told():
    """Every beat the observer was told of."""
    return []


@pytest.fixture
async def heartbeat(clock, beats, collect, told):
    """Running since 12:00:30 with five seconds of buffer."""
    scheduler = HeartbeatScheduler(
        clock=clock, beats=beats, collect=collect, buffer_seconds=5, on_beat=told.append
    )
    running = asyncio.create_task(scheduler.run())
    scheduler.running = running
    await clock.advance(0)
    yield scheduler
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_late_start_waits_for_the_next_minute_and_its_buffer(heartbeat, clock, collect):
    await clock.advance(34.999)
    assert collect.minutes == []
    await clock.advance(0.001)
    assert (collect.minutes, collect.started) == ([at(1)], [at(1, 5)])


async def test_a_start_inside_the_buffer_still_beats_for_that_minute(clock, beats, collect):
    clock.jump(32)
    scheduler = HeartbeatScheduler(clock=clock, beats=beats, collect=collect, buffer_seconds=5)
    running = asyncio.create_task(scheduler.run())
    await clock.advance(3)
    scheduler.stop()
    await running
    assert (collect.minutes, collect.started) == ([at(1)], [at(1, 5)])


async def test_beats_do_not_drift_however_long_each_takes(heartbeat, clock, collect):
    collect.lasts = 7.3
    await clock.advance(30 * 60)
    assert collect.started == [at(minute, 5) for minute in range(1, 31)]
    assert heartbeat.statistics.skipped == 0
    assert heartbeat.statistics.max_late_seconds == 0


async def test_a_clock_that_oversleeps_makes_beats_late_but_never_later(
    heartbeat, clock, collect, monkeypatch
):
    sleep = clock.sleep
    monkeypatch.setattr(clock, "sleep", lambda seconds: sleep(seconds + 0.25))
    await clock.advance(20 * 60)
    assert len(collect.started) == 20
    assert all(
        timedelta(0) <= started - minute - timedelta(seconds=5) <= timedelta(seconds=0.25)
        for minute, started in zip(collect.minutes, collect.started, strict=True)
    )


@pytest.mark.parametrize(
    ("lasts", "next_minute", "skipped"),
    [(59, 2, 0), (60, 2, 0), (61, 3, 1), (100, 3, 1), (200, 5, 3)],
)
async def test_a_beat_that_overruns_skips_to_the_next_boundary(
    heartbeat, clock, collect, lasts, next_minute, skipped
):
    collect.lasts = lasts
    with capture_logs() as logs:
        await clock.advance(35 + 300)
    assert collect.minutes[:2] == [at(1), at(next_minute)]
    assert collect.started[1] == at(next_minute, 5)
    warnings = [line["skipped"] for line in logs if "ran over" in line["event"]]
    assert warnings[:1] == ([skipped] if skipped else [])
    assert heartbeat.statistics.skipped == sum(warnings)


async def test_a_jump_ahead_is_caught_up_with_one_beat_at_once(heartbeat, clock, collect):
    await clock.advance(40)
    clock.jump(3600)
    await clock.advance(1)
    assert collect.minutes == [at(1), at(61)]
    assert at(61, 10) <= collect.started[1] <= at(61, 12)
    assert heartbeat.statistics.skipped == 59
    await clock.advance(60)
    assert collect.started[2:] == [at(62, 5)]


async def test_waking_from_sleep_just_before_a_beat_keeps_to_the_boundary(
    heartbeat, clock, collect
):
    await clock.advance(40)
    clock.jump(3600 + 51)
    await clock.advance(1)
    assert collect.minutes == [at(1), at(61)]
    await clock.advance(5)
    assert collect.minutes == [at(1), at(61), at(62)]
    assert collect.started[2] == at(62, 5)


async def test_a_jump_back_realigns_without_a_burst(heartbeat, clock, collect):
    await clock.advance(40)
    clock.jump(-3600)
    with capture_logs() as logs:
        await clock.advance(180)
    assert collect.started == [at(1, 5), at(-58, 5), at(-57, 5), at(-56, 5)]
    assert [line["event"] for line in logs].count("the clock was set back") == 1


@pytest.mark.parametrize("back", [0.004, 1, 30, 55])
async def test_a_small_correction_back_does_not_beat_for_the_same_minute_again(
    heartbeat, clock, collect, back
):
    await clock.advance(36)
    clock.jump(-back)
    await clock.advance(60 + back)
    assert collect.minutes == [at(1), at(2)]
    assert at(2, 5) <= collect.started[1] < at(2, 5.002)


async def test_a_jump_ahead_during_a_beat_goes_on_at_the_next_boundary(heartbeat, clock, collect):
    collect.lasts = 10
    await clock.advance(36)
    clock.jump(3600)
    await clock.advance(90)
    assert collect.started == [at(1, 5), at(62, 5)]
    assert heartbeat.statistics.skipped == 60


async def test_each_beat_is_recorded_and_told(heartbeat, clock, collect, beats, told):
    collect.lasts = 2
    collect.outcomes = [Collected(stored=499, failed={BTC: "no answer"}, candles={})]
    await clock.advance(36)
    (begun,) = beats.rows
    assert (begun.due, begun.started, begun.ended) == (at(1, 5), at(1, 5), None)
    assert told == []
    await clock.advance(2)
    (ended,) = beats.rows
    assert (ended.ended, ended.stored, ended.failed, ended.error) == (at(1, 7), 499, 1, None)
    assert told == [ended]


@pytest.mark.parametrize(
    ("outcome", "level", "told_as"),
    [
        (Collected(stored=2, failed={}, candles={}), "info", None),
        (Collected(stored=1, failed={BTC: "gone"}, candles={}), "warning", "1 symbols: gone"),
        (
            Collected(stored=0, failed={BTC: "x", ETH: "x"}, candles={}, error="all"),
            "warning",
            "all",
        ),
        (Unreachable("no answer"), "warning", "no answer"),
    ],
)
async def test_each_beat_is_one_line_in_the_log(heartbeat, clock, collect, outcome, level, told_as):
    collect.outcomes = [outcome]
    with capture_logs() as logs:
        await clock.advance(40)
    (line,) = logs
    assert (line["event"], line["log_level"], line.get("reason")) == ("beat", level, told_as)
    assert line["due"] == "2026-01-01T12:01:05+00:00"
    assert {"late_ms", "took_ms", "stored", "failed"} <= line.keys()


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (Unreachable("no answer"), "no answer"),
        (StorageError("disk full"), "disk full"),
        (ZeroDivisionError("a bug"), "ZeroDivisionError('a bug')"),
    ],
)
async def test_a_failed_collect_is_recorded_and_beats_go_on(
    heartbeat, clock, collect, beats, failure, error
):
    collect.outcomes = [failure]
    await clock.advance(120)
    assert [beat.error for beat in beats.rows] == [error, None]
    assert all(beat.ended for beat in beats.rows)
    assert (heartbeat.statistics.beats, heartbeat.statistics.failed) == (2, 1)


async def test_a_bug_is_logged_with_its_traceback(heartbeat, clock, collect):
    collect.outcomes = [ZeroDivisionError("a bug")]
    with capture_logs() as logs:
        await clock.advance(40)
    assert [line["event"] for line in logs] == ["the beat met a bug", "beat"]
    assert logs[0]["exc_info"]


@pytest.mark.parametrize("failure", [StorageError("disk full"), TypeError("a bug")])
async def test_a_record_that_cannot_begin_fails_the_beat_not_the_heart(
    heartbeat, clock, collect, beats, failure
):
    beats.failures = [failure]
    await clock.advance(120)
    assert collect.minutes == [at(2)]
    assert heartbeat.statistics.failed == 1


@pytest.mark.parametrize("failure", [StorageError("disk full"), TypeError("a bug")])
async def test_a_record_that_cannot_end_leaves_the_heart_beating(
    heartbeat, clock, collect, beats, failure
):
    await clock.advance(30)
    collect.lasts = 2
    await clock.advance(6)
    beats.failures = [failure]
    await clock.advance(64)
    assert collect.minutes == [at(1), at(2)]
    assert [beat.ended is None for beat in beats.rows] == [True, False]


async def test_an_observer_that_fails_is_logged_and_beats_go_on(clock, beats, collect):
    def observe(_):
        raise ValueError("observer")

    scheduler = HeartbeatScheduler(
        clock=clock, beats=beats, collect=collect, buffer_seconds=5, on_beat=observe
    )
    running = asyncio.create_task(scheduler.run())
    with capture_logs() as logs:
        await clock.advance(120)
    scheduler.stop()
    await running
    assert len(collect.minutes) == 2
    assert [line["event"] for line in logs].count("observer failed") == 2


async def test_statistics_tell_how_it_went(heartbeat, clock, collect, told):
    collect.lasts = 1
    await clock.advance(35 + 10)
    now = heartbeat.statistics
    assert (now.beats, now.failed, now.skipped) == (1, 0, 0)
    assert (now.started_at, now.next_due, now.last_beat) == (at(0, 30), at(2, 5), told[0])
    assert now.uptime_seconds == 45


async def test_lateness_is_measured_from_the_due_time(heartbeat, clock):
    await clock.advance(34.5)
    clock.jump(20)
    await clock.advance(2)
    assert 19 <= heartbeat.statistics.last_late_seconds <= 20.5
    await clock.advance(60)
    assert heartbeat.statistics.last_late_seconds == 0
    assert heartbeat.statistics.max_late_seconds >= 19


def test_before_the_start_there_are_no_figures(clock, beats, collect):
    idle = HeartbeatScheduler(clock=clock, beats=beats, collect=collect, buffer_seconds=5)
    assert idle.statistics.started_at is None
    assert idle.statistics.uptime_seconds == 0


async def test_stopping_between_beats_is_immediate(heartbeat, clock):
    heartbeat.stop()
    await clock.advance(0)
    assert heartbeat.running.done()
    await heartbeat.running


async def test_stopping_lets_the_running_beat_finish_and_begins_no_other(
    heartbeat, clock, collect, beats
):
    collect.lasts = 2
    await clock.advance(36)
    heartbeat.stop()
    await clock.advance(0.5)
    assert not heartbeat.running.done()
    await clock.advance(1)
    await heartbeat.running
    assert (collect.finished, beats.rows[0].ended) == (1, at(1, 7))


async def test_a_beat_that_outlasts_the_grace_is_cut_short_and_has_no_end(
    heartbeat, clock, collect, beats
):
    collect.lasts = 1000
    await clock.advance(36)
    heartbeat.stop()
    await clock.advance(2.9)
    assert not heartbeat.running.done()
    await clock.advance(0.1)
    await heartbeat.running
    assert collect.finished == collect.at_once == 0
    assert beats.rows[0].ended is None


async def test_cancelling_ends_the_running_beat_too(heartbeat, clock, collect):
    collect.lasts = 1000
    await clock.advance(36)
    heartbeat.running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await heartbeat.running
    assert collect.at_once == 0


async def test_what_breaks_the_scheduler_itself_is_raised(heartbeat, clock, monkeypatch):
    def broken():
        raise OSError("no clock")

    monkeypatch.setattr(clock, "milliseconds", broken)
    await clock.advance(1)
    with pytest.raises(OSError, match="no clock"):
        await heartbeat.running
