"""What a StopRepository promises, held by the fake of the tests and by SQLite alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from tests.fakes.portfolio import BTC, ETH, FakeStopRepository
from trading_system.domain.errors import NotFound
from trading_system.domain.orders import OrderType, Side
from trading_system.domain.stops import Keeper, Stop, StopKind, StopStatus
from trading_system.storage.database import Database
from trading_system.storage.stops import Stops

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
BARE = Stop(
    id=UUID(int=1),
    symbol=BTC,
    side=Side.SELL,
    kind=StopKind.FIXED,
    kept_by=Keeper.SYSTEM,
    created_at=NOON,
    updated_at=NOON,
)
FULL = replace(
    BARE,
    id=UUID(int=2),
    symbol=ETH,
    side=Side.BUY,
    kind=StopKind.TRAILING,
    kept_by=Keeper.VENUE,
    status=StopStatus.RESIZING,
    quantity=Decimal("1.50"),
    trigger_price=Decimal("1E-8"),
    distance_bps=150,
    deadline=NOON + timedelta(milliseconds=1),
    venue_type=OrderType.STOP_LOSS_LIMIT,
    limit_price=Decimal("0.10"),
    best=Decimal(7),
    attempt=3,
    ordered=Decimal("1.4"),
    order_id=UUID(int=9),
    closed=Decimal("0.10"),
    reason="because",
    created_at=NOON - timedelta(hours=1),
)


@pytest.fixture(params=["fake", "sqlite"])
async def stops(request, tmp_path):
    if request.param == "fake":
        yield FakeStopRepository()
        return
    async with Database.opened(tmp_path / "stops.db") as database:
        yield Stops(database)


@pytest.mark.parametrize("stop", [BARE, FULL])
async def test_a_stop_comes_back_as_it_was_saved(stops, stop):
    await stops.save(stop)
    found = await stops.get(stop.id)
    assert found == stop
    assert str(found.closed) == str(stop.closed)


async def test_saved_again_it_is_one_stop(stops):
    await stops.save(BARE)
    await stops.save(replace(BARE, attempt=1))
    assert await stops.all() == [replace(BARE, attempt=1)]


async def test_one_there_is_not_is_not_found(stops):
    with pytest.raises(NotFound):
        await stops.get(UUID(int=5))


async def test_the_newest_come_first_and_only_of_the_symbol_asked_for(stops):
    await stops.save(FULL)
    await stops.save(BARE)
    assert await stops.all() == [BARE, FULL]
    assert await stops.all(limit=1) == [BARE]
    assert await stops.all(symbol=ETH) == [FULL]


async def test_those_that_have_ended_guard_nothing(stops):
    for number, status in enumerate(StopStatus):
        await stops.save(replace(BARE, id=UUID(int=number), status=status))
    left = {stop.status for stop in await stops.unfinished()}
    assert left == {status for status in StopStatus if not status.is_final}


async def test_those_that_gave_up_are_told(stops):
    for number, status in enumerate(StopStatus):
        await stops.save(replace(BARE, id=UUID(int=number), status=status))
    assert [stop.status for stop in await stops.failed()] == [StopStatus.FAILED]
