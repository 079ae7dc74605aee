"""Wherever the trader is cut off, started again it sends what it would have sent, once.

Every call of every port is a place to die: right before it, or right after it has done its work.
"""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest

from tests.fakes.deadly import Deadly, Killed
from tests.fakes.trader import BTC, bar
from trading_system.domain.candles import MINUTE
from trading_system.domain.mandates import MandateState, StopRule
from trading_system.domain.stops import StopKind

STOP = StopRule(kind=StopKind.TRAILING, distance_percent=Decimal(5))
GRID = {"low": "90", "high": "100", "levels": "3", "quantity": "0.1"}


async def told_again(bench, minute):
    """The beat of this minute, the candles of which are stored."""
    bench.trader.on_candles({BTC: [bar(minute, 1.0)]})
    await bench.settle()


async def beats(bench, prices):
    """One beat a price; returns how many were finished, and what is left when killed."""
    for number, price in enumerate(prices):
        killed = False
        try:
            await bench.beat(price)
        except* Killed:
            killed = True
        if killed:
            return number
    return len(prices)


async def story(opened, wishes, prices, deadly):
    """The run, killed once at most, and its end after a restart."""
    async with opened() as bench:
        await bench.trading(**wishes)
    async with opened(deadly) as bench:
        done = await beats(bench, prices)
    if done == len(prices):
        return
    async with opened() as bench:
        last = bench.clock.milliseconds() // MINUTE * MINUTE - MINUTE
        await told_again(bench, last)
        assert await beats(bench, prices[done + 1 :]) == len(prices) - done - 1


CASES = {
    "target": ({"stop": STOP}, [95, 101, 102, 95]),
    "grid": ({"strategy": "grid", "parameters": GRID}, [97, 94, 89, 96, 101, 96]),
}


async def orders_are_the_same(case, make_world, *, every: int, offset: int) -> None:
    wishes, prices = CASES[case]
    world, opened = make_world("undisturbed")
    counting = Deadly()
    await story(opened, wishes, prices, counting)
    expected = sorted(world.venue.sent, key=str), stops_of(world)
    assert len(expected[0]) >= 2
    assert counting.calls > 50
    for at in range(1, counting.calls + 1, every):
        world, opened = make_world(f"{at}")
        await story(opened, wishes, prices, Deadly(at, after=(at + offset) % 2 == 0))
        assert (sorted(world.venue.sent, key=str), stops_of(world)) == expected, at
        async with opened() as bench:
            decided = [each.bar.open_time for each in await bench.decisions.all()]
            assert len(decided) == len(set(decided)) == len(prices), at
            assert (await bench.mandates.get(UUID(int=77))).state is MandateState.RUNNING


@pytest.mark.parametrize("case", CASES)
async def test_cut_off_here_and_there_it_sends_what_an_undisturbed_run_sends(case, make_world):
    await orders_are_the_same(case, make_world, every=17, offset=0)


@pytest.mark.slow
@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("case", CASES)
async def test_cut_off_anywhere_it_sends_what_an_undisturbed_run_sends(case, offset, make_world):
    await orders_are_the_same(case, make_world, every=1, offset=offset)


def stops_of(world):
    """Quantities that are guarded."""
    return [each.quantity for each in world.stops.active]
