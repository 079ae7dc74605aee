"""A fast clock is the machine's until its origin and runs ahead from there."""

from __future__ import annotations

import time

import pytest

from trading_system.clock import FastClock
from trading_system.simulator.options import milliseconds, running_at


def test_two_fast_clocks_with_one_origin_agree():
    origin = milliseconds() - 10_000
    ours, theirs = FastClock(60, origin=origin), running_at(60, origin=origin)
    assert ours.milliseconds() - theirs() == pytest.approx(0, abs=60 * 50)
    assert ours.milliseconds() >= origin + 60 * 10_000
    assert round(ours.now().timestamp() * 1000) == pytest.approx(ours.milliseconds(), abs=60 * 50)


async def test_a_fast_clock_sleeps_as_much_shorter_as_it_is_faster():
    clock = FastClock(1_000, origin=milliseconds())
    started, before = time.monotonic(), clock.monotonic()
    await clock.sleep(10)
    assert clock.monotonic() - before >= 10
    assert time.monotonic() - started < 5


def test_a_clock_at_usual_speed_is_the_machines():
    assert running_at(1) is milliseconds
