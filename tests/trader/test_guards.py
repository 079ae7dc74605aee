"""The stop of a position: set once it is there, away before it is changed, never two of them."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from tests.fakes.strategies import Wrong
from tests.fakes.trader import BTC, D
from trading_system.domain.errors import (
    InvalidRequest,
    OutcomeUnknown,
    RiskRefused,
    StopTooLate,
    StorageError,
)
from trading_system.domain.mandates import MandateState, SizeKind, Sizing, StopRule
from trading_system.domain.orders import OrderRequest, OrderType, Side, TimeInForce
from trading_system.domain.stops import StopKind, StopStatus

FIXED = StopRule(kind=StopKind.FIXED, distance_percent=D(10))
TRAILING = StopRule(kind=StopKind.TRAILING, distance_percent=D("2.5"))
ME = UUID(int=77)


async def test_what_was_bought_is_guarded_from_what_it_cost(bench, world):
    await bench.trading(stop=FIXED)
    await bench.beat(101)
    (stop,) = world.stops.active
    held = (await bench.wallets.of(ME)).position(BTC)
    assert stop.quantity == held.quantity.quantize(D("0.001"), "ROUND_DOWN")
    assert stop.trigger_price == held.average_price * D("0.9")
    assert (await bench.own.stops(ME))[BTC] == stop.id


async def test_a_short_position_is_guarded_from_above(opened, world):
    async with opened(may_short=True) as bench:
        await bench.trading(stop=FIXED)
        await bench.beat(50)
        (stop,) = world.stops.active
        assert stop.trigger_price == D(55)


async def test_a_trailing_stop_keeps_its_distance(bench, world):
    await bench.trading(stop=TRAILING)
    await bench.beat(101)
    (stop,) = world.stops.active
    assert (stop.kind, stop.distance_bps) == (StopKind.TRAILING, 250)


async def test_it_is_gone_before_the_position_is_closed_and_not_set_again(bench, world):
    await bench.trading(stop=TRAILING)
    await bench.beat(101)
    await bench.beat(95)
    assert [each.status for each in world.stops.rows.values()] == [StopStatus.CANCELLED]
    assert [side for side, _, _ in bench.venue.sent] == ["BUY", "SELL"]


async def test_of_a_smaller_position_it_guards_what_is_left(bench, world):
    await bench.trading(stop=TRAILING)
    await bench.beat(101)
    await bench.beat(99)
    await bench.clock.advance(40)
    await bench.told()
    (stop,) = world.stops.active
    assert stop.quantity < D(6)


async def test_of_a_sale_that_is_refused_the_position_is_guarded_again_at_once(bench, world):
    await bench.trading(stop=TRAILING)
    await bench.beat(101)
    bench.desk.refusals.append(RiskRefused("too much", "max_order_notional"))
    await bench.beat(95)
    statuses = [each.status for each in world.stops.rows.values()]
    assert statuses == [StopStatus.CANCELLED, StopStatus.ACTIVE]


async def test_however_often_a_sale_fails_within_a_minute_the_position_is_guarded(bench, world):
    await bench.trading(stop=TRAILING)
    await bench.beat(101)
    bench.desk.refusals += [StorageError("disk full"), StorageError("disk full")]
    await bench.beat(95)
    assert len(world.stops.active) == 1
    await bench.told()
    assert len(world.stops.active) == 1


async def test_a_decision_that_needs_no_order_leaves_the_stop_alone(bench, world):
    await bench.trading(stop=TRAILING)
    await bench.beat(101)
    await bench.strategies.stop(ME)
    await bench.settle()
    await bench.strategies.change(ME, sizing=Sizing(kind=SizeKind.QUANTITY, amount=D("9.773")))
    await bench.strategies.start(ME)
    await bench.beat(102)
    assert (await bench.outcomes())[-1] == "fitted"
    assert [each.status for each in world.stops.rows.values()] == [StopStatus.ACTIVE]


async def test_what_another_strategy_has_open_keeps_nothing_from_being_sold(bench):
    grid = {"low": "50", "high": "60", "levels": "2", "quantity": "1"}
    await bench.trading(id=UUID(int=1), strategy="grid", parameters=grid)
    await bench.trading(stop=TRAILING)
    await bench.beat(101)
    await bench.beat(95)
    assert sorted(side for side, _, _ in bench.venue.sent) == ["BUY", "BUY", "SELL"]
    assert len(await bench.own.unsettled()) == 1


async def test_while_it_is_not_gone_nothing_is_sold(bench, world):
    await bench.trading(stop=TRAILING)
    await bench.beat(101)
    world.stops.lingers = True
    await bench.beat(95)
    assert "cancelling" in (await bench.mandate()).waiting["BTC/USDT"]
    world.stops.lingers = False
    await bench.told()
    assert [side for side, _, _ in bench.venue.sent] == ["BUY", "SELL"]


async def test_an_order_of_a_stop_that_is_not_settled_is_waited_for(bench, world):
    await bench.trading(stop=TRAILING)
    await bench.beat(101)
    (stop,) = world.stops.active
    order = await resting_stop_order(bench, stop.id)
    await bench.beat(95)
    assert f"order {order.id} of its stop is NEW" in (await bench.mandate()).waiting["BTC/USDT"]
    await bench.manager.cancel(order.id)
    await bench.told()
    assert bench.venue.sent[-1][0] == "SELL"


async def resting_stop_order(bench, stop_id):
    request = OrderRequest(
        symbol=BTC,
        side=Side.SELL,
        type=OrderType.LIMIT,
        quantity=D(1),
        price=D(500),
        time_in_force=TimeInForce.GTC,
    )
    return await bench.desk.place(request, f"stop-{stop_id.hex}-1")


async def test_one_that_could_not_be_set_is_told_and_tried_again_later(bench, world):
    world.stops.refuses = InvalidRequest("there is no position")
    await bench.trading(stop=TRAILING)
    await bench.beat(101)
    assert "not guarded" in (await bench.mandate()).waiting["BTC/USDT"]
    linked = await bench.own.stops(ME)
    world.stops.refuses = None
    await bench.told()
    assert world.stops.active == [], "half a minute has not passed"
    await bench.clock.advance(31)
    await bench.told()
    (stop,) = world.stops.active
    assert {BTC: stop.id} == linked, "what was linked is what is begun"


async def test_a_position_whose_price_is_beyond_its_stop_already_is_closed_at_once(bench, world):
    """The price fell further between the purchase and the stop than the stop is away."""
    world.stops.refuses = StopTooLate("it would trigger at once")
    await bench.trading(stop=TRAILING)
    await bench.beat(101)
    assert [side for side, _, _ in bench.venue.sent] == ["BUY", "SELL"]
    await bench.beat(102)
    assert await bench.outcomes() == ["ordered", "unchanged"], "as when a stop has closed it"
    assert (await bench.mandate()).waiting == {}


async def test_one_that_has_ended_by_itself_has_a_successor_while_something_is_held(bench, world):
    await bench.trading(stop=TRAILING)
    await bench.beat(101)
    (first,) = world.stops.active
    await world.stops.cancel(first.id)
    await bench.beat(102)
    (second,) = world.stops.active
    assert second.id != first.id


async def test_dust_is_not_guarded(bench, world):
    await bench.trading(stop=TRAILING)
    await bench.beat(101)
    await bench.beat(95)
    await bench.beat(94)
    assert (await bench.wallets.of(ME)).position(BTC).quantity > 0
    assert world.stops.active == []


async def test_of_what_was_sold_to_the_last_the_listing_is_not_asked(bench, world):
    """It may not be listed any more."""
    one = Sizing(kind=SizeKind.QUANTITY, amount=D(1))
    running = await bench.trading(stop=TRAILING, sizing=one)
    await bench.beat(101)
    await bench.beat(95)
    assert (await bench.wallets.of(ME)).position(BTC).quantity == 0
    bench.listing.rows.clear()
    assert await bench.guards.ensure(running) == ({}, [])
    assert world.stops.active == []


async def test_what_holds_an_unsettled_order_is_guarded_only_afterwards(bench, world):
    bench.venue.script.append(OutcomeUnknown("timeout"))
    await bench.trading(stop=TRAILING)
    await bench.beat(101)
    assert world.stops.rows == {}


async def test_while_a_sale_is_in_doubt_the_position_is_not_guarded_anew(bench, world):
    """Its coins may be gone already."""
    await bench.trading(stop=TRAILING)
    await bench.beat(101)
    bench.venue.script.append(OutcomeUnknown("timeout"))
    await bench.beat(95)
    await bench.clock.advance(31)
    await bench.told()
    assert world.stops.active == []


async def test_a_stop_by_time_is_none_of_a_strategy(bench):
    with pytest.raises(InvalidRequest, match="fixed or trailing"):
        await bench.trading(stop=StopRule(kind=StopKind.TIME, distance_percent=D(1)))


async def test_while_it_is_not_known_what_a_stop_sold_no_other_is_set(bench, world):
    await bench.trading(stop=FIXED)
    await bench.beat(101)
    (stop,) = world.stops.active
    bench.venue.tell_fills = False
    sells = OrderRequest(
        symbol=BTC, side=Side.SELL, type=OrderType.MARKET, quantity=stop.quantity, reduce_only=True
    )
    await bench.desk.place(sells, stop.key)
    world.stops.rows[stop.id] = replace(stop, status=StopStatus.DONE)
    await bench.clock.advance(40)
    await bench.told()
    assert world.stops.active == []
    await bench.fills_told()
    assert world.stops.active == []
    assert list(world.stops.rows) == [stop.id]


@pytest.mark.parametrize("over", ["stop", "delete"])
async def test_what_it_bought_last_is_guarded_before_it_is_over(bench, world, over):
    await bench.trading(stop=FIXED)
    bench.venue.tell_fills = False
    await bench.beat(101)
    await getattr(bench.strategies, over)(ME)
    await bench.settle()
    assert (await bench.mandate()).state in {MandateState.STOPPING, MandateState.ENDING}
    await bench.fills_told()
    assert (await bench.mandate()).state in {MandateState.STOPPED, MandateState.ENDED}
    assert len(world.stops.active) == 1


async def test_what_cannot_be_guarded_as_it_stops_is_told_and_it_stops(bench, world):
    await bench.trading(stop=FIXED)
    world.stops.refuses = InvalidRequest("too small")
    await bench.beat(101)
    await bench.strategies.stop(ME)
    await bench.clock.advance(31)
    await bench.settle()
    stopped = await bench.mandate()
    assert stopped.state is MandateState.STOPPED
    assert stopped.waiting == {"BTC/USDT": "not guarded: too small"}


async def test_what_one_that_failed_holds_is_guarded_all_the_same(bench, world):
    await bench.trading(stop=FIXED)
    bench.venue.tell_fills = False
    await bench.beat(101)
    bench.brains.opened[-1].strategy = Wrong()
    await bench.beat(13)
    assert (await bench.mandate()).state is MandateState.FAILED
    await bench.fills_told()
    assert len(world.stops.active) == 1
    assert (await bench.mandate()).waiting == {}
