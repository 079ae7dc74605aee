"""Stops are kept: at the venue, else here; over crashes, refusals and changing positions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from uuid import UUID

import pytest

from tests.conftest import settle
from tests.fakes.portfolio import (
    BTC,
    ETH,
    FakeDealing,
    FakeHoldings,
    FakeListed,
    FakeLive,
    FakeRecord,
    FakeStopRepository,
    booked,
)
from trading_system.bus import Bus
from trading_system.domain.errors import (
    NotAllowed,
    NotFound,
    OutcomeUnknown,
    StorageError,
    Unreachable,
)
from trading_system.domain.events import OrderChanged, PositionChanged, StopFailed
from trading_system.domain.market import Ticker, Trade
from trading_system.domain.orders import OrderStatus, OrderType, Side
from trading_system.domain.stops import Keeper, StopKind, StopStatus, StopWish
from trading_system.execution.stop_wishes import StopWishes
from trading_system.execution.stops import StopKeeper

D = Decimal
FIXED = StopWish(kind=StopKind.FIXED, symbol=BTC, trigger_price=D(90))
TRAILING = StopWish(kind=StopKind.TRAILING, symbol=BTC, distance_percent=D(10))
FILLED = {"status": OrderStatus.FILLED, "executed_quantity": D(2)}
REJECTED = {"status": OrderStatus.REJECTED, "reject_reason": "not supported"}


class Crash(BaseException):
    """The process ends here."""


class Bench:
    """A keeper over fakes; `keeper` again makes the one of a later run."""

    def __init__(self, clock) -> None:
        self.clock, self.bus = clock, Bus()
        self.holdings, self.live = FakeHoldings(BTC="2"), FakeLive(BTC=100.0)
        self.listed = FakeListed("STOP_LOSS")
        self.record, self.repository = FakeRecord(), FakeStopRepository()
        self.dealing = FakeDealing(self.record, clock)
        self.first_pass = lambda: None  # what becomes known when our record is the venue's
        self.keeper = self.opened()
        self.tasks: list[asyncio.Task] = []

    def opened(self):
        return StopKeeper(
            stops=self.repository,
            wishes=StopWishes(
                holdings=self.holdings,
                orders=self.record,
                market_data=self.listed,
                live=self.live,
                volatility=None,
            ),
            desk=self.dealing,
            manager=self.dealing,
            orders=self.record,
            holdings=self.holdings,
            market_data=self.listed,
            live=self.live,
            clock=self.clock,
            bus=self.bus,
            ready=self.ready,
        )

    async def ready(self):
        await asyncio.sleep(0)
        self.first_pass()

    async def restart(self):
        for task in self.tasks:
            task.cancel()
        self.bus = Bus()
        self.keeper = self.opened()
        await self.run()

    async def run(self):
        self.tasks.append(asyncio.create_task(self.keeper.run()))
        await settle()

    async def trades(self, *prices, symbol=BTC, at=None):
        for price in prices:
            now = self.clock.milliseconds() if at is None else at
            self.bus.publish(Trade(symbol, 1, float(price), 1.0, False, now, now))
        await settle()

    def by_system(self):
        self.listed.instrument = replace(self.listed.instrument, order_types=frozenset())


@pytest.fixture
async def bench(clock):
    bench = Bench(clock)
    yield bench
    for task in bench.tasks:
        task.cancel()


async def test_a_fixed_one_is_an_order_of_the_venue_at_once(bench):
    stop = await bench.keeper.guard(FIXED)
    (request,) = bench.dealing.placed
    assert (request.type, request.stop_price, request.quantity) == (OrderType.STOP_LOSS, 90, 2)
    assert (stop.kept_by, stop.status) == (Keeper.VENUE, StopStatus.ACTIVE)
    assert stop.order_id in bench.record.orders
    assert bench.keeper.symbols == {BTC}
    assert await bench.keeper.get(stop.id) == stop
    assert await bench.keeper.all(symbol=BTC, limit=3) == [stop]


async def test_asked_for_twice_under_an_id_of_its_own_it_is_one_stop(bench):
    named = replace(FIXED, id=UUID(int=9))
    first = await bench.keeper.guard(named)
    assert first.id == UUID(int=9)
    assert await bench.keeper.guard(named) == first
    assert len(bench.dealing.placed) == 1


async def test_it_is_saved_before_its_order_is_sent(bench):
    seen = []
    place = bench.dealing.place

    async def watching(request, key):
        seen.append(bench.repository.saved[-1])
        return await place(request, key)

    bench.dealing.place = watching
    await bench.keeper.guard(FIXED)
    (saved,) = seen
    assert (saved.attempt, saved.ordered, saved.order_id) == (1, 2, None)


async def test_a_filled_order_ends_the_stop(bench):
    stop = await bench.keeper.guard(FIXED)
    await bench.run()
    changed = bench.dealing.set(stop.order_id, **FILLED)
    bench.holdings.hold("0")
    bench.bus.publish(OrderChanged(order=changed, source="stream"))
    await settle()
    assert bench.repository.rows[stop.id].status is StopStatus.DONE
    assert bench.keeper.symbols == frozenset()


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_crash_around_the_sending_makes_one_order(bench, moment):
    """Before: saved and not sent. After: on the venue's record, and nobody noted its number."""
    if moment == "before":
        bench.dealing.script = [Crash()]
    else:
        bench.dealing.crash = Crash()
    bench.dealing.place = _crashing(bench.dealing)
    with pytest.raises(Crash):
        await bench.keeper.guard(FIXED)
    await bench.restart()
    (stop,) = bench.repository.rows.values()
    assert len(bench.dealing.placed) == 1
    assert (stop.status, stop.attempt) == (StopStatus.ACTIVE, 1)
    assert stop.order_id == next(iter(bench.record.orders))


