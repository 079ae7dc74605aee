"""Time passes for a loop as it comes round, and hardly while it is kept from that."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.steady import FastClock, SteadyLoop, counted

STOP = """
import os, signal, sys, time
stopped = int(sys.argv[1])
os.kill(stopped, signal.SIGSTOP)
time.sleep(0.5)
os.kill(stopped, signal.SIGCONT)
"""


def stopped() -> None:
    """Half a second in which this process gets no turn, as on a busy machine."""
    before = time.monotonic()
    subprocess.run([sys.executable, "-c", STOP, str(os.getpid())], check=True)
    assert time.monotonic() - before >= 0.5


@pytest.mark.parametrize(
    ("real", "told"), [(0.004, 0.004), (0.01, 0.008), (0.1, 0.017), (10, 0.035)]
)
def test_the_longer_a_turn_the_less_of_it_counts(real, told):
    assert counted(real) == pytest.approx(told, abs=0.001)


async def test_while_the_process_is_stopped_hardly_any_time_passes():
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SteadyLoop)
    before = loop.time()
    stopped()
    assert loop.time() - before < 0.1


async def test_a_timeout_does_not_run_out_meanwhile():
    async with asyncio.timeout(0.1):
        stopped()
        await asyncio.sleep(0.01)


async def test_what_is_waited_for_passes():
    loop = asyncio.get_running_loop()
    before, real = loop.time(), time.monotonic()
    await asyncio.sleep(0.2)
    assert 0.2 <= loop.time() - before <= time.monotonic() - real


async def test_a_fast_clock_is_ahead_of_its_beginning_by_so_many_times_what_passed():
    begin, loop = datetime(2026, 1, 1, tzinfo=UTC), asyncio.get_running_loop()
    before = loop.time()
    clock = FastClock(100, begin)
    await clock.sleep(5)
    assert 5 <= clock.monotonic() <= (loop.time() - before) * 100
    assert clock.now() >= begin + timedelta(seconds=5)
