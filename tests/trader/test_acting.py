"""From a decision to its order: one for each change of the target, and none while in doubt."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.fakes.trader import AT_NOON, BTC, ETH, NOON, D, bar, instrument
from trading_system.domain.candles import MINUTE
from trading_system.domain.decisions import Outcome
from trading_system.domain.errors import (
    OutcomeUnknown,
    RiskRefused,
    StorageError,
    Unreachable,
)
from trading_system.domain.instruments import Symbol
from trading_system.domain.mandates import MandateState
from trading_system.domain.orders import OrderRequest, OrderType, Side

# 1000 USDT at 101: the limit is 102.01, and 0.2 % are kept for the fee.
FULL = D("9.783")


async def test_a_change_of_the_target_is_one_order_and_no_change_is_none(bench):
    await bench.trading()
    for price in (95, 101, 102, 103):
        await bench.beat(price)
    assert bench.venue.sent == [("BUY", FULL, D("102.01"))]
    await bench.beat(94)
    await bench.beat(93)
    held = FULL - FULL / 1000
    assert bench.venue.sent[1:] == [("SELL", held.quantize(D("0.001"), "ROUND_DOWN"), None)]
    assert await bench.outcomes() == [
        "fitted",
        "ordered",
        "unchanged",
        "unchanged",
        "ordered",
        "unchanged",
    ]


@pytest.mark.parametrize(
    "keeping",
    [
        lambda bench: setattr(bench, "objection", "trading is PAUSED: lunch"),
        lambda bench: setattr(bench, "not_ready", Unreachable("lunch: not reconciled")),
        lambda bench: bench.desk.refusals.append(StorageError("lunch: disk full")),
    ],
)
async def test_while_nothing_may_be_sent_the_newest_decision_waits_and_says_why(bench, keeping):
    await bench.trading()
    keeping(bench)
    await bench.beat(101)
    (decision,) = await bench.decisions.all()
    assert (decision.outcome, "lunch" in decision.reason) == (Outcome.PENDING, True)
    assert "lunch" in (await bench.mandate()).waiting["BTC/USDT"]
    await bench.told()
    assert await bench.outcomes() == ["pending"] or not bench.objection
    bench.objection = bench.not_ready = None
    await bench.told()
    assert await bench.outcomes() == ["ordered"]
    assert len(bench.venue.sent) == 1


async def test_a_decision_that_waited_too_long_is_missed_and_the_next_one_acts(bench):
    await bench.trading()
    bench.objection = "paused"
    await bench.beat(101)
    await bench.closes(102)
    bench.objection = None
    await bench.settle()
    bench.trader.wake()
    await bench.settle()
    assert bench.venue.sent == [], "it is a minute old"
    await bench.told()
    assert await bench.outcomes() == ["missed", "ordered"]


async def test_an_order_that_a_run_sent_and_could_not_note_is_found_under_its_key(bench):
    bench.objection = "paused"
    await bench.trading()
    await bench.beat(101)
    request = OrderRequest(symbol=BTC, side=Side.BUY, type=OrderType.MARKET, quantity=D(1))
    order = await bench.desk.place(request, f"strategy:{UUID(int=77).hex}:BTC/USDT:{NOON}")
    bench.objection = None
    await bench.told()
    (decision,) = await bench.decisions.all()
    assert (decision.outcome, decision.order_id) == (Outcome.ORDERED, order.id)
    assert len(bench.venue.sent) == 1


async def test_it_is_found_as_well_when_bars_have_closed_since(bench):
    bench.objection = "paused"
    await bench.trading()
    await bench.beat(101)
    request = OrderRequest(symbol=BTC, side=Side.BUY, type=OrderType.MARKET, quantity=FULL)
    order = await bench.desk.place(request, f"strategy:{UUID(int=77).hex}:BTC/USDT:{NOON}")
    await bench.closes(102, 103)
    bench.objection = None
    await bench.told()
    first = (await bench.decisions.all())[-1]
    assert (first.outcome, first.order_id) == (Outcome.ORDERED, order.id)
    assert await bench.outcomes() == ["ordered", "missed", "unchanged"]
    assert len(bench.venue.sent) == 1


async def test_what_is_bought_and_not_booked_yet_is_spent(bench):
    """Bought of one symbol and grown: its share is more than the cash that two others are left."""
    sol = Symbol("SOL", "USDT")
    bench.listing.rows[sol] = instrument(sol)
    await bench.registered.add(sol, AT_NOON)
    await bench.prices.upsert({sol: [bar(NOON - back * MINUTE, 90.0) for back in (3, 2, 1)]})
    await bench.trading(symbols=(BTC, ETH, sol))
    await bench.beat(101)
    await bench.closes(404)
    for symbol in (ETH, sol):
        await bench.prices.upsert({symbol: [bar(NOON + at * MINUTE, 101.0) for at in (0, 1)]})
        bench.venue.price[symbol] = D(101)
    bench.venue.tell_fills = False
    await bench.told(BTC, ETH, sol)
    await bench.fills_told()
    assert len(bench.venue.sent) == 3
    assert (await bench.wallets.of(UUID(int=77))).spent <= 1000


async def test_what_is_in_doubt_of_one_symbol_keeps_no_other_from_being_closed(bench):
    await bench.trading(symbols=(BTC, ETH))
    await bench.beat(101)
    bench.venue.tell_fills = False
    await bench.prices.upsert({ETH: [bar(NOON, 101.0)]})
    await bench.told(ETH)
    await bench.closes(95)
    await bench.prices.upsert({ETH: [bar(NOON + MINUTE, 101.0)]})
    bench.venue.price[ETH] = D(101)
    await bench.told(ETH)
    bench.venue.tell_fills = True
    assert [side for side, _, _ in bench.venue.sent] == ["BUY", "BUY"]
    await bench.told(BTC)
    assert [side for side, _, _ in bench.venue.sent] == ["BUY", "BUY", "SELL"]


async def test_a_target_that_needed_no_order_stands_as_well(bench):
    await bench.trading()
    for price in (95, 94, 93):
        await bench.beat(price)
    assert await bench.outcomes() == ["fitted", "unchanged", "unchanged"]


async def test_a_refused_order_is_tried_again_with_the_next_bar(bench):
    await bench.trading()
    bench.desk.refusals.append(RiskRefused("too much", "max_exposure"))
    await bench.beat(101)
    await bench.told()
    await bench.beat(102)
    assert await bench.outcomes() == ["refused", "ordered"]
    assert len(bench.venue.sent) == 1


async def test_an_order_that_the_venue_rejected_is_placed_again_with_the_next_bar(bench):
    await bench.trading()
    bench.venue.script.append(Unreachable("circuit open"))
    await bench.beat(101)
    await bench.beat(102)
    await bench.beat(103)
    assert await bench.outcomes() == ["ordered", "ordered", "unchanged"]
    assert len(bench.venue.sent) == 1


async def test_nothing_is_ordered_while_it_is_not_known_what_became_of_the_last_order(bench):
    await bench.trading()
    bench.venue.script.append(OutcomeUnknown("timeout"))
    await bench.beat(101)
    await bench.beat(95)
    newest = (await bench.decisions.all())[0]
    assert newest.outcome is Outcome.PENDING
    assert "UNKNOWN" in newest.reason
    assert bench.venue.sent == []


async def test_a_strategy_that_was_stopped_and_started_takes_its_target_up_again(bench):
    running = await bench.trading()
    await bench.beat(101)
    await bench.strategies.stop(running.id, flatten=True)
    await bench.settle()
    assert (await bench.mandate()).state is MandateState.STOPPED
    await bench.strategies.start(running.id)
    await bench.beat(102)
    assert [side for side, _, _ in bench.venue.sent] == ["BUY", "SELL", "BUY"]


async def test_where_nothing_can_be_sold_short_a_target_below_nothing_is_flat(bench):
    await bench.trading()
    for price in (101, 50, 51):
        await bench.beat(price)
    assert [side for side, _, _ in bench.venue.sent] == ["BUY", "SELL"]
    assert (await bench.wallets.of(UUID(int=77))).position(BTC).quantity >= 0
    assert await bench.outcomes() == ["ordered", "ordered", "fitted"]


async def test_where_it_can_one_order_turns_a_long_position_into_a_short_one(opened):
    async with opened(may_short=True) as bench:
        await bench.trading()
        await bench.beat(101)
        await bench.beat(50)
        await bench.beat(49)
        assert [side for side, _, _ in bench.venue.sent] == ["BUY", "SELL", "BUY"]
        _, turned, limit = bench.venue.sent[1]
        assert turned > FULL
        assert limit == D("49.5")
        assert abs((await bench.wallets.of(UUID(int=77))).position(BTC).quantity) < D("0.02")
