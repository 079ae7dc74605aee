"""What a BeatRepository promises, held by the fake of the tests and by SQLite alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.market import FakeBeats
from trading_system.domain.errors import NotFound
from trading_system.ports import Beat
from trading_system.storage.beats import Beats
from trading_system.storage.database import Database

DUE = datetime(2026, 1, 1, 12, 1, 5, tzinfo=UTC)
BEAT = Beat(due=DUE, started=DUE + timedelta(milliseconds=3))


@pytest.fixture(params=["fake", "sqlite"])
async def beats(request, tmp_path):
    if request.param == "fake":
        yield FakeBeats()
        return
    async with Database.opened(tmp_path / "beats.db") as database:
        yield Beats(database)


async def test_a_beat_begun_has_no_end_yet(beats):
    await beats.begin(BEAT)
    assert await beats.latest() == [BEAT]


@pytest.mark.parametrize("error", [None, "no answer"])
async def test_an_ended_beat_tells_what_came_of_it(beats, error):
    number = await beats.begin(BEAT)
    ended = replace(BEAT, ended=DUE + timedelta(seconds=1), stored=499, failed=1, error=error)
    await beats.end(number, ended)
    assert await beats.latest() == [ended]


async def test_the_latest_come_newest_first(beats):
    several = [replace(BEAT, due=DUE + timedelta(minutes=minute)) for minute in range(4)]
    numbers = [await beats.begin(beat) for beat in several]
    assert len(set(numbers)) == 4
    assert await beats.latest(3) == several[:0:-1]
    assert await beats.latest(9) == several[::-1]


async def test_there_is_no_latest_beat_before_the_first(beats):
    assert await beats.latest() == []


async def test_a_beat_never_begun_cannot_end(beats):
    with pytest.raises(NotFound):
        await beats.end(7, BEAT)
