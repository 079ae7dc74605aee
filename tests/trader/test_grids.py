"""A grid live: one resting order a cell, its other side when it has filled, the same after all."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from uuid import UUID

import pytest

from tests.fakes.trader import BTC, NOON, D, bar, mandate
from trading_system.domain.candles import MINUTE
from trading_system.domain.errors import InvalidRequest, NotAllowed, RiskRefused, Unreachable
from trading_system.domain.mandates import MandateState, SizeKind, Sizing, StopRule
from trading_system.domain.orders import OrderStatus
from trading_system.domain.stops import StopKind
from trading_system.storage.mandates import Grids
from trading_system.strategies.grid_state import GridState
from trading_system.trader.grids import Cells

ME = UUID(int=77)
GRID = {"low": "80", "high": "100", "levels": "3", "quantity": "1"}
STEP = D("0.001")


async def laid(bench, **more):
    """Cells of 80 .. 90 .. 100; the market is at 95."""
    mandate = await bench.trading(strategy="grid", parameters=GRID | more)
    await bench.beat(95)
    return mandate


async def test_a_new_grid_rests_a_purchase_in_each_cell_and_buys_what_crosses(bench):
    await bench.trading(strategy="grid", parameters=GRID)
    await bench.beat(85)
    assert bench.venue.sent == [
        ("BUY", D(1), D(80)),
        ("BUY", D(1), D(90)),  # at 85, as a taker
        ("SELL", D("0.999"), D(100)),  # what the fee has left of it
    ]
    assert await bench.outcomes() == ["kept"]


async def test_a_cell_that_filled_sells_a_level_higher_and_then_buys_again(bench):
    await laid(bench)
    assert bench.venue.sent == [("BUY", D(1), D(80)), ("BUY", D(1), D(90))]
    await bench.beat(89)
    assert bench.venue.sent[2:] == [("SELL", D("0.999"), D(100))]
    await bench.beat(101)
    assert bench.venue.sent[3:] == [("BUY", D(1), D(90))]
    wallet = await bench.wallets.of(ME)
    earned = D("0.999") * 100 - 90 - D("0.0999")
    assert -wallet.spent == earned


async def test_it_turns_as_often_as_the_price_does_between_two_beats(bench):
    await laid(bench)
    for price in (89, 101, 89, 101):
        await bench.closes(price)
        await bench.settle()
    assert Counter(side for side, _, _ in bench.venue.sent) == {"BUY": 4, "SELL": 2}


async def test_after_a_restart_it_goes_on_and_places_nothing_twice(opened, world):
    async with opened() as first:
        await laid(first)
        await first.closes(89)
    async with opened() as second:
        await second.told()
        await second.told()
        assert [side for side, _, _ in world.venue.sent] == ["BUY", "BUY", "SELL"]


async def test_part_of_an_order_counts_when_the_rest_was_cancelled(bench):
    mandate = await laid(bench)
    cell = next(iter(reversed(bench.venue.orders.values())))
    await bench.manager.on_report(bench.venue.filled(cell, D("0.4"), D(90)))
    await bench.strategies.stop(mandate.id)
    await bench.settle()
    assert {each.status for each in await bench.orders.all()} == {OrderStatus.CANCELED}
    await bench.strategies.start(mandate.id)
    await bench.settle()
    await bench.clock.advance(31)
    await bench.told()
    assert ("BUY", D("0.6"), D(90)) in bench.venue.sent


async def test_of_a_purchase_whose_fills_are_unheard_of_nothing_is_sold(bench):
    """What its fee was, and so how much there is to sell, is in the fills."""
    await laid(bench)
    upper = next(iter(reversed(bench.venue.orders.values())))
    whole = bench.venue.filled(upper, D(1), D(90))
    await bench.manager.on_report(replace(whole, fills=()))
    await bench.told()
    assert [side for side, _, _ in bench.venue.sent] == ["BUY", "BUY"]
    await bench.manager.on_report(whole)
    await bench.told()
    assert bench.venue.sent[2:] == [("SELL", D("0.999"), D(100))]


async def test_stopped_with_flatten_it_sells_all_and_begins_empty_when_started_again(bench):
    mandate = await laid(bench)
    await bench.beat(89)
    await bench.strategies.stop(mandate.id, flatten=True)
    await bench.settle()
    assert (await bench.mandate()).state is MandateState.STOPPED
    assert (await bench.wallets.of(ME)).position(BTC).quantity < STEP
    open_orders = [each for each in await bench.orders.all() if not each.status.is_final]
    assert open_orders == []
    before = len(bench.venue.sent)
    await bench.strategies.start(mandate.id)
    await bench.clock.advance(31)
    await bench.beat(95)
    assert bench.venue.sent[before:] == [("BUY", D(1), D(80)), ("BUY", D(1), D(90))]


async def test_what_ended_without_a_fill_is_placed_again_but_not_at_once(bench):
    bench.venue.script.append(Unreachable("circuit open"))
    await laid(bench)
    assert bench.venue.sent == [("BUY", D(1), D(90))]
    assert "after a while" in (await bench.mandate()).waiting["BTC/USDT"]
    await bench.clock.advance(31)
    bench.trader.wake()
    await bench.settle()
    assert bench.venue.sent[1:] == [("BUY", D(1), D(80))]
    assert (await bench.mandate()).waiting == {}


async def test_a_refused_cell_keeps_no_other_from_its_order(bench):
    bench.desk.refusals.append(RiskRefused("too many open orders", "max_open_orders"))
    await laid(bench)
    assert bench.venue.sent == [("BUY", D(1), D(90))]
    assert "after a while" in (await bench.mandate()).waiting["BTC/USDT"]


async def test_in_a_pause_nothing_new_rests(bench):
    bench.objection = "trading is PAUSED: lunch"
    await laid(bench)
    assert bench.venue.sent == []
    assert (await bench.mandate()).waiting["BTC/USDT"] == "trading is PAUSED: lunch"


@pytest.mark.parametrize(
    ("quantity", "reason"),
    [
        ("10", "all cells of BTC/USDT cost 1703.4 USDT, more than its 1000: take fewer levels"),
        ("0.01", "a cell of BTC/USDT cannot be ordered: 0.01 BTC are worth 0.8"),
    ],
)
async def test_a_grid_that_cannot_be_paid_or_ordered_does_not_begin(bench, quantity, reason):
    await laid(bench, quantity=quantity)
    failed = await bench.mandate()
    assert failed.state is MandateState.FAILED
    assert reason in failed.reason
    assert bench.venue.sent == []


async def test_a_range_of_its_own_waits_for_bars_that_move(bench):
    automatic = {"low": "0", "high": "0", "atr_period": "2", "atr_width": "2"}
    await bench.trading(strategy="grid", parameters={"levels": "3", "quantity": "1"} | automatic)
    await bench.beat(90)
    assert bench.venue.sent == [], "it has not moved, so there is no range"


async def test_a_range_from_the_first_bars_stays_when_prices_move_on(bench):
    rising = [bar(NOON - back * MINUTE, 95.0 - back) for back in (2, 1)]
    await bench.prices.upsert({BTC: rising})
    automatic = {"atr_period": "1", "atr_width": "10"}
    await bench.trading(strategy="grid", parameters={"levels": "3", "quantity": "1"} | automatic)
    for price in (95, 110, 95, 96):
        await bench.beat(price)
    assert {price for _, _, price in bench.venue.sent} <= {D(85), D(95), D(105)}
    assert len(bench.venue.sent) > 2


@pytest.mark.parametrize("more", [{"stop": True}, {"sizing": True}])
async def test_a_grid_has_its_own_quantity_and_no_stop(bench, more):
    wishes = {
        "stop": StopRule(kind=StopKind.TRAILING, distance_percent=D(1)),
        "sizing": Sizing(kind=SizeKind.QUOTE, amount=D(1)),
    }
    with pytest.raises(InvalidRequest, match="quantity of its own"):
        await bench.trading(strategy="grid", **{name: wishes[name] for name in more})


def test_cells_come_back_as_they_were_recorded():
    state = GridState(
        prices=(D(1), D(2), D("3.0")), quantity=D(1), held=(D("0.5"), D(0)), selling=(True, False)
    )
    cells = Cells(state=state, numbers=(3, 0), net=(D("0.4995"), D(0)))
    assert Cells.restored(cells.record()) == cells
    assert cells.emptied().numbers == (3, 0)


async def test_a_cell_trades_whole_steps_and_dust_of_fees_keeps_it_from_nothing(bench):
    await laid(bench, quantity="0.1019")
    await bench.beat(89)
    assert bench.venue.sent[-1] == ("SELL", D("0.1"), D(100))
    await bench.beat(101)
    assert bench.venue.sent[-1] == ("BUY", D("0.101"), D(90))


async def test_a_cell_of_which_fees_leave_less_than_a_step_rests_no_sale(bench):
    mandate = await laid(bench)
    state = GridState(prices=(D(80), D(90)), quantity=STEP, held=(STEP,), selling=(True,))
    cells = Cells(state=state, numbers=(0,), net=(STEP - STEP / 1000,))
    await Grids(bench.mandates._database).save(mandate.id, BTC, cells.record())
    before = len(bench.venue.sent)
    await bench.beat(95)
    assert len(bench.venue.sent) == before


async def test_a_grid_is_kept_by_mandate_and_symbol(bench):
    await laid(bench)
    database = bench.mandates._database
    assert await Grids(database).load(ME, BTC) is not None
    assert await Grids(database).load(UUID(int=1), BTC) is None


async def test_what_no_grid_can_have_it_is_not_given_later(bench):
    """Its cells would go on to spend what was taken from it, and nobody would keep the stop."""
    await bench.strategies.create(
        mandate(bench.clock.now(), strategy="grid", parameters=GRID, capital=D(300))
    )
    await bench.strategies.change(ME, capital=D(250))
    await bench.strategies.start(ME)
    await bench.beat(95)
    with pytest.raises(NotAllowed, match="laid for its capital"):
        await bench.strategies.change(ME, capital=D(100))
    for wish in (
        {"stop": StopRule(kind=StopKind.FIXED, distance_percent=D(5))},
        {"sizing": Sizing(kind=SizeKind.QUANTITY, amount=D(1))},
    ):
        with pytest.raises(InvalidRequest, match="a quantity of its own and no stop"):
            await bench.strategies.change(ME, **wish)
    assert (await bench.strategies.change(ME, capital=D(300))).capital == D(300)
