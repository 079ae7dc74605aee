"""What a BackfillRepository promises, held by the fake of the tests and by SQLite alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.fakes.market import BTC, ETH, FakeBackfills, FakeSymbols
from trading_system.domain.candles import MINUTE, Span
from trading_system.domain.errors import NotFound, NotRegistered
from trading_system.ports import Backfill, JobState
from trading_system.storage.backfills import Backfills
from trading_system.storage.database import Database
from trading_system.storage.symbols import Symbols

NOW = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)


def job(**changes):
    """A pending job over an hour."""
    fields = {
        "id": uuid4(),
        "symbol": BTC,
        "span": Span(0, 60 * MINUTE),
        "state": JobState.PENDING,
        "expected": 60,
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Backfill(**fields | changes)


@pytest.fixture(params=["fake", "sqlite"])
async def jobs(request, tmp_path):
    if request.param == "fake":
        symbols = FakeSymbols()
        await symbols.add(BTC, NOW)
        yield FakeBackfills(symbols)
        return
    async with Database.opened(tmp_path / "jobs.db") as database:
        await Symbols(database).add(BTC, NOW)
        yield Backfills(database)


async def test_a_saved_job_comes_back_equal(jobs):
    saved = job()
    await jobs.save(saved)
    assert await jobs.get(saved.id) == saved


async def test_saving_again_replaces_its_state(jobs):
    first = job()
    await jobs.save(first)
    failed = replace(
        first,
        state=JobState.FAILED,
        stored=40,
        holes=3,
        error="no such symbol",
        updated_at=NOW + timedelta(seconds=9),
    )
    await jobs.save(failed)
    assert await jobs.get(first.id) == failed


async def test_pending_and_running_jobs_are_unfinished_oldest_first(jobs):
    states = [JobState.RUNNING, JobState.DONE, JobState.PENDING, JobState.FAILED]
    several = [
        job(state=state, created_at=NOW - timedelta(minutes=age))
        for age, state in enumerate(states)
    ]
    for each in several:
        await jobs.save(each)
    assert await jobs.unfinished() == [several[2], several[0]]


async def test_an_unknown_job_is_not_found(jobs):
    with pytest.raises(NotFound):
        await jobs.get(uuid4())


async def test_a_job_needs_a_registered_symbol(jobs):
    orphan = job(symbol=ETH)
    with pytest.raises(NotRegistered):
        await jobs.save(orphan)
    with pytest.raises(NotFound):
        await jobs.get(orphan.id)
