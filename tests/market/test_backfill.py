from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from tests.fakes.market import BTC, ETH, FakeMarketData, candle
from trading_system.domain.candles import MINUTE, Span
from trading_system.domain.errors import (
    CircuitOpen,
    NotFound,
    NotRegistered,
    RateLimited,
    Rejected,
    StorageError,
    UnknownSymbol,
    Unreachable,
)
from trading_system.market.backfill import BackfillService
from trading_system.ports import JobState

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
T = round(NOON.timestamp() * 1000)


def minutes(first, past):
    """The span of these minutes counted from noon."""
    return Span(T + first * MINUTE, T + past * MINUTE)


@pytest.fixture
def progress():
    """Every job as shown to the observer."""
    return []


@pytest.fixture
async def service(market_data, prices, jobs, symbols, clock, progress):
    """Not running yet; BTC/USDT and ETH/USDT are registered; it is 12:00:30."""
    await symbols.add(BTC, NOON)
    await symbols.add(ETH, NOON)
    return BackfillService(
        market_data=market_data,
        prices=prices,
        jobs=jobs,
        clock=clock,
        concurrency=4,
        on_progress=progress.append,
    )


@pytest.fixture
async def running(service):
    """The service at work."""
    task = asyncio.create_task(service.run())
    yield service
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_job_makes_its_span_complete(service, prices):
    job = await service.start(BTC, minutes(-2500, 0))
    done = await service.complete(job)
    assert (done.state, done.expected, done.stored, done.holes) == (JobState.DONE, 2500, 2500, 0)
    assert prices.rows[BTC].keys() == set(range(T - 2500 * MINUTE, T, MINUTE))
    assert await service.get(job.id) == done


async def test_a_started_job_is_saved_and_pending(service, jobs):
    job = await service.start(BTC, minutes(-60, 0))
    assert (job.state, job.expected, job.stored) == (JobState.PENDING, 60, 0)
    assert await jobs.get(job.id) == await service.get(job.id) == job


async def test_pages_are_asked_for_concurrently_but_bounded(service, market_data):
    await service.complete(await service.start(BTC, minutes(-10_000, 0)))
    assert market_data.most_at_once == 4
    assert len(market_data.asked) == 10
    assert {span.minutes for _, span in market_data.asked} == {1000}


async def test_the_bound_holds_over_all_jobs_together(running, market_data, clock):
    for symbol in (BTC, ETH):
        await running.start(symbol, minutes(-10_000, 0))
    await clock.advance(1)
    assert market_data.most_at_once == 4
    assert len(market_data.asked) == 20


async def test_only_what_is_missing_is_asked_for(service, market_data, prices):
    have = [*range(-3000, -1500), *range(-1400, -10)]
    await prices.upsert({BTC: [candle(T + at * MINUTE) for at in have]})
    done = await service.complete(await service.start(BTC, minutes(-3000, 0)))
    assert sorted(span for _, span in market_data.asked) == [minutes(-1500, -1400), minutes(-10, 0)]
    assert done.stored == 3000


async def test_a_complete_span_asks_for_nothing(service, market_data):
    span = minutes(-1000, 0)
    await service.complete(await service.start(BTC, span))
    market_data.asked.clear()
    again = await service.complete(await service.start(BTC, span))
    assert (again.state, again.stored, market_data.asked) == (JobState.DONE, 1000, [])


async def test_scattered_gaps_share_a_request(service, market_data, prices):
    have = set(range(-900, 0)) - {-800, -500, -100}
    await prices.upsert({BTC: [candle(T + at * MINUTE) for at in have]})
    await service.complete(await service.start(BTC, minutes(-900, 0)))
    assert [span for _, span in market_data.asked] == [minutes(-800, -99)]