def _crashing(dealing) -> Callable:
    place = dealing.place

    async def crashing(request, key):
        if dealing.script and isinstance(dealing.script[0], BaseException):
            raise dealing.script.pop(0)
        return await place(request, key)

    return crashing


@pytest.mark.parametrize("held", ["1.25", "3"])
async def test_its_order_follows_the_position(bench, held):
    stop = await bench.keeper.guard(FIXED)
    await bench.run()
    bench.holdings.hold(held)
    bench.bus.publish(
        PositionChanged(
            position=SimpleNamespace(symbol=BTC), realised=D(0), order_id=stop.id, trade_id="1"
        )
    )
    await settle()
    assert bench.dealing.cancelled == [stop.order_id]
    assert [request.quantity for request in bench.dealing.placed] == [
        2,
        D(held).quantize(D("0.1"), "ROUND_DOWN"),
    ]
    assert bench.repository.rows[stop.id].status is StopStatus.ACTIVE


async def test_a_crash_between_cancelling_and_placing_anew_leaves_a_guard(bench):
    stop = await bench.keeper.guard(FIXED)
    bench.holdings.hold("1")
    bench.dealing.script = [Crash()]
    bench.dealing.place = _crashing(bench.dealing)
    with pytest.raises(Crash):
        await bench.keeper._keep(stop.id)
    await bench.restart()
    assert [request.quantity for request in bench.dealing.placed] == [2, 1]
    assert bench.repository.rows[stop.id].status is StopStatus.ACTIVE


async def test_when_the_position_has_ended_so_have_order_and_stop(bench, clock):
    stop = await bench.keeper.guard(FIXED)
    await bench.run()
    bench.holdings.hold("0")
    await clock.advance(1)
    assert bench.dealing.cancelled == [stop.order_id]
    assert bench.repository.rows[stop.id].status is StopStatus.CANCELLED


async def test_an_order_that_could_not_be_cancelled_is_asked_about_again(bench, clock):
    stop = await bench.keeper.guard(FIXED)
    bench.dealing.cancel_answers = [OutcomeUnknown("no answer"), OrderStatus.PENDING_CANCEL]
    cancelling = await bench.keeper.cancel(stop.id)
    assert (cancelling.status, cancelling.reason) == (StopStatus.CANCELLING, "no answer")
    await bench.run()
    await clock.advance(1)
    assert len(bench.dealing.cancelled) == 1
    await clock.advance(2)
    assert len(bench.dealing.cancelled) == 2
    assert bench.repository.rows[stop.id].status is StopStatus.CANCELLING
    bench.dealing.set(stop.order_id, status=OrderStatus.CANCELED)
    await clock.advance(1)
    assert bench.repository.rows[stop.id].status is StopStatus.CANCELLED


async def test_cancelled_it_guards_no_longer_and_twice_is_once(bench):
    stop = await bench.keeper.guard(FIXED)
    gone = await bench.keeper.cancel(stop.id)
    assert (gone.status, gone.reason) == (StopStatus.CANCELLED, "asked for")
    assert await bench.keeper.cancel(stop.id) == gone
    assert bench.dealing.cancelled == [stop.order_id]
    with pytest.raises(NotFound):
        await bench.keeper.cancel(UUID(int=99))


