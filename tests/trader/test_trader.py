"""From closed candles to orders: each bar decided once, each change of a target one order."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from uuid import UUID

import pytest

from tests.trader.conftest import BTC, ETH, NOON, bar
from trading_system.domain.candles import MINUTE, Span
from trading_system.domain.decisions import Outcome
from trading_system.domain.errors import (
    OutcomeUnknown,
    RiskRefused,
    StorageError,
    Unreachable,
)
from trading_system.domain.events import StrategyChanged
from trading_system.domain.mandates import MandateState
from trading_system.domain.orders import OrderRequest, OrderType, Side
from trading_system.domain.timeframes import Timeframe

D = Decimal
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


async def test_a_decision_is_kept_with_its_bar_price_and_indicators(bench):
    await bench.trading()
    await bench.beat(101)
    (decision,) = await bench.decisions.all()
    assert (decision.bar.open_time, decision.price, decision.target) == (NOON, 101.0, 1.0)
    assert decision.lines == {"twice": 202.0}
    order = await bench.orders.get(decision.order_id)
    assert order.request.symbol == BTC


async def test_the_frame_begins_with_the_warm_up_and_is_what_was_seen(bench):
    """A candle that the venue rewrites later was still decided by as it was."""
    running = await bench.trading()
    await bench.beat(101)
    await bench.prices.upsert({BTC: [(NOON, 1.0, 1.0, 1.0, 1.0, 1.0)]})
    await bench.beat(102)
    rows = await bench.decisions.bars(running.id, BTC)
    assert rows[:, 0].tolist() == [NOON + step * MINUTE for step in (-2, -1, 0, 1)]
    assert rows[:, 4].tolist() == [90.0, 90.0, 101.0, 102.0]


async def test_told_of_the_same_beat_again_it_decides_and_orders_nothing(bench):
    await bench.trading()
    await bench.beat(101)
    await bench.told()
    await bench.told()
    assert len(bench.venue.sent) == 1
    assert await bench.outcomes() == ["ordered"]


async def test_after_a_restart_the_target_still_stands_even_when_a_stop_has_closed(opened, world):
    """What a stop closes stays closed until the target changes, as in a backtest."""
    async with opened() as first:
        await first.trading()
        await first.beat(101)
        held = (await first.wallets.of(_id(77))).position(BTC).quantity
    async with opened() as second:
        await close_by_stop(second, held)
        await second.beat(102)
        await second.beat(103)
        assert await second.outcomes() == ["ordered", "unchanged", "unchanged"]
        assert (await second.wallets.of(_id(77))).position(BTC).quantity < D("0.001")


async def close_by_stop(bench, held):
    """The fill of a stop of this mandate."""
    stop_id = _id(5)
    await bench.own.link_stop(_id(77), BTC, stop_id)
    quantity = held.quantize(D("0.001"), "ROUND_DOWN")
    request = OrderRequest(symbol=BTC, side=Side.SELL, type=OrderType.MARKET, quantity=quantity)
    await bench.desk.place(request, f"stop-{stop_id.hex}-1")


async def test_what_closed_while_nothing_ran_is_decided_in_order_and_only_the_newest_acts(
    opened, world
):
    async with opened() as first:
        await first.trading()
        await first.beat(95)
    async with opened() as second:
        await second.closes(101, 95, 101, 102)
        await second.told()
        assert await second.outcomes() == ["fitted", "missed", "missed", "missed", "ordered"]
        assert [each.target for each in await second.decisions.all()] == [1, 1, 0, 1, 0]
    assert len(world.venue.sent) == 1


async def test_days_that_are_fetched_in_portions_are_not_acted_on(bench):
    """A beat brings three thousand minutes at most; the last of them is not the newest."""
    await bench.trading()
    await bench.closes(101, 102, 103)
    stale = NOON + 2 * MINUTE
    bench.trader.on_candles({BTC: [_candle(stale - MINUTE)], ETH: []})
    await bench.settle()
    assert await bench.outcomes() == ["missed", "missed"]
    assert bench.venue.sent == []


async def test_a_long_time_away_is_caught_up_with_in_portions(bench, monkeypatch):
    monkeypatch.setattr("trading_system.trader.bars._AT_ONCE", 2)
    await bench.trading()
    await bench.closes(95, 101, 102, 95, 101)
    await bench.told()
    assert await bench.outcomes() == ["missed", "missed", "missed", "missed", "ordered"]


async def test_a_bar_of_an_hour_is_decided_when_its_last_minute_has_closed(bench):
    past = [_candle(NOON - back * MINUTE, 90.0) for back in range(120, 0, -1)]
    await bench.prices.upsert({BTC: past})
    await bench.trading(timeframe=Timeframe.parse("1h"))
    for _ in range(59):
        await bench.closes(101)
    await bench.told()
    assert await bench.outcomes() == []
    await bench.beat(102)
    (decision,) = await bench.decisions.all()
    assert (decision.bar.open_time, decision.bar.close, decision.bar.volume) == (NOON, 102.0, 60.0)


async def test_a_missing_minute_is_waited_for_and_a_hole_of_the_venue_is_not(bench):
    await bench.trading()
    await bench.clock.advance(60)
    await bench.beat(101)
    assert "12:00+00:00 is missing" in (await bench.mandate()).waiting["BTC/USDT"]
    assert await bench.outcomes() == []
    await bench.prices.record_holes(BTC, [Span(NOON, NOON + MINUTE)], bench.clock.now())
    await bench.told()
    assert await bench.outcomes() == ["ordered"]
    assert (await bench.mandate()).waiting == {}


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
    order = await bench.desk.place(request, f"strategy:{_id(77).hex}:BTC/USDT:{NOON}")
    bench.objection = None
    await bench.told()
    (decision,) = await bench.decisions.all()
    assert (decision.outcome, decision.order_id) == (Outcome.ORDERED, order.id)
    assert len(bench.venue.sent) == 1


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
    assert (await bench.wallets.of(_id(77))).position(BTC).quantity >= 0
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
        assert abs((await bench.wallets.of(_id(77))).position(BTC).quantity) < D("0.02")


async def test_while_there_are_no_strategies_orders_wake_nobody(bench):
    await bench.trader.step()
    request = OrderRequest(symbol=BTC, side=Side.BUY, type=OrderType.MARKET, quantity=D(1))
    await bench.desk.place(request)
    assert not bench.trader._woken.is_set()


async def test_several_strategies_trade_one_symbol_each_with_its_own_wallet(bench):
    one = await bench.trading(id=_id(1), capital=D(1000))
    two = await bench.trading(id=_id(2), capital=D(500))
    await bench.beat(101)
    held = [(await bench.wallets.of(each.id)).position(BTC).quantity for each in (one, two)]
    assert held[0] == FULL * D("0.999")
    assert held[1] == D("4.891") * D("0.999")
    assert {quantity for _, quantity, _ in bench.venue.sent} == {FULL, D("4.891")}


async def test_one_strategy_on_two_symbols_shares_its_capital_evenly(bench):
    await bench.trading(symbols=(BTC, ETH))
    await bench.closes(101)
    await bench.prices.upsert({ETH: [_candle(NOON, 101.0)]})
    bench.venue.price[ETH] = D(101)
    await bench.told(BTC, ETH)
    assert [quantity for _, quantity, _ in bench.venue.sent] == [
        D("4.891"),
        D("4.889"),  # the fee of the first has made the equity smaller
    ]


@pytest.mark.parametrize(
    ("price", "reason"),
    [
        (13, "RuntimeError: unlucky"),
        (14, "ValueError: a target is nan, not within [-1, 1]"),
        (15, "ValueError: targets() of 2 bars has the shape (1,)"),
    ],
)
async def test_a_strategy_that_fails_is_stopped_told_and_costs_the_others_nothing(
    bench, price, reason
):
    told = []
    bench.bus.subscribe(StrategyChanged, told.append)
    broken = await bench.trading(id=_id(1), strategy="wrong", symbols=(ETH,))
    await bench.trading(id=_id(2))
    await bench.closes(101)
    await bench.prices.upsert({ETH: [_candle(NOON, 1.0)]})
    await bench.told(BTC, ETH)
    await bench.closes(102)
    await bench.prices.upsert({ETH: [_candle(NOON + MINUTE, price)]})
    await bench.told(BTC, ETH)
    failed = await bench.mandates.get(broken.id)
    assert (failed.state, failed.reason) == (MandateState.FAILED, reason)
    assert told[-1].mandate == failed
    assert await bench.outcomes() == ["ordered", "unchanged"]


async def test_a_failed_strategy_can_be_started_again_where_it_was(bench):
    broken = await bench.trading(strategy="wrong")
    await bench.beat(1)
    await bench.beat(13)
    assert await bench.outcomes() == ["fitted"]
    await bench.prices.upsert({BTC: [_candle(NOON + MINUTE, 1.0)]})
    await bench.strategies.start(broken.id)
    await bench.beat(1)
    assert await bench.outcomes() == ["fitted", "missed", "fitted"]


async def test_a_disk_that_fails_begins_the_run_anew_and_loses_nothing(opened):
    failures = [StorageError("disk full")]

    class Failing:
        def __init__(self, port) -> None:
            self.port = port

        def __getattr__(self, name):
            return getattr(self.port, name)

        async def add(self, decisions):
            if failures:
                raise failures.pop()
            await self.port.add(decisions)

    def wrap(name, port):
        return Failing(port) if name == "decisions" else port

    async with opened(wrap) as bench:
        await bench.trading()
        await bench.beat(101)
        assert await bench.outcomes() == []
        await bench.told()
        assert await bench.outcomes() == ["ordered"]
        assert [brain.closed for brain in bench.brains.opened[1:]] == [True, False]


async def test_a_bug_in_one_run_is_logged_and_the_run_begins_anew(opened):
    class Broken:
        async def bars(self, *_):
            raise ZeroDivisionError

    def wrap(name, port):
        return Broken() if name == "decisions" else port

    async with opened(wrap) as bench:
        await bench.trading()
        assert [brain.closed for brain in bench.brains.opened] == [True, True]
        assert (await bench.mandate()).state is MandateState.RUNNING


async def test_the_loop_runs_until_it_is_cancelled_and_leaves_no_process(bench):
    await bench.trading()
    loop = asyncio.create_task(bench.trader.run())
    await bench.closes(101)
    bench.trader.on_candles({BTC: [_candle(NOON)]})
    await until(lambda: bench.venue.sent)
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)
    assert all(brain.closed for brain in bench.brains.opened)


async def test_one_that_takes_its_time_keeps_no_other_from_its_next_beat(bench):
    gate = asyncio.Event()
    await bench.trading(id=_id(1), strategy="wrong", symbols=(ETH,))
    slow = bench.brains.opened[-1]
    decide = slow.decide

    async def slowly(bars):
        await gate.wait()
        return await decide(bars)

    slow.decide = slowly
    await bench.trading(id=_id(2))
    loop = asyncio.create_task(bench.trader.run())
    for number, price in enumerate((101, 95), 1):
        await bench.closes(price)
        at = NOON + (number - 1) * MINUTE
        await bench.prices.upsert({ETH: [_candle(at)]})
        bench.trader.on_candles({BTC: [_candle(at)], ETH: [_candle(at)]})
        await until(lambda number=number: len(bench.venue.sent) == number)
    assert await bench.outcomes(ETH) == []
    gate.set()
    await until(lambda: slow.frames)
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)


async def until(condition):
    """A real disk is at work."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 -- nothing tells
            await asyncio.sleep(0.001)


async def test_mandates_that_cannot_be_read_are_read_again(opened):
    failures = [StorageError("disk full")]

    class Failing:
        def __init__(self, port) -> None:
            self.port = port

        def __getattr__(self, name):
            return getattr(self.port, name)

        async def all(self, states=None):
            if failures:
                raise failures.pop()
            return await self.port.all(states)

    async with opened(lambda name, port: Failing(port) if name == "mandates" else port) as bench:
        await bench.trader.step()
        await bench.trading()
        await bench.beat(101)
        assert await bench.outcomes() == ["ordered"]


def _candle(open_time, price=1.0):
    return bar(open_time, price)


def _id(number):
    return UUID(int=number)