async def test_what_the_venue_lacks_is_asked_again_and_recorded_as_its_hole(
    service, market_data, prices
):
    market_data.holes = set(range(T - 700 * MINUTE, T - 550 * MINUTE, MINUTE)) | {T - 9 * MINUTE}
    done = await service.complete(await service.start(BTC, minutes(-2000, 0)))
    assert (done.state, done.stored, done.holes) == (JobState.DONE, 1849, 151)
    assert [span for _, span in market_data.asked[2:]] == [minutes(-700, -8)]
    covered = await prices.coverage(BTC, minutes(-2000, 0))
    assert covered.holes == (minutes(-700, -550), minutes(-9, -8))
    assert covered.missing == ()


async def test_a_candle_that_comes_at_the_second_asking_is_no_hole(service, market_data, prices):
    market_data.holes = {T - 9 * MINUTE, T - 5 * MINUTE}
    first = market_data.candles

    async def then_it_appears(symbol, span):
        found = await first(symbol, span)
        market_data.holes = {T - 9 * MINUTE}
        return found

    market_data.candles = then_it_appears
    done = await service.complete(await service.start(BTC, minutes(-60, 0)))
    assert (done.stored, done.holes) == (59, 1)
    assert T - 5 * MINUTE in prices.rows[BTC]


async def test_known_holes_are_not_asked_for_again(service, market_data, prices):
    await prices.record_holes(BTC, [minutes(-60, -30)], NOON)
    done = await service.complete(await service.start(BTC, minutes(-60, 0)))
    assert (done.stored, done.holes) == (30, 30)
    assert [span for _, span in market_data.asked] == [minutes(-30, 0)]


async def test_years_before_the_listing_cost_a_few_requests(service, market_data):
    market_data.listed = T - 1500 * MINUTE
    done = await service.complete(await service.start(BTC, minutes(-100_000, 0)))
    assert (done.state, done.stored, done.holes) == (JobState.DONE, 1500, 98_500)
    assert len(market_data.asked) <= 8


async def test_a_symbol_the_venue_has_no_candle_of_is_one_hole(service, market_data):
    market_data.listed = T
    done = await service.complete(await service.start(BTC, minutes(-50_000, 0)))
    assert (done.state, done.stored, done.holes) == (JobState.DONE, 0, 50_000)
    assert len(market_data.asked) <= 8


async def test_a_long_absence_in_the_middle_is_confirmed_as_a_whole(service, market_data):
    market_data.holes = set(range(T - 9_300 * MINUTE, T - 700 * MINUTE, MINUTE))
    done = await service.complete(await service.start(BTC, minutes(-10_000, 0)))
    assert (done.stored, done.holes) == (1400, 8600)


async def test_candles_that_appear_late_in_a_long_absence_are_all_stored(
    service, market_data, prices
):
    """The second asking goes on page by page when, against expectation, it finds something."""
    market_data.listed = T
    ask = market_data.candles

    async def listed_after_the_first_round(symbol, span):
        found = await ask(symbol, span)
        if span.end == T and not found:
            market_data.listed = T - 2500 * MINUTE
        return found

    market_data.candles = listed_after_the_first_round
    done = await service.complete(await service.start(BTC, minutes(-5000, 0)))
    assert (done.stored, done.holes) == (2500, 2500)
    assert len(prices.rows[BTC]) == 2500


@pytest.mark.parametrize(
    ("asked", "closed"),
    [
        (minutes(-10, 5), minutes(-10, 0)),
        (minutes(3, 5), minutes(0, 0)),
        (minutes(-10, -5), minutes(-10, -5)),
    ],
)
async def test_only_minutes_that_have_closed_belong_to_a_job(service, asked, closed):
    job = await service.start(BTC, asked)
    assert (job.span, job.expected) == (closed, closed.minutes)
    assert (await service.complete(job)).state is JobState.DONE


async def test_a_minute_that_closed_a_moment_ago_is_left_to_the_heartbeat(service, clock):
    """The venue may not serve it yet, and would seem to have a hole."""
    clock.jump(-29)
    assert (await service.start(BTC, minutes(-10, 0))).span == minutes(-10, -1)