async def test_what_the_venue_refuses_the_system_watches_and_says_so(bench):
    bench.dealing.script = [REJECTED]
    stop = await bench.keeper.guard(FIXED)
    assert (stop.kept_by, stop.status, stop.reason) == ("system", "active", "not supported")
    await bench.run()
    await bench.trades(95)
    assert len(bench.dealing.placed) == 1
    bench.dealing.script = [FILLED]
    await bench.trades(90)
    assert bench.dealing.placed[-1].type is OrderType.MARKET
    assert bench.repository.rows[stop.id].status is StopStatus.DONE


async def test_a_watched_trailing_one_follows_the_best_price_over_a_restart(bench, clock):
    bench.by_system()
    stop = await bench.keeper.guard(TRAILING)
    await bench.run()
    await bench.trades(150, 140)
    await clock.advance(1)
    assert bench.repository.rows[stop.id].best == 150
    bench.live.last = {}
    await bench.restart()
    await bench.trades(136)
    assert bench.dealing.placed == []
    bench.dealing.script = [FILLED]
    await bench.trades(135)
    (request,) = bench.dealing.placed
    assert (request.side, request.type, request.quantity) == (Side.SELL, OrderType.MARKET, 2)
    assert bench.repository.rows[stop.id].status is StopStatus.DONE


async def test_a_price_that_hits_between_two_looks_is_not_missed(bench):
    bench.by_system()
    await bench.keeper.guard(FIXED)
    await bench.run()
    bench.dealing.script = [FILLED]
    await bench.trades(89, 120, 130)
    assert len(bench.dealing.placed) == 1


async def test_tickers_are_heard_and_older_prices_and_other_symbols_are_not(bench, clock):
    bench.by_system()
    await bench.keeper.guard(FIXED)
    await bench.run()
    now = clock.milliseconds()
    await bench.trades(100, at=now)
    await bench.trades(80, at=now - 1)
    await bench.trades(80, symbol=ETH)
    bench.bus.publish(OrderChanged(order=_order_of(ETH), source="stream"))
    await settle()
    assert bench.dealing.placed == []
    bench.bus.publish(Ticker(BTC, 80.0, 80.0, 80.0, 80.0, 1.0, 1.0, now, now))
    await settle()
    assert len(bench.dealing.placed) == 1


def _order_of(symbol):
    return SimpleNamespace(request=SimpleNamespace(symbol=symbol))


async def test_one_that_was_hit_while_nothing_ran_closes_at_the_start(bench):
    bench.by_system()
    await bench.keeper.guard(FIXED)
    bench.live.last = {BTC: 85.0}
    await bench.restart()
    assert len(bench.dealing.placed) == 1


async def test_one_by_time_closes_at_its_deadline(bench, clock):
    deadline = clock.now() + timedelta(seconds=30)
    stop = await bench.keeper.guard(StopWish(kind=StopKind.TIME, symbol=BTC, deadline=deadline))
    await bench.run()
    await clock.advance(29)
    assert bench.dealing.placed == []
    bench.dealing.script = [FILLED]
    await clock.advance(2)
    assert len(bench.dealing.placed) == 1
    ended = bench.repository.rows[stop.id]
    assert (ended.status, ended.reason) == (StopStatus.DONE, None)


async def test_a_deadline_missed_while_nothing_ran_is_acted_upon_at_the_start_and_said(
    bench, clock
):
    deadline = clock.now() + timedelta(seconds=30)
    stop = await bench.keeper.guard(StopWish(kind=StopKind.TIME, symbol=BTC, deadline=deadline))
    await clock.advance(630)
    bench.dealing.script = [FILLED]
    await bench.restart()
    assert len(bench.dealing.placed) == 1
    assert bench.repository.rows[stop.id].reason == "600 s late: nothing ran at its moment"


