"""A fast clock is the machine's until its origin and runs ahead from there."""

from __future__ import annotations

import asyncio

from trading_system.clock import FastClock
from trading_system.simulator.options import milliseconds, running_at


def test_two_fast_clocks_with_one_origin_agree():
    """Made and read one after the other: a machine that stalls in between does so once."""
    origin = milliseconds() - 10_000

    def apart():
        ours, theirs = FastClock(60, origin=origin), running_at(60, origin=origin)
        return abs(ours.milliseconds() - theirs())

    assert min(apart() for _ in range(5)) <= 60 * 50


def test_a_fast_clock_tells_one_time():
    origin = milliseconds() - 10_000
    clock = FastClock(60, origin=origin)
    before, told, after = clock.milliseconds(), clock.now(), clock.milliseconds()
    assert origin + 60 * 10_000 <= before <= round(told.timestamp() * 1000) <= after


async def test_a_fast_clock_sleeps_as_much_shorter_as_it_is_faster():
    clock, loop = FastClock(1_000, origin=milliseconds()), asyncio.get_running_loop()
    started, before = loop.time(), clock.monotonic()
    await clock.sleep(10)
    assert clock.monotonic() - before >= 10
    assert loop.time() - started < 5


def test_a_clock_at_usual_speed_is_the_machines():
    assert running_at(1) is milliseconds