async def test_an_unregistered_symbol_is_refused_and_leaves_no_job(service, jobs, symbols):
    del symbols.rows[BTC]
    with pytest.raises(NotRegistered):
        await service.start(BTC, minutes(-10, 0))
    assert jobs.rows == {}


async def test_an_unknown_job_is_not_found(service):
    with pytest.raises(NotFound):
        await service.get(uuid4())


async def test_progress_grows_to_the_end_and_is_seen_live(service, market_data, progress):
    job = await service.start(BTC, minutes(-8000, 0))
    await service.complete(job)
    stored = [each.stored for each in progress]
    assert stored == sorted(stored)
    assert len(set(stored)) > 3
    assert all(each.stored <= each.expected for each in progress)
    assert progress[-1].state is JobState.DONE


async def test_a_job_under_way_tells_its_live_figures(running, market_data, clock):
    market_data.gate = asyncio.Event()
    job = await running.start(BTC, minutes(-2000, 0))
    await clock.advance(1)
    live = await running.get(job.id)
    assert (live.state, live.stored) == (JobState.RUNNING, 0)
    market_data.gate.set()
    await clock.advance(1)
    assert (await running.get(job.id)).state is JobState.DONE


async def test_progress_is_written_down_once_a_second_at_most(service, market_data, jobs, clock):
    ask = market_data.candles

    async def slowly(symbol, span):
        await clock.sleep(0.3)
        return await ask(symbol, span)

    market_data.candles = slowly
    working = asyncio.create_task(service.complete(await service.start(BTC, minutes(-40_000, 0))))
    await clock.advance(4)
    await working
    assert 3 <= len(jobs.history) <= 6
    assert 0 < jobs.history[2].stored < 40_000


async def test_pages_that_arrive_together_are_stored_together(service, prices):
    """One transaction a page would make slow disks the bottleneck."""
    gate = asyncio.Event()
    upsert = prices.upsert

    calls = []

    async def slow(candles):
        calls.append(candles)
        await gate.wait()
        return await upsert(candles)

    prices.upsert = slow
    working = asyncio.create_task(service.complete(await service.start(BTC, minutes(-8000, 0))))
    for _ in range(50):
        await asyncio.sleep(0)
    gate.set()
    await working
    assert prices.writes[:2] == [1000, 3000]
    assert sum(prices.writes) == 8000
    assert len(calls) == len(prices.writes)


@pytest.mark.parametrize("state", [JobState.PENDING, JobState.RUNNING])
async def test_jobs_a_former_process_left_are_finished(service, jobs, clock, prices, state):
    left = replace(await service.start(BTC, minutes(-3000, 0)), state=state, stored=17)
    await jobs.save(left)
    await prices.upsert({BTC: [candle(T + at * MINUTE) for at in range(-3000, -1000)]})
    market_data = FakeMarketData(BTC)
    restarted = BackfillService(market_data=market_data, prices=prices, jobs=jobs, clock=clock)
    task = asyncio.create_task(restarted.run())
    await clock.advance(1)
    task.cancel()
    finished = await jobs.get(left.id)
    assert (finished.state, finished.stored) == (JobState.DONE, 3000)
    assert [span for _, span in market_data.asked] == [minutes(-1000, 0)]


async def test_a_job_started_before_running_is_worked_once(service, market_data, clock):
    await service.start(BTC, minutes(-10, 0))
    task = asyncio.create_task(service.run())
    await clock.advance(1)
    task.cancel()
    assert len(market_data.asked) == 1