async def test_while_our_own_rules_refuse_it_waits_and_closes_once_they_allow(bench, clock):
    """No order was made, so the next one is for what is held by then."""
    bench.by_system()
    stop = await bench.keeper.guard(FIXED)
    await bench.run()
    bench.dealing.script = [NotAllowed("the kill switch is on"), FILLED]
    await bench.trades(80)
    waiting = bench.repository.rows[stop.id]
    assert (waiting.status, waiting.ordered) == (StopStatus.TRIGGERED, None)
    assert waiting.reason == "the kill switch is on"
    await bench.trades(120)  # what has triggered closes, even when the price has come back
    bench.holdings.hold("1.5")
    await clock.advance(1.5)
    assert bench.dealing.placed == []
    await clock.advance(1)
    assert [request.quantity for request in bench.dealing.placed] == [D("1.5")]
    assert bench.repository.rows[stop.id].status is StopStatus.DONE


async def test_what_an_earlier_run_has_sent_is_never_forgotten(bench, clock):
    """On record under its key it is the stop's order, whatever our rules say to it now."""
    bench.dealing.crash = Crash()
    with pytest.raises(Crash):
        await bench.keeper.guard(FIXED)
    bench.dealing.script = [NotAllowed("paused")] * 9
    await bench.restart()
    (stop,) = bench.repository.rows.values()
    assert (stop.attempt, stop.ordered, stop.reason) == (1, 2, None)
    assert stop.order_id in bench.record.orders


async def test_what_an_earlier_run_only_meant_to_send_is_decided_anew(bench, clock):
    """Half of it was sold while nothing ran."""
    bench.dealing.script = [Crash()]
    bench.dealing.place = _crashing(bench.dealing)
    with pytest.raises(Crash):
        await bench.keeper.guard(FIXED)
    bench.holdings.hold("1")
    await bench.restart()
    (stop,) = bench.repository.rows.values()
    assert (stop.attempt, stop.ordered) == (1, 1)
    assert [request.quantity for request in bench.dealing.placed] == [1]


async def test_at_the_start_nothing_is_decided_before_it_is_known_what_is_held(bench, clock):
    """The position was closed while nothing ran, which the first look at the venue tells."""
    wish = StopWish(kind=StopKind.TIME, symbol=BTC, deadline=clock.now() + timedelta(hours=1))
    stop = await bench.keeper.guard(wish)
    await clock.advance(7200)
    bench.first_pass = bench.holdings.rows.clear
    await bench.restart()
    assert bench.dealing.placed == []
    assert bench.repository.rows[stop.id].status is StopStatus.CANCELLED


async def test_while_it_is_not_known_what_is_held_nothing_new_is_guarded_and_nothing_sent(
    bench, clock
):
    bench.by_system()
    stop = await bench.keeper.guard(FIXED)

    def unknown():
        raise Unreachable("no route")

    bench.first_pass = unknown
    with pytest.raises(Unreachable):
        await bench.keeper.guard(FIXED)
    await bench.run()
    await bench.trades(80)
    assert bench.dealing.placed == []
    assert bench.repository.rows[stop.id].reason == "no route"
    bench.first_pass = lambda: None
    await clock.advance(3)
    assert len(bench.dealing.placed) == 1


async def test_an_order_is_not_given_up_before_its_successor_would_be_taken(bench, clock):
    stop = await bench.keeper.guard(FIXED)
    await bench.run()
    bench.holdings.hold("1")
    bench.dealing.objections = [NotAllowed("5 failures")] * 2
    await clock.advance(3)
    waiting = bench.repository.rows[stop.id]
    assert (waiting.status, waiting.reason) == (StopStatus.ACTIVE, "5 failures")
    assert bench.dealing.cancelled == []
    await clock.advance(10)
    assert bench.dealing.cancelled == [stop.order_id]
    assert [request.quantity for request in bench.dealing.placed] == [2, 1]
    assert bench.dealing.checked == [(bench.dealing.placed[-1], stop.order_id)] * 3


async def test_what_the_venue_has_not_taken_yet_is_watched_and_closed_at_once(bench, clock):
    """Its successor was refused after all: it waits a minute for the next try, but not if hit."""
    stop = await bench.keeper.guard(FIXED)
    await bench.run()
    bench.holdings.hold("1")
    bench.dealing.script = [NotAllowed("not now")] * 6
    await clock.advance(90)
    waiting = bench.repository.rows[stop.id]
    assert (waiting.status, waiting.order_id, waiting.kept_by) == ("active", None, "venue")
    bench.dealing.script = [FILLED]
    await bench.trades(90)
    assert (bench.dealing.placed[-1].type, bench.dealing.placed[-1].quantity) == ("MARKET", 1)
    assert bench.repository.rows[stop.id].status is StopStatus.DONE


