"""The queue with workers that are small programs, and once with the real one."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.conftest import settle
from tests.research.questions import configuration, history, record
from trading_system.domain.errors import InvalidRequest, NotFound, TradingError
from trading_system.research import result_files
from trading_system.research.backtest_queue import BacktestQueue, BacktestState

pytestmark = pytest.mark.usefixtures("unmeasured_processes")  # the queue kills what has answered
PATIENCE = 60.0
OBEDIENT = """
import json, sys
job = json.loads(sys.stdin.readline())
print(json.dumps({"warmup": 49}), flush=True)
candles = json.loads(sys.stdin.readline())["candles"]
open(candles, "rb").read(1)
"""
SAYS_SO = OBEDIENT + "print(json.dumps({'path': 'somewhere'}), flush=True)\nsys.stdin.read()"
DIES = OBEDIENT + "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
GIVES_UP = OBEDIENT + "sys.exit(3)"
REFUSES = 'import sys\nsys.stdin.readline()\nprint(\'{"error": "no such strategy"}\', flush=True)'
TALKS_NONSENSE = "import sys\nsys.stdin.readline()\nprint('hello', flush=True)"
SILENT = """
import os, sys
sys.stdin.readline()
open(sys.argv[1], "w").write(str(os.getpid()))
sys.stdin.read()
"""


@pytest.fixture
def queue(tmp_path, clock):
    """Make a queue whose workers run this program; without one they are the real thing."""

    def make(program=None, *words, candles=None, **more):
        async def given(*, warmup, on_progress, **asked):
            on_progress(0.5)
            return history(warmup=warmup)

        if program is not None:
            more["worker"] = (sys.executable, "-c", program, *map(str, words))
        return BacktestQueue(
            candles=SimpleNamespace(get=candles or given),
            folder=tmp_path / "results",
            clock=clock,
            **{"strategies": None} | more,
        )

    return make


@asynccontextmanager
async def running(queue):
    task = asyncio.create_task(queue.run())
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def until(condition):
    """Wait for processes, which have a time of their own."""
    async with asyncio.timeout(PATIENCE):
        while not (found := condition()):  # noqa: ASYNC110 -- a process has no event
            await asyncio.sleep(0.01)
    return found


async def ended(queue, name):
    """The job once it is done or failed, or None when its file should speak for it."""
    over = {BacktestState.DONE, BacktestState.FAILED}
    await until(lambda: name not in queue._jobs or queue._jobs[name].state in over)
    return queue._jobs.get(name)


async def test_the_real_worker_answers_what_the_same_question_answers_here(queue):
    expected = record()  # which also compiles the loops, so that the worker does not have to
    waiting, asked = queue(), configuration()
    partly = type(asked).from_json(asked.to_json() | {"parameters": {"fast": "05"}})
    job = waiting.submit(partly)
    assert (job.state, job.id) == (BacktestState.WAITING, "20260101T120030000Z")
    async with running(waiting):
        assert await ended(waiting, job.id) is None
    done = await waiting.get(job.id)
    assert done.state is BacktestState.DONE
    kept, circumstances = result_files.read(done.head.path)
    assert kept == expected
    assert circumstances["asked_at"] == "2026-01-01T12:00:30Z"
    assert done.head.path.with_suffix(".html").exists()
    assert [each.id for each in await waiting.recent(10)] == [job.id]


async def test_a_result_is_found_by_the_next_process(queue, tmp_path):
    result_files.save(tmp_path / "results", "20250101T000000000Z", record(), {})
    found = await queue().get("20250101T000000000Z")
    assert found.configuration == configuration().to_json()
    with pytest.raises(NotFound, match="there is no backtest 20250101T000000001Z"):
        await queue().get("20250101T000000001Z")
    (tmp_path / "results/backtest_20250101T000000002Z_x.json").write_text("{")
    with pytest.raises(NotFound, match="no result"):
        await queue().get("20250101T000000002Z")


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (DIES, "its process ended with signal SIGKILL"),
        (GIVES_UP, "its process ended with exit code 3"),
        ("", "its process ended with exit code 0"),
        (REFUSES, "no such strategy"),
        (TALKS_NONSENSE, "an error of our own; the log says more"),
    ],
)
async def test_a_worker_that_fails_costs_its_own_backtest_alone(queue, program, reason):
    waiting = queue(program)
    first, second = waiting.submit(configuration()), waiting.submit(configuration())
    async with running(waiting):
        for job in (first, second):
            failed = await ended(waiting, job.id)
            assert (failed.state, failed.error) == (BacktestState.FAILED, reason)
    assert [each.id for each in await waiting.recent(10)] == [second.id, first.id]


async def test_candles_that_cannot_be_got_are_told(queue):
    async def unreachable(**asked):
        raise TradingError("the exchange does not answer")

    waiting = queue(SAYS_SO, candles=unreachable)
    job = waiting.submit(configuration())
    async with running(waiting):
        assert (await ended(waiting, job.id)).error == "the exchange does not answer"


async def test_how_far_the_candles_are_is_told(queue):
    half, rest = asyncio.Event(), asyncio.Event()

    async def slow(*, symbol, timeframe, start, end, warmup, on_progress):
        assert (symbol, timeframe, warmup) == ("BTC/USDT", "1h", 49)
        assert (start, end) == (history().start, history().end)
        on_progress(0.5)
        half.set()
        await rest.wait()
        return history()

    waiting = queue(SAYS_SO, candles=slow)
    job = waiting.submit(configuration())
    async with running(waiting):
        await half.wait()
        told = await waiting.get(job.id)
        assert (told.state, told.progress) == (BacktestState.FETCHING, 0.5)
        rest.set()
        assert await ended(waiting, job.id) is None


async def test_a_worker_that_never_ends_is_ended(queue, clock, tmp_path):
    waiting = queue(SILENT, tmp_path / "pid", limit_seconds=60.0)
    job = waiting.submit(configuration())
    async with running(waiting):
        worker = await until(lambda: _pid(tmp_path / "pid"))
        await clock.advance(61.0)
        failed = await ended(waiting, job.id)
    assert failed.error == "it took longer than 60 s and was ended"
    assert not _alive(worker)


async def test_a_shutdown_leaves_no_worker_behind(queue, tmp_path):
    waiting = queue(SILENT, tmp_path / "pid")
    waiting.submit(configuration())
    async with running(waiting):
        worker = await until(lambda: _pid(tmp_path / "pid"))
        assert _alive(worker)
    assert not _alive(worker)


async def test_one_is_computed_at_a_time(queue, tmp_path):
    waiting = queue(SILENT, tmp_path / "pid")
    first, second = waiting.submit(configuration()), waiting.submit(configuration())
    async with running(waiting):
        os.kill(await until(lambda: _pid(tmp_path / "pid")), 0)
        assert (await waiting.get(first.id)).state is BacktestState.COMPUTING
        assert (await waiting.get(second.id)).state is BacktestState.WAITING


async def test_what_comes_while_it_idles_is_answered(queue):
    waiting = queue(SAYS_SO)
    async with running(waiting):
        await settle()
        job = waiting.submit(configuration())
        assert await ended(waiting, job.id) is None


def test_a_question_that_cannot_be_is_refused_at_once(queue):
    asked = configuration()
    wrong = type(asked).from_json(asked.to_json() | {"parameters": {"fast": "60", "slow": "50"}})
    with pytest.raises(InvalidRequest, match="fast=60 must be less than slow=50"):
        queue().submit(wrong)
    unknown = type(asked).from_json(asked.to_json() | {"strategy": "luck"})
    with pytest.raises(InvalidRequest, match="there is no strategy 'luck'"):
        queue().submit(unknown)


def test_somebodys_own_strategies_are_looked_at_by_the_worker_alone(queue, tmp_path):
    (tmp_path / "own.py").write_text("raise SystemExit('this must not run here')")
    asked = configuration()
    unknown = type(asked).from_json(asked.to_json() | {"strategy": "mine"})
    assert queue(strategies=tmp_path).submit(unknown).state is BacktestState.WAITING


def test_not_everything_may_wait(queue):
    waiting = queue()
    ids = {waiting.submit(configuration()).id for _ in range(100)}
    assert len(ids) == 100
    with pytest.raises(InvalidRequest, match="100 backtests wait already"):
        waiting.submit(configuration())


async def test_failures_are_not_kept_for_ever(queue, monkeypatch):
    monkeypatch.setattr("trading_system.research.backtest_queue._MOST_FAILED", 1)
    waiting = queue("")
    first, second = waiting.submit(configuration()), waiting.submit(configuration())
    async with running(waiting):
        await ended(waiting, second.id)
        await ended(waiting, first.id)
        with pytest.raises(NotFound):
            await waiting.get(first.id)


def _pid(path: Path) -> int:
    text = path.read_text() if path.exists() else ""
    return int(text) if text else 0


def _alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
async def test_a_year_of_minutes_does_not_hold_the_loop(queue):
    """With half a million candles handed over, computed and listed; the quieter of two runs."""
    year = history(525_600, minutes=1)

    async def given(**asked):
        return year

    waiting = queue(candles=given)
    longest = []
    async with running(waiting):
        for _ in range(2):
            job = waiting.submit(configuration(over=year))
            watching = asyncio.create_task(_longest_gap())
            assert await ended(waiting, job.id) is None
            await waiting.recent(10)
            watching.cancel()
            longest.append(await watching)
    assert min(longest) < 0.05


async def _longest_gap():
    """Until it is cancelled: the longest time, in seconds, that the loop had no turn for it."""
    longest, before = 0.0, time.perf_counter()
    try:
        while True:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            longest, before = max(longest, now - before), now
    except asyncio.CancelledError:
        return longest