async def test_cancelling_leaves_the_job_running_for_the_next_start(
    service, market_data, jobs, clock
):
    market_data.gate = asyncio.Event()
    job = await service.start(BTC, minutes(-10, 0))
    task = asyncio.create_task(service.run())
    await clock.advance(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [each.id for each in await jobs.unfinished()] == [job.id]


@pytest.mark.parametrize("failure", [Unreachable("gone"), CircuitOpen("resting")])
async def test_a_failing_page_is_noted_and_tried_again_ever_more_patiently(
    running, market_data, jobs, clock, prices, failure
):
    market_data.failures[BTC] = [None, failure, failure, failure]
    job = await running.start(BTC, minutes(-2000, 0))
    await clock.advance(1)
    waiting = await jobs.get(job.id)
    assert (waiting.state, waiting.error) == (JobState.PENDING, str(failure))
    assert len(prices.rows[BTC]) == 1000
    for seconds, asked in [(2, 3), (2.9, 3), (0.2, 4), (7.8, 4), (0.2, 5)]:
        await clock.advance(seconds)
        assert len(market_data.asked) == asked
    done = await running.get(job.id)
    assert (done.state, done.error, done.stored) == (JobState.DONE, None, 2000)


async def test_a_page_that_always_fails_does_not_keep_the_others_from_coming(
    running, market_data, clock, prices
):
    ask = market_data.candles

    async def first_page_fails(symbol, span):
        if span.start == T - 9000 * MINUTE:
            raise Unreachable("unreadable")
        return await ask(symbol, span)

    market_data.candles = first_page_fails
    await running.start(BTC, minutes(-9000, 0))
    await clock.advance(60)
    assert len(prices.rows[BTC]) == 8000


async def test_a_rate_limit_is_obeyed(running, market_data, clock):
    market_data.failures[BTC] = [RateLimited("slow down", retry_after=90)]
    job = await running.start(BTC, minutes(-10, 0))
    await clock.advance(89)
    assert len(market_data.asked) == 1
    await clock.advance(2)
    assert (await running.get(job.id)).state is JobState.DONE


async def test_patience_has_an_end(running, market_data, clock):
    market_data.failures[BTC] = [Unreachable("gone")] * 2000
    await running.start(BTC, minutes(-10, 0))
    await clock.advance(3600)
    before = len(market_data.asked)
    await clock.advance(256)
    assert len(market_data.asked) == before + 1


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (UnknownSymbol("no such symbol"), "no such symbol"),
        (Rejected(-1120, "Invalid interval."), "Invalid interval. (-1120)"),
        (ZeroDivisionError("a bug"), "ZeroDivisionError('a bug')"),
    ],
)
async def test_a_refusal_for_good_fails_the_job_and_others_go_on(
    running, market_data, jobs, clock, failure, error
):
    market_data.failures[BTC] = [failure]
    failed = await running.start(BTC, minutes(-10, 0))
    other = await running.start(ETH, minutes(-10, 0))
    await clock.advance(1)
    saved = await jobs.get(failed.id)
    assert (saved.state, saved.error) == (JobState.FAILED, error)
    assert await running.get(failed.id) == saved
    assert (await jobs.get(other.id)).state is JobState.DONE
    await clock.advance(3600)
    assert (await jobs.get(failed.id)).state is JobState.FAILED


async def test_completing_by_hand_raises_what_stopped_it(service, market_data):
    market_data.failures[BTC] = [Unreachable("gone")]
    job = await service.start(BTC, minutes(-10, 0))
    with pytest.raises(Unreachable, match="gone"):
        await service.complete(job)


async def test_a_full_disk_is_waited_out(running, prices, jobs, clock):
    prices.failures = [StorageError("disk full")]
    job = await running.start(BTC, minutes(-10, 0))
    await clock.advance(1)
    assert (await jobs.get(job.id)).error == "disk full"
    await clock.advance(2)
    assert (await jobs.get(job.id)).state is JobState.DONE


async def test_a_job_that_cannot_even_be_saved_is_told_and_tried_again(running, jobs, clock):
    jobs.failures = [None, StorageError("disk full"), StorageError("disk full")]
    job = await running.start(BTC, minutes(-10, 0))
    await clock.advance(1)
    assert (await running.get(job.id)).error == "disk full"
    await clock.advance(2)
    assert (await jobs.get(job.id)).state is JobState.DONE
