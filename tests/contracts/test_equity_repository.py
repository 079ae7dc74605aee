"""What an EquityRepository promises, held by the fake of the tests and by SQLite alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.fakes.portfolio import FakeMarks
from trading_system.domain.positions import Equity
from trading_system.storage.database import Database
from trading_system.storage.equity import EquityMarks

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NOON_MS = 1_767_268_800_000


def mark(minute, total="10.50", quote="USDT", unvalued=()):
    return Equity(
        total=Decimal(total),
        quote=quote,
        day_start=Decimal("1E-8"),
        peak=Decimal(99),
        at=NOON + timedelta(minutes=minute),
        unvalued=unvalued,
    )


@pytest.fixture(params=["fake", "sqlite"])
async def marks(request, tmp_path):
    if request.param == "fake":
        yield FakeMarks()
        return
    async with Database.opened(tmp_path / "equity.db") as database:
        yield EquityMarks(database)


async def test_the_last_one_is_told_to_the_digit(marks):
    assert await marks.last("USDT") is None
    for each in (mark(0), mark(2, unvalued=("XYZ", "ABC")), mark(1)):
        await marks.record(each)
    last = await marks.last("USDT")
    assert last == mark(2, unvalued=("XYZ", "ABC"))
    assert str(last.total) == "10.50"


async def test_each_quote_has_a_history_of_its_own(marks):
    await marks.record(mark(0))
    await marks.record(mark(0, quote="EUR"))
    await marks.record(mark(1, quote="EUR"))
    assert await marks.last("USDT") == mark(0)
    assert await marks.between("EUR", None, None, points=9) == [
        mark(0, quote="EUR"),
        mark(1, quote="EUR"),
    ]


async def test_a_second_one_of_the_same_moment_takes_the_place_of_the_first(marks):
    await marks.record(mark(0, "1"))
    await marks.record(mark(0, "2"))
    assert await marks.between("USDT", None, None, points=9) == [mark(0, "2")]


@pytest.mark.parametrize(
    ("start", "end", "minutes"),
    [
        (None, None, [0, 1, 2, 3]),
        (NOON_MS + 60_000, None, [1, 2, 3]),
        (None, NOON_MS + 60_000, [0]),
        (NOON_MS + 1, NOON_MS + 120_001, [1, 2]),
        (NOON_MS + 10**9, None, []),
    ],
)
async def test_a_window_begins_with_its_start_and_ends_before_its_end(marks, start, end, minutes):
    for minute in (3, 1, 0, 2):
        await marks.record(mark(minute))
    found = await marks.between("USDT", start, end, points=9)
    assert found == [mark(minute) for minute in minutes]


@pytest.mark.parametrize(("points", "minutes"), [(1, [9]), (3, [3, 6, 9]), (100, range(10))])
async def test_of_too_many_the_last_of_each_part_is_told(marks, points, minutes):
    for minute in range(10):
        await marks.record(mark(minute))
    found = await marks.between("USDT", None, None, points=points)
    assert found == [mark(minute) for minute in minutes]


async def test_old_marks_are_thinned_to_the_last_of_each_hour(marks):
    for minute in range(0, 180, 20):
        await marks.record(mark(minute))
        await marks.record(mark(minute, quote="EUR"))
    await marks.thin(NOON + timedelta(minutes=120))
    for quote in ("USDT", "EUR"):
        left = await marks.between(quote, None, None, points=1000)
        assert left == [mark(minute, quote=quote) for minute in (40, 100, 120, 140, 160)]
