from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.fakes.safety import NOON, FakeDrawdown
from trading_system.domain.errors import Unreachable
from trading_system.execution.loss_watch import LossWatch
from trading_system.ports import Drawdown
from trading_system.risk.limits import RiskLimits

LIMITS = RiskLimits(max_drawdown_percent=Decimal(20))


@pytest.fixture
def record():
    return FakeDrawdown()


@pytest.fixture
def make_watch(holdings, record, clock):
    return lambda: LossWatch(holdings=holdings, record=record, limits=LIMITS, clock=clock)


async def test_a_drawdown_stops_trading_when_it_happens(make_watch, holdings, clock, record):
    watch = make_watch()
    running = asyncio.create_task(watch.run())
    await clock.advance(0)
    assert watch.losses.stopped_at is None
    holdings.total = Decimal(790)
    await clock.advance(10)
    assert watch.losses.stopped_at == NOON
    assert record.kept == Drawdown(peak=Decimal(1000), stopped_at=NOON)
    running.cancel()


async def test_nobody_looks_where_losses_are_not_limited(holdings, record, clock):
    watch = LossWatch(holdings=holdings, record=record, limits=RiskLimits(), clock=clock)
    await watch.run()
    assert holdings.asked == 0


async def test_a_restart_ends_no_cool_down_and_forgets_no_peak(make_watch, holdings, record):
    record.kept = Drawdown(peak=Decimal(2000), stopped_at=NOON - timedelta(minutes=1))
    watch = make_watch()
    await watch.look()
    assert watch.losses.peak == 2000
    assert watch.losses.stopped_at == NOON - timedelta(minutes=1)
    assert record.saves == 0


async def test_a_drawdown_during_which_it_was_not_running_counts(make_watch, record):
    record.kept = Drawdown(peak=Decimal(2000), stopped_at=None)
    watch = make_watch()
    await watch.look()
    assert watch.losses.stopped_at == NOON


async def test_only_what_changes_is_written(make_watch, holdings, record):
    watch = make_watch()
    for total in (1000, 900, 1000):
        holdings.total = Decimal(total)
        await watch.look()
    assert record.saves == 1
    holdings.total = Decimal(1001)
    await watch.look()
    assert record.saves == 2


async def test_a_look_that_fails_leaves_the_last_one(make_watch, holdings):
    watch = make_watch()
    await watch.look()
    before = watch.losses
    holdings.failure = Unreachable("down")
    await watch.look()
    assert watch.losses is before


async def test_a_look_that_is_young_enough_is_not_repeated(make_watch, holdings, clock):
    watch = make_watch()
    await watch.look(max_age=30)
    await clock.advance(30)
    await watch.look(max_age=30)
    assert holdings.asked == 1
    await clock.advance(1)
    await watch.look(max_age=30)
    assert holdings.asked == 2


@pytest.mark.parametrize("kept", [None, Drawdown(peak=Decimal(1000), stopped_at=None)])
async def test_a_first_look_that_misses_a_price_tells_nothing_and_stops_nothing(
    make_watch, holdings, record, kept
):
    """Nobody knows what the account is worth until then, and the gate says so."""
    record.kept = kept
    watch = make_watch()
    holdings.total, holdings.unvalued = Decimal(400), ("BTC",)
    for _ in range(2):
        await watch.look()
    assert (watch.losses, record.kept, record.saves) == (None, kept, 0)
    holdings.total, holdings.unvalued = Decimal(1000), ()
    await watch.look()
    assert (watch.losses.peak, watch.losses.stopped_at) == (1000, None)


async def test_an_asset_without_a_price_for_a_moment_is_not_lost(make_watch, holdings):
    watch = make_watch()
    await watch.look()
    before = watch.losses
    holdings.total, holdings.unvalued = Decimal(400), ("BTC",)
    await watch.look()
    assert watch.losses is before


async def test_an_asset_that_never_had_a_price_hides_no_loss(make_watch, holdings):
    watch = make_watch()
    holdings.unvalued = holdings.uncounted = ("DUST",)
    await watch.look()
    holdings.total = Decimal(100)
    await watch.look()
    assert watch.losses.stopped_at == NOON
