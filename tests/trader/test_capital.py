"""A strategy starts only where the account has what strategies hold."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.fakes.trader import BTC, ETH, D
from trading_system.domain.errors import NotAllowed, NotHeld, Unreachable
from trading_system.domain.mandates import MandateState

ONE, TWO = UUID(int=1), UUID(int=2)


async def stopped(bench, *ids, **more):
    """Strategies that hold what they bought, and do nothing now."""
    for each in ids:
        await bench.trading(id=each, capital=D(101), **more)
    await bench.beat(101)
    for each in ids:
        await bench.strategies.stop(each)
    await bench.settle()


async def test_what_was_sold_under_strategies_is_told_with_the_figures_and_a_way_out(bench, world):
    await stopped(bench, ONE, TWO)
    assert (await bench.strategies.start(ONE)).state is MandateState.RUNNING
    world.taken = D("0.5")
    with pytest.raises(NotHeld) as refused:
        await bench.strategies.start(TWO)
    assert str(refused.value) == (
        "the account has 1.474024 of BTC, 0.500000 less than strategies hold by their own fills "
        f"(0.987012 by {TWO}, 0.987012 by {ONE}): bring that back, or delete those strategies and "
        "make them anew"
    )
    await bench.strategies.delete(ONE)
    await bench.settle()
    assert (await bench.strategies.start(TWO)).state is MandateState.RUNNING


async def test_what_another_symbol_lacks_keeps_nobody_from_starting(bench, world):
    await stopped(bench, ONE)
    world.taken = D(1)
    await bench.trading(id=TWO, symbols=(ETH,))
    assert (await bench.mandates.get(TWO)).state is MandateState.RUNNING


async def test_what_is_free_is_told_without_noughts_behind(bench, world):
    world.free = D("1500.00000000")
    with pytest.raises(NotAllowed) as refused:
        await bench.trading(capital=D("2000.0"))
    assert str(refused.value) == (
        "2000 USDT are more than the 1500 free: the account has 1500, of which strategies may "
        "spend 0"
    )


async def test_where_nothing_is_held_the_venue_is_not_asked(bench):
    bench.not_ready = Unreachable("down")
    assert (await bench.trading()).state is MandateState.RUNNING


async def test_before_our_record_is_known_to_be_the_venues_nothing_held_is_judged(bench):
    await stopped(bench, ONE)
    bench.not_ready = Unreachable("the first reconciliation has not ended yet")
    with pytest.raises(Unreachable, match="first reconciliation"):
        await bench.strategies.start(ONE)


@pytest.mark.parametrize(
    ("price", "there", "missing"),
    [
        (101, "0.9", r"0\.0\d+ less"),
        (101, "1.2", None),
        (101, "-1.2", r"the account has -1\.2 of BTC/USDT, 2\.1\d+ less"),
        (50, "-2.2", None),
        (50, "-0.1", r"1\.\d+ less"),
    ],
)
async def test_on_margin_the_venues_position_must_be_as_large(opened, world, price, there, missing):
    async with opened(may_short=True) as bench:
        await bench.trading(id=ONE, capital=D(101))
        await bench.beat(price)
        await bench.strategies.stop(ONE)
        await bench.settle()
        world.margin[BTC] = D(there)
        if missing is None:
            assert (await bench.strategies.start(ONE)).state is MandateState.RUNNING
        else:
            with pytest.raises(NotHeld, match=missing):
                await bench.strategies.start(ONE)


async def test_a_stake_is_what_a_strategy_holds_and_those_that_were_deleted_have_none(bench):
    await stopped(bench, ONE, TWO)
    assert [(each.mandate_id, each.quantity) for each in await bench.stakes.all()] == [
        (TWO, D("0.987012")),
        (ONE, D("0.987012")),
    ]
    (bought, _) = await bench.orders.all()
    assert await bench.stakes.owner(bought.id) in {ONE, TWO}
    await bench.strategies.delete(TWO)
    await bench.settle()
    assert [each.mandate_id for each in await bench.stakes.all()] == [ONE]
