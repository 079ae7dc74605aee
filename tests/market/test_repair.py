"""No gap stays unexplained, even one that every beat has passed."""

from __future__ import annotations

import asyncio

import pytest

from tests.fakes.market import BTC, ETH, candle
from trading_system.domain.candles import MINUTE, Span, floor_minute
from trading_system.domain.errors import StorageError
from trading_system.market.backfill import BackfillService
from trading_system.market.repair import GapRepair


@pytest.fixture
def repair(symbols, prices, market_data, jobs, clock):
    backfills = BackfillService(market_data=market_data, prices=prices, jobs=jobs, clock=clock)
    repair = GapRepair(
        symbols=symbols, prices=prices, backfills=backfills, clock=clock, interval=900
    )
    repair.backfills = backfills
    return repair


@pytest.fixture
async def stored(symbols, prices, clock):
    """Store minutes of BTC, counted back from now."""
    end = floor_minute(clock.milliseconds())
    await symbols.add(BTC, clock.now())
    await symbols.add(ETH, clock.now())

    async def store(*minutes_ago):
        await prices.upsert({BTC: [candle(end - ago * MINUTE) for ago in minutes_ago]})

    return store


async def test_a_gap_that_the_beats_have_passed_is_backfilled(repair, stored, jobs, clock):
    await stored(60, 59, 30, 10, 6)
    assert await repair.repair() == 1
    end = floor_minute(clock.milliseconds())
    (job,) = await jobs.unfinished()
    assert (job.symbol, job.span) == (BTC, Span(end - 58 * MINUTE, end - 6 * MINUTE))


async def test_what_is_complete_or_explained_is_left_alone(repair, stored, prices, clock, jobs):
    await stored(9, 8, 7, 6)
    assert await repair.repair() == 0
    await stored(20)
    end = floor_minute(clock.milliseconds())
    hole = Span(end - 19 * MINUTE, end - 9 * MINUTE)
    await prices.record_holes(BTC, [hole], clock.now())
    assert await repair.repair() == 0
    assert await jobs.unfinished() == []


async def test_the_newest_minutes_are_the_heartbeats(repair, stored):
    await stored(6, 2)
    assert await repair.repair() == 0
    await stored(3)
    assert await repair.repair() == 0


async def test_it_looks_every_quarter_of_an_hour_and_survives_a_failure(
    repair, stored, prices, clock, jobs, monkeypatch
):
    await stored(60, 10)
    answers = [StorageError("disk")]
    coverage = prices.coverage

    async def failing_once(*args, **options):
        if answers:
            raise answers.pop()
        return await coverage(*args, **options)

    monkeypatch.setattr(prices, "coverage", failing_once)
    task = asyncio.create_task(repair.run())
    await clock.advance(901)
    assert await jobs.unfinished() == []
    await clock.advance(900)
    task.cancel()
    assert len(await jobs.unfinished()) == 1