async def test_a_price_that_the_venue_did_not_act_upon_closes_nothing_later(bench, clock):
    """Its prices decide while it keeps the order, and ours may be of another venue."""
    stop = await bench.keeper.guard(FIXED)
    await bench.run()
    await bench.trades(89, 100)
    bench.live.last = {BTC: 100.0}
    bench.holdings.hold("1")
    await clock.advance(1)
    assert [request.type for request in bench.dealing.placed] == ["STOP_LOSS", "STOP_LOSS"]
    assert bench.repository.rows[stop.id].status is StopStatus.ACTIVE


async def test_more_than_the_venue_takes_at_once_is_closed_by_several_orders(bench, clock):
    bench.by_system()
    bench.listed.instrument = replace(bench.listed.instrument, market_max_quantity=D("0.85"))
    stop = await bench.keeper.guard(FIXED)
    await bench.run()
    place = bench.dealing.place

    async def filling(request, key):
        order = await place(request, key)
        bench.holdings.rows[BTC] -= request.quantity
        bench.record.rows.append(
            booked(len(bench.record.rows), "SELL", request.quantity, "80", clock.now(), order=0)
        )
        bench.record.rows[-1] = replace(bench.record.rows[-1], order_id=order.id)
        return bench.dealing.set(
            order.id, status=OrderStatus.FILLED, executed_quantity=request.quantity
        )

    bench.dealing.place = filling
    await bench.trades(80)
    await clock.advance(1)
    assert [request.quantity for request in bench.dealing.placed] == [D("0.8"), D("0.8"), D("0.4")]
    ended = bench.repository.rows[stop.id]
    assert (ended.status, ended.closed) == (StopStatus.DONE, 2)


async def test_every_order_of_a_stop_may_only_close(bench):
    await bench.keeper.guard(FIXED)
    bench.by_system()
    await bench.keeper.guard(FIXED)
    await bench.run()
    await bench.trades(80)
    assert [request.reduce_only for request in bench.dealing.placed] == [True, True]


async def test_one_that_waits_to_close_can_still_be_called_back(bench):
    bench.by_system()
    stop = await bench.keeper.guard(FIXED)
    await bench.run()
    bench.dealing.script = [NotAllowed("the kill switch is on")]
    await bench.trades(80)
    assert (await bench.keeper.cancel(stop.id)).status is StopStatus.CANCELLED


async def test_a_symbol_that_is_listed_no_more_is_said_and_harms_no_other(bench, clock):
    stop = await bench.keeper.guard(FIXED)
    bench.repository.rows[UUID(int=1)] = replace(stop, id=UUID(int=1), symbol=ETH, order_id=None)
    await bench.restart()
    await bench.trades(95)
    gone = bench.repository.rows[UUID(int=1)]
    assert gone.reason == "the venue lists no ETH/USDT any more"
    assert bench.repository.rows[stop.id].reason is None


async def test_what_is_sold_at_the_market_has_the_steps_of_market_orders(bench):
    bench.listed.instrument = replace(bench.listed.instrument, market_step_size=D("0.5"))
    bench.holdings.hold("1.9")
    await bench.keeper.guard(FIXED)
    assert bench.dealing.placed[0].quantity == D("1.5")


async def test_a_venue_that_set_its_clock_back_is_still_heard(bench, clock):
    bench.by_system()
    await bench.keeper.guard(FIXED)
    await bench.run()
    await bench.trades(100)
    await bench.trades(80, at=clock.milliseconds() - 60_000)
    assert len(bench.dealing.placed) == 1


async def test_a_venue_that_refuses_to_close_is_tried_less_and_less_often_until_it_fails(
    bench, clock
):
    bench.by_system()
    stop = await bench.keeper.guard(FIXED)
    await bench.run()
    bench.dealing.script = [REJECTED] * 20
    await bench.trades(80)
    assert len(bench.dealing.placed) == 2
    await clock.advance(3)
    assert len(bench.dealing.placed) == 3
    await clock.advance(4)
    assert len(bench.dealing.placed) == 4
    await clock.advance(600)
    assert len(bench.dealing.placed) == 10
    failed = bench.repository.rows[stop.id]
    assert (failed.status, failed.reason) == (StopStatus.FAILED, "not supported")


async def test_one_that_was_named_is_one_however_often_it_is_wished_for(bench):
    named = replace(FIXED, id=UUID(int=9))
    first = await bench.keeper.guard(named)
    assert first.id == UUID(int=9)
    assert await bench.keeper.guard(named) == first
    assert len(bench.dealing.placed) == 1


