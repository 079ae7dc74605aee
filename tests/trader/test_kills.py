"""A kill stops every strategy for good: whatever ran then, and however soon it was armed again."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_DOWN
from uuid import UUID

import pytest

from tests.fakes.deadly import Deadly, Killed
from tests.fakes.trader import BTC, ETH, D, mandate
from trading_system.domain.control import ControlState
from trading_system.domain.errors import NotAllowed, NotHeld, OutcomeUnknown, StorageError
from trading_system.domain.events import StrategyChanged
from trading_system.domain.mandates import MandateState, StopRule
from trading_system.domain.orders import OrderRequest, OrderStatus, OrderType, Side
from trading_system.domain.stops import StopKind, StopStatus

ME = UUID(int=77)
GRID = {"low": "80", "high": "100", "levels": "3", "quantity": "1"}


async def killed(bench, *, armed=False):
    await bench.control.kill(reason="mad", who="ann", flatten=False)
    if armed:
        await bench.control.arm(code=None, who="ann")


async def test_every_running_strategy_is_stopped_and_says_why(bench):
    told = []
    bench.bus.subscribe(StrategyChanged, told.append)
    await bench.trading(id=UUID(int=1))
    await bench.trading(id=UUID(int=2), symbols=(ETH,))
    idle = await bench.trading(id=UUID(int=3))
    await bench.strategies.stop(idle.id)
    await bench.settle()
    await killed(bench)
    await bench.settle()
    kept = {each.id.int: (each.state, each.reason) for each in await bench.mandates.all()}
    stopped = (MandateState.STOPPED, "kill switch: mad")
    assert kept == {1: stopped, 2: stopped, 3: (MandateState.STOPPED, None)}
    assert {each.mandate.id.int for each in told[-2:]} == {1, 2}
    assert all(brain.closed for brain in bench.brains.opened)
    await bench.beat(101)
    assert bench.venue.sent == []


@pytest.mark.parametrize("armed", [False, True])
async def test_a_kill_while_nothing_ran_counts_even_if_it_was_armed_before_the_next_start(
    opened, world, armed
):
    async with opened() as first:
        await first.trading()
    async with opened() as command:  # nobody runs the loop here
        await killed(command, armed=armed)
    async with opened() as second:
        await second.beat(101)
        stopped = await second.mandate()
        assert (stopped.state, stopped.reason) == (MandateState.STOPPED, "kill switch: mad")
    assert world.venue.sent == []


async def test_a_disk_that_fails_at_the_kill_lets_nothing_out_and_it_is_stopped_later(opened):
    failures = [StorageError("disk full")]

    class Failing:
        def __init__(self, port) -> None:
            self.port = port

        def __getattr__(self, name):
            return getattr(self.port, name)

        async def save(self, changed):
            if changed.state is MandateState.STOPPED and failures:
                raise failures.pop()
            await self.port.save(changed)

    async with opened(lambda name, port: Failing(port) if name == "mandates" else port) as bench:
        await bench.trading()
        await killed(bench)
        await bench.settle()
        assert (await bench.mandate()).state is MandateState.RUNNING
        await bench.control.arm(code=None, who="ann")
        await bench.beat(101)
        assert (await bench.mandate()).state is MandateState.STOPPED
        assert bench.venue.sent == []


async def test_what_was_being_decided_at_the_kill_is_not_sent_after_it_was_armed(bench):
    await bench.trading()
    brain = bench.brains.opened[-1]
    decide = brain.decide

    async def killed_meanwhile(bars):
        await killed(bench, armed=True)
        return await decide(bars)

    brain.decide = killed_meanwhile
    await bench.beat(101)
    assert bench.venue.sent == []
    assert (await bench.mandate()).state is MandateState.STOPPED
    assert (await bench.decisions.all())[0].reason == "trading was killed since it was started"


async def test_what_waited_for_its_stop_at_the_kill_is_not_sent_after_it_was_armed(bench, world):
    await bench.trading(stop=StopRule(kind=StopKind.TRAILING, distance_percent=D(5)))
    await bench.beat(101)
    cancel = world.stops.cancel

    async def killed_meanwhile(stop_id):
        await killed(bench, armed=True)
        return await cancel(stop_id)

    world.stops.cancel = killed_meanwhile
    await bench.beat(95)
    assert [side for side, _, _ in bench.venue.sent] == ["BUY"]
    assert (await bench.mandate()).state is MandateState.STOPPED


async def test_of_a_grid_that_is_being_laid_at_the_kill_no_more_is_sent_after_it_was_armed(bench):
    await bench.trading(strategy="grid", parameters=GRID)
    place = bench.desk.place

    async def killed_afterwards(*wish):
        order = await place(*wish)
        await killed(bench, armed=True)
        return order

    bench.desk.place = killed_afterwards
    await bench.beat(95)
    assert len(bench.venue.sent) == 1, "of two cells"
    assert {each.status for each in await bench.orders.all()} == {OrderStatus.CANCELED}


async def test_orders_of_a_grid_are_withdrawn(bench):
    await bench.trading(strategy="grid", parameters=GRID)
    await bench.beat(95)
    await killed(bench)
    await bench.settle()
    assert {each.status for each in await bench.orders.all()} == {OrderStatus.CANCELED}


async def test_armed_again_it_is_started_by_somebody_and_goes_on(bench):
    await bench.trading()
    await bench.beat(101)
    await killed(bench)
    await bench.settle()
    with pytest.raises(NotAllowed, match="trading was killed: mad: arm it, then start"):
        await bench.strategies.start(ME)
    await bench.control.arm(code=None, who="ann")
    await bench.beat(95)
    assert [side for side, _, _ in bench.venue.sent] == ["BUY"]
    running = await bench.strategies.start(ME)
    assert (running.state, running.reason, running.kills) == (MandateState.RUNNING, None, 1)
    await bench.beat(95)
    assert [side for side, _, _ in bench.venue.sent] == ["BUY", "SELL"]


async def test_started_before_the_loop_has_seen_the_kill_it_runs_on(bench):
    await bench.trading()
    await killed(bench, armed=True)
    started = await bench.strategies.start(ME)
    await bench.settle()
    assert (await bench.mandate()).kills == started.kills == 1
    await bench.beat(101)
    assert len(bench.venue.sent) == 1


async def test_a_pause_stops_no_strategy(bench):
    await bench.trading()
    await bench.control.pause(reason="lunch", who="ann")
    await bench.beat(101)
    assert (await bench.mandate()).state is MandateState.RUNNING
    assert bench.venue.sent == []
    await bench.control.resume(reason="full", who="ann")
    await bench.settle()
    assert len(bench.venue.sent) == 1


async def test_what_it_holds_is_guarded_again_after_the_kill_has_cancelled_its_stop(bench, world):
    await bench.trading(stop=StopRule(kind=StopKind.TRAILING, distance_percent=D(5)))
    await bench.beat(101)
    (stop,) = world.stops.active
    await killed(bench)
    await world.stops.cancel(stop.id)  # as the kill switch does
    await bench.settle()
    await bench.clock.advance(31)
    await bench.control.arm(code=None, who="ann")
    await bench.settle()
    (again,) = world.stops.active
    assert again.id != stop.id
    assert (await bench.mandate()).state is MandateState.STOPPED


async def test_whoever_stops_it_himself_takes_note_of_the_kill(bench):
    await bench.trading()
    await killed(bench, armed=True)
    await bench.settle()
    await bench.strategies.stop(ME)
    await bench.settle()
    assert (await bench.mandate()).reason is None
    assert bench.control.state is ControlState.RUNNING


@pytest.mark.parametrize("offset", [0, pytest.param(1, marks=pytest.mark.slow)])
async def test_wherever_the_stop_is_cut_off_nothing_is_sent_and_it_is_stopped_in_the_end(
    make_world, offset
):
    async def cut_off(at):
        world, opened = make_world(f"{at}")
        async with opened() as first:
            await first.trading(strategy="grid", parameters=GRID)
            await first.beat(95)
        deadly = Deadly(at, after=((at or 0) + offset) % 2 == 0)
        died = False
        async with opened(deadly) as second:
            await killed(second, armed=True)
            try:
                await second.beat(85)
            except* Killed:
                died = True
        assert died == (at is not None)
        async with opened() as third:
            await third.told()
            assert (await third.mandate()).reason == "kill switch: mad"
            assert {each.status for each in await third.orders.all()} <= {
                OrderStatus.CANCELED,
                OrderStatus.FILLED,
            }
        assert [side for side, _, _ in world.venue.sent] == ["BUY", "BUY"]
        return deadly.calls

    undisturbed = await cut_off(None)
    assert undisturbed > 5
    for at in range(1, undisturbed + 1):
        await cut_off(at)


async def test_kills_are_counted_over_restarts(opened):
    for count in range(3):
        async with opened() as program:
            assert program.control.kills == count
            await killed(program, armed=True)


async def flattened(bench, *, most="Infinity"):
    """What the kill switch does with what a strategy holds; somebody may have sold some of it."""
    await bench.control.kill(reason="mad", who="ann", flatten=True)
    await bench.settle()
    for stake in await bench.stakes.all():
        size = min(stake.quantity.quantize(D("0.001"), ROUND_DOWN), D(most))
        sale = OrderRequest(
            symbol=stake.symbol, side=Side.SELL, type=OrderType.MARKET, quantity=size
        )
        order, _ = await bench.manager.save(sale, idempotency_key=stake.key("kill:1"), digest="d")
        bench.control.exempt(order.id)
        await bench.manager.send(order)
    await bench.control.arm(code=None, who="ann")


async def test_after_a_kill_that_flattened_it_begins_again_with_what_the_sale_left_it(bench):
    await bench.trading()
    await bench.beat(101)
    await flattened(bench)
    wallet = await bench.wallets.of(ME)
    assert wallet.position(BTC).quantity < D("0.001")
    assert wallet.spent < D(2), "two fees"
    await bench.strategies.start(ME)
    await bench.beat(101)
    assert [side for side, _, _ in bench.venue.sent] == ["BUY", "SELL", "BUY"]


async def test_the_stop_of_what_a_kill_has_sold_guards_nothing_of_others(bench, world):
    await bench.trading(stop=StopRule(kind=StopKind.TRAILING, distance_percent=D(5)))
    await bench.beat(101)
    assert len(world.stops.active) == 1
    await flattened(bench)
    await bench.settle()
    assert world.stops.active == [], "it would sell what somebody else has of it"


async def test_of_what_a_kill_has_sold_in_part_the_rest_is_guarded(bench, world):
    await bench.trading(stop=StopRule(kind=StopKind.TRAILING, distance_percent=D(5)))
    await bench.beat(101)
    (first,) = world.stops.active
    await flattened(bench, most="6")
    await bench.settle()
    (second,) = world.stops.active
    assert (first.quantity, second.quantity) == (D("9.773"), D("3.773"))


async def test_a_stop_that_is_closing_is_let_go_on(bench, world):
    """Its order has filled, and its keeper has not noted that yet."""
    await bench.trading(stop=StopRule(kind=StopKind.TRAILING, distance_percent=D(5)))
    await bench.beat(101)
    (stop,) = world.stops.active
    world.stops.rows[stop.id] = replace(stop, status=StopStatus.TRIGGERED, ordered=stop.quantity)
    await flattened(bench)
    await bench.settle()
    assert world.stops.rows[stop.id].status is StopStatus.TRIGGERED
    assert (await bench.mandate()).waiting == {}


async def test_cells_of_a_grid_that_was_flattened_are_empty_when_it_starts_again(bench):
    await bench.trading(strategy="grid", parameters=GRID)
    await bench.beat(95)
    await bench.beat(89)
    await flattened(bench)
    before = len(bench.venue.sent)
    await bench.strategies.start(ME)
    await bench.clock.advance(31)
    await bench.beat(95)
    assert bench.venue.sent[before:] == [("BUY", D(1), D(80)), ("BUY", D(1), D(90))]


async def test_a_grid_of_which_a_part_was_sold_says_what_to_do(bench):
    await bench.trading(strategy="grid", parameters=GRID)
    await bench.beat(85)
    await bench.beat(79)
    await bench.strategies.stop(ME)
    await bench.settle()
    sale = OrderRequest(symbol=BTC, side=Side.SELL, type=OrderType.MARKET, quantity=D(1))
    await bench.desk.place(sale, mandate(bench.clock.now()).key(BTC, "kill:1"))
    with pytest.raises(NotHeld, match=r"hold 1\.998, of which 0\.998 are left: stop .* flatten"):
        await bench.strategies.start(ME)
    await bench.strategies.stop(ME, flatten=True)
    await bench.settle()
    assert (await bench.strategies.start(ME)).state is MandateState.RUNNING


async def test_a_grid_that_holds_all_it_believes_keeps_its_cells(bench):
    await bench.trading(strategy="grid", parameters=GRID)
    await bench.beat(85)
    await bench.strategies.stop(ME)
    await bench.settle()
    await bench.strategies.start(ME)
    await bench.clock.advance(31)
    await bench.told()
    assert bench.venue.sent[-1] == ("SELL", D("0.999"), D(100))


async def test_a_grid_of_which_the_sale_is_in_doubt_is_started_once_it_is_known(bench):
    await bench.trading(strategy="grid", parameters=GRID)
    await bench.beat(85)
    take = bench.venue.place

    async def and_lose_the_answer(order, *, still_wanted):
        await take(order, still_wanted=still_wanted)
        raise OutcomeUnknown("cut")

    bench.venue.place = and_lose_the_answer
    await flattened(bench)
    bench.venue.place = take
    with pytest.raises(NotAllowed, match="is UNKNOWN: start it once that is over"):
        await bench.strategies.start(ME)
    assert (await bench.mandate()).state is MandateState.STOPPED
    (sale,) = await bench.orders.all(statuses={OrderStatus.UNKNOWN})
    await bench.manager.look_up(sale)
    await bench.strategies.start(ME)
    await bench.clock.advance(31)
    await bench.beat(95)
    resting = await bench.orders.all(statuses={OrderStatus.NEW})
    assert {each.request.side for each in resting} == {Side.BUY}, "its cells are empty"


async def test_a_grid_whose_orders_could_not_be_withdrawn_yet_is_not_started(bench):
    await bench.trading(strategy="grid", parameters=GRID)
    await bench.beat(85)
    bench.venue.orders.clear()
    await killed(bench, armed=True)
    await bench.settle()
    with pytest.raises(NotAllowed, match="start it once that is over"):
        await bench.strategies.start(ME)
