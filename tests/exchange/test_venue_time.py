"""The venue's clock: measured, and steady while ours is not."""

from __future__ import annotations

import pytest

from trading_system.exchange.venue_time import VenueTime


@pytest.fixture
def time(clock):
    return VenueTime(clock)


async def test_before_it_is_measured_it_is_ours(time, clock):
    await clock.advance(5)
    assert time.milliseconds() == clock.milliseconds()
    assert time.round_trip_ms is None
    assert time.uncertainty_ms == 500


async def test_half_the_round_trip_back_the_venue_read_its_clock(time, clock):
    sent = clock.monotonic()
    await clock.advance(0.2)
    time.measured(clock.milliseconds() + 900, sent=sent, received=clock.monotonic())
    assert time.offset_ms == 1_000
    assert time.round_trip_ms == pytest.approx(200)
    assert time.uncertainty_ms == 300


async def test_a_jump_of_our_clock_moves_it_not_but_is_noticed(time, clock):
    before = time.milliseconds()
    clock.jump(0.2)
    assert not time.jumped, "clocks are set a little all the time"
    clock.jump(3_600)
    assert time.jumped
    assert time.milliseconds() == before
    assert time.offset_ms == -3_600_200
    time.measured(before, sent=clock.monotonic(), received=clock.monotonic())
    assert not time.jumped