@pytest.fixture
async def given_up(bench, clock):
    """A stop that gave up after ten refusals, and what was published of it."""
    told = []
    bench.bus.subscribe(StopFailed, told.append)
    bench.by_system()
    stop = await bench.keeper.guard(FIXED)
    await bench.run()
    bench.dealing.script = [REJECTED] * 20
    await bench.trades(80)
    await clock.advance(600)
    bench.dealing.script = []
    return bench.repository.rows[stop.id], told


async def test_one_that_gave_up_is_told_once_and_as_long_as_nothing_guards_the_position(
    bench, given_up
):
    stop, told = given_up
    assert told == [StopFailed(stop=stop)]
    assert await bench.keeper.failed() == [stop]
    await bench.restart()
    assert await bench.keeper.failed() == [stop]
    bench.holdings.hold("0")
    assert await bench.keeper.failed() == []


async def test_another_guard_takes_over_from_one_that_gave_up(bench, given_up):
    stop, _ = given_up
    another = await bench.keeper.guard(replace(FIXED, trigger_price=D(70)))
    assert await bench.keeper.failed() == []
    await bench.keeper.cancel(another.id)
    assert await bench.keeper.failed() == [stop]


async def test_a_guard_of_a_part_leaves_the_rest_to_be_told(bench, given_up):
    stop, _ = given_up  # of all of two
    half = replace(FIXED, trigger_price=D(70), quantity=D("1.5"))
    await bench.keeper.guard(half)
    assert await bench.keeper.failed() == [stop]
    await bench.keeper.guard(replace(half, quantity=D("0.5")))
    assert await bench.keeper.failed() == []


async def test_cancelling_one_that_gave_up_says_that_somebody_has_taken_note(bench, given_up):
    stop, told = given_up
    after = await bench.keeper.cancel(stop.id)
    assert (after.status, after.reason) == (StopStatus.CANCELLED, "not supported")
    assert await bench.keeper.failed() == []
    assert len(told) == 1


async def test_one_that_gave_up_on_what_was_sold_short_counts_while_that_is_open(bench, given_up):
    stop, _ = given_up
    bench.repository.rows = {stop.id: replace(stop, side=Side.BUY)}
    assert await bench.keeper.failed() == []
    bench.holdings.hold("-2")
    assert [each.id for each in await bench.keeper.failed()] == [stop.id]


async def test_a_venue_that_cannot_be_reached_is_tried_again_with_the_same_order(bench, clock):
    bench.dealing.script = [Unreachable("no route")] * 2
    stop = await bench.keeper.guard(FIXED)
    assert (stop.status, stop.reason, stop.attempt) == (StopStatus.ACTIVE, "no route", 1)
    await bench.run()
    await clock.advance(3)
    saves = len(bench.repository.saved)
    assert bench.dealing.placed == []
    assert len([saved for saved in bench.repository.saved if saved.reason == "no route"]) == 1
    await clock.advance(5)
    assert len(bench.dealing.placed) == 1
    assert len(bench.repository.saved) > saves
    assert bench.repository.rows[stop.id].attempt == 1


async def test_one_that_is_closing_cannot_be_called_back(bench):
    bench.by_system()
    stop = await bench.keeper.guard(FIXED)
    await bench.run()
    await bench.trades(80)
    closing = bench.repository.rows[stop.id]
    assert closing.status is StopStatus.TRIGGERED
    assert await bench.keeper.cancel(stop.id) == closing
    assert bench.dealing.cancelled == []


async def test_a_record_that_cannot_be_read_is_read_again(bench, clock):
    unfinished = bench.repository.unfinished
    failures = [StorageError("the disk is full")]

    async def failing():
        if failures:
            raise failures.pop()
        return await unfinished()

    bench.repository.unfinished = failing
    await bench.run()
    stop = await bench.keeper.guard(FIXED)
    await clock.advance(1)
    assert bench.repository.rows[stop.id].order_id is not None
    assert len(bench.dealing.placed) == 1


async def test_one_that_ended_meanwhile_is_left_alone(bench):
    stop = await bench.keeper.guard(FIXED)
    await bench.keeper.cancel(stop.id)
    assert (await bench.keeper._keep(stop.id)).status is StopStatus.CANCELLED
    assert len(bench.dealing.placed) == 1
