"""No order is guessed: what never answered is asked after until the venue's word is certain."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.conftest import settle
from tests.fakes.execution import FakeTrading
from trading_system.domain.errors import (
    OrderNotFound,
    OutcomeUnknown,
    Rejected,
    UnknownSymbol,
    Unreachable,
    Unreadable,
)
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import OrderRequest, OrderStatus, OrderType, Side
from trading_system.domain.reports import Fill, Report, VenueFill, VenueOrder
from trading_system.execution.look_ups import Asked, LookUps

S = OrderStatus
BTC = Symbol("BTC", "USDT")
REQUEST = OrderRequest(symbol=BTC, side=Side.BUY, type=OrderType.MARKET, quantity=Decimal(2))
ABSENT = OrderNotFound(-2013, "Order does not exist.")


@pytest.fixture
def ask(look_ups, orders):
    """Look up everything that has not ended, so many times, with so many seconds between."""

    async def again(times=1, *, by=look_ups, clock=None, seconds=0.0):
        for number in range(times):
            if number:
                await clock.advance(seconds)
            asked = await by.ask([o for o in await orders.all() if not o.status.is_final])
        return asked

    return again


@pytest.fixture
def shown(clock):
    """The order as the venue's lists show it."""

    def build(order, status="NEW", **fields):
        report = Report(
            client_order_id=order.client_order_id,
            venue_order_id="77",
            status=status,
            source="reconciler",
            time=clock.now(),
        )
        return VenueOrder(
            symbol=BTC,
            side="BUY",
            type="MARKET",
            time_in_force=None,
            quantity=Decimal(2),
            quote_quantity=None,
            price=None,
            stop_price=None,
            created_at=order.created_at,
            report=replace(report, **fields),
        )

    return build


@pytest.fixture
def trade(clock):
    def build(venue_order_id, side="BUY"):
        fill = Fill(
            trade_id="t9",
            price=Decimal(100),
            quantity=Decimal(1),
            quote_quantity=Decimal(100),
            fee=Decimal(0),
            fee_asset="",
            maker=True,
            time=clock.now(),
        )
        return VenueFill(symbol=BTC, venue_order_id=venue_order_id, side=side, fill=fill)

    return build


async def test_an_order_whose_answer_was_lost_is_found_and_booked(
    ask, submit, trading, orders, says
):
    trading.answers.extend([OutcomeUnknown("timeout"), says("FILLED", "2", fills=("t1", "t2"))])
    order = await submit()
    assert await ask() == Asked(orders=1, news=1)
    assert (await orders.get(order.id)).status is S.FILLED


async def test_orders_that_never_get_an_answer_keep_no_other_from_being_settled(
    look_ups, submit, trading, orders, clock
):
    """A venue may fail again and again at some of them alone."""
    trading.answers.extend([OutcomeUnknown("timeout")] * 3)
    sent = *silent, absent = await submit(), await submit(), await submit()

    async def find(order):
        raise Unreachable("500") if order in silent else ABSENT

    trading.find = find
    for _ in range(6):
        await look_ups.ask(sent)
        await clock.advance(30)
    assert (await orders.get(absent.id)).status is S.REJECTED
    assert {(await orders.get(each.id)).status for each in silent} == {S.UNKNOWN}


async def test_does_not_exist_is_no_proof_before_it_was_said_for_a_minute(
    ask, submit, trading, orders, clock, records
):
    trading.answers.append(OutcomeUnknown("timeout"))
    trading.answers.extend([ABSENT] * 4)
    order = await submit()
    await ask(3, clock=clock, seconds=29.9)
    assert (await orders.get(order.id)).status is S.UNKNOWN
    assert records.asked == []
    await clock.advance(0.2)
    await ask()
    after = await orders.get(order.id)
    assert (after.status, after.reject_reason) == (S.REJECTED, "the venue never got it")


async def test_a_minute_of_two_answers_is_not_enough(ask, submit, trading, orders, clock):
    trading.answers.extend([OutcomeUnknown("timeout"), ABSENT, ABSENT])
    order = await submit()
    await ask(2, clock=clock, seconds=3_600)
    assert (await orders.get(order.id)).status is S.UNKNOWN


async def test_open_orders_and_all_orders_and_trades_are_asked_before_an_order_is_given_up(
    ask, submit, trading, orders, clock, records
):
    trading.answers.extend([OutcomeUnknown("timeout"), ABSENT, ABSENT, ABSENT])
    order = await submit()
    since = order.created_at - timedelta(minutes=10)
    await ask(3, clock=clock, seconds=30)
    assert records.asked == [("open_orders",), ("orders", BTC, since), ("fills", BTC, since)]


@pytest.mark.parametrize("where", ["open", "placed"])
async def test_an_order_that_only_the_lists_show_is_booked(
    ask, submit, trading, orders, clock, records, shown, where
):
    """The look-up by client id lags behind them."""
    trading.answers.extend([OutcomeUnknown("timeout"), ABSENT, ABSENT, ABSENT])
    order = await submit()
    getattr(records, where).append(shown(order))
    await ask(3, clock=clock, seconds=30)
    after = await orders.get(order.id)
    assert (after.status, after.venue_order_id) == (S.NEW, "77")


@pytest.mark.parametrize(("side", "status"), [("BUY", S.UNKNOWN), ("SELL", S.REJECTED)])
async def test_a_trade_that_nobody_owns_may_be_the_orders(
    ask, submit, trading, orders, clock, records, trade, side, status
):
    trading.answers.extend([OutcomeUnknown("timeout"), ABSENT, ABSENT, ABSENT])
    order = await submit()
    records.traded.append(trade("88", side))
    await ask(3, clock=clock, seconds=30)
    assert (await orders.get(order.id)).status is status


async def test_a_trade_of_an_order_that_is_known_proves_nothing(
    ask, submit, trading, orders, clock, records, trade, says
):
    trading.answers.extend([says("CANCELED"), OutcomeUnknown("timeout"), ABSENT, ABSENT, ABSENT])
    await submit()
    order = await submit()
    records.traded.append(trade("77"))
    await ask(3, clock=clock, seconds=30)
    assert (await orders.get(order.id)).status is S.REJECTED


async def test_while_absence_cannot_be_proven_patience_begins_anew(
    ask, submit, trading, orders, clock, records
):
    trading.answers.append(OutcomeUnknown("timeout"))
    order = await submit()
    records.failures.append(Unreachable("down"))
    await ask(5, clock=clock, seconds=30)
    assert (await orders.get(order.id)).status is S.UNKNOWN
    await clock.advance(30)
    await ask()
    assert (await orders.get(order.id)).status is S.REJECTED


async def test_an_order_that_turns_up_late_starts_the_count_anew(
    ask, submit, trading, orders, clock, says
):
    trading.answers.extend([OutcomeUnknown("timeout"), ABSENT, ABSENT, says("NEW"), ABSENT])
    order = await submit()
    await ask(4, clock=clock, seconds=40)
    assert (await orders.get(order.id)).status is S.NEW


async def test_an_acknowledged_order_that_the_venue_no_longer_knows_has_expired(
    ask, submit, trading, orders, clock, says, records
):
    """A test network was wiped; the proof is that for an order that never arrived."""
    trading.answers.append(says("NEW"))
    order = await submit()
    since = order.created_at - timedelta(minutes=10)
    await ask(2, clock=clock, seconds=59)
    assert (await orders.get(order.id)).status is S.NEW
    await clock.advance(2)
    await ask()
    after = await orders.get(order.id)
    assert (after.status, after.reject_reason) == (S.EXPIRED, "the venue no longer knows it")
    assert after.executed_quantity == 0
    assert records.asked == [("open_orders",), ("orders", BTC, since), ("fills", BTC, since)]


async def test_what_was_executed_of_a_forgotten_order_stays_and_what_trades_show_is_added(
    ask, submit, trading, orders, clock, says, records, trade
):
    trading.answers.append(says("PARTIALLY_FILLED", "1", fills=("t1",)))
    order = await submit()
    records.traded += [trade("77"), trade("88")]
    await ask(3, clock=clock, seconds=30)
    after = await orders.get(order.id)
    assert (after.status, after.executed_quantity) == (S.EXPIRED, 2)
    assert {row.fill.trade_id for row in await orders.fills(order_id=order.id)} == {"t1", "t9"}


async def test_trades_from_after_a_wipe_under_the_same_number_are_not_the_forgotten_orders(
    ask, submit, trading, orders, clock, says, records, trade, shown
):
    trading.answers.append(says("NEW"))
    order = await submit()
    records.placed.append(shown(replace(order, client_order_id="web")))
    records.traded += [trade("77")]
    await ask(3, clock=clock, seconds=30)
    after = await orders.get(order.id)
    assert (after.status, after.executed_quantity) == (S.EXPIRED, 0)


async def test_an_acknowledged_order_that_the_lists_show_as_it_was_stays(
    ask, submit, trading, orders, clock, says, records, shown
):
    trading.answers.append(says("NEW"))
    order = await submit()
    records.open.append(shown(order))
    await ask(6, clock=clock, seconds=60)
    assert (await orders.get(order.id)).status is S.NEW


async def test_a_forgotten_order_that_had_ended_gets_the_fills_that_trades_show(
    look_ups, submit, trading, orders, clock, says, records, trade
):
    trading.answers.append(says("CANCELED", "2", fills=("t1",)))
    order = await submit()
    for _ in range(3):
        await look_ups.ask([await orders.get(order.id)])
        await clock.advance(30)
    assert (await orders.get(order.id)).status is S.CANCELED
    records.traded.append(trade("77"))
    for _ in range(3):
        await look_ups.ask([await orders.get(order.id)])
        await clock.advance(30)
    assert {row.fill.trade_id for row in await orders.fills(order_id=order.id)} == {"t1", "t9"}
    assert (await orders.get(order.id)).status is S.CANCELED


async def test_the_proof_of_an_old_order_reaches_no_farther_back_than_the_venue_keeps(
    ask, submit, trading, clock, says, records
):
    trading.answers.append(says("NEW"))
    await submit()
    await clock.advance(200 * 86_400)
    await ask(3, clock=clock, seconds=30)
    assert records.asked[1] == ("orders", BTC, clock.now() - timedelta(days=90))


async def test_a_venue_that_cannot_be_asked_is_asked_next_time(ask, submit, trading, orders, says):
    trading.answers.extend([OutcomeUnknown("t"), Unreachable("down"), says("FILLED", "2")])
    order = await submit()
    assert await ask() == Asked()
    assert (await orders.get(order.id)).status is S.UNKNOWN
    await ask()
    assert (await orders.get(order.id)).status is S.FILLED


async def test_an_order_still_being_sent_is_left_alone(ask, submit, trading, says):
    gate = asyncio.get_running_loop().create_future()
    trading.answers.append(gate)
    call = asyncio.create_task(submit())
    for _ in range(5):
        await asyncio.sleep(0)
    assert await ask() == Asked()
    assert [each for each, _ in trading.sent] == ["place"]
    gate.set_result(says("FILLED", "2"))
    await call


@pytest.mark.parametrize(
    "about_one",
    [
        UnknownSymbol("delisted"),
        Rejected(-1100, "Illegal characters."),
        Unreadable("nonsense"),
        OutcomeUnknown("odd"),
    ],
)
async def test_an_order_that_cannot_be_looked_up_keeps_no_other_from_it(
    ask, submit, trading, orders, says, about_one, capsys
):
    trading.answers.extend([says("NEW"), says("NEW")])
    first, second = await submit(), await submit()
    trading.answers.extend([about_one, says("FILLED", "2", fills=("t1", "t2"))])
    assert await ask() == Asked(orders=1, news=1)
    statuses = {(await orders.get(each.id)).status for each in (first, second)}
    assert statuses == {S.NEW, S.FILLED}
    trading.answers.append(about_one)
    await ask()
    assert capsys.readouterr().out.count("look-up refused") == 1


async def test_an_order_in_a_delisted_symbol_keeps_no_other_from_being_settled(
    ask, manager, submit, trading, orders, clock, records
):
    trading.answers.append(OutcomeUnknown("timeout"))
    request = replace(REQUEST, symbol=Symbol("OLD", "USDT"))
    delisted, _ = await manager.save(request, idempotency_key=None, digest="d")
    await manager.send(delisted)
    records.delisted = {request.symbol}
    trading.answers.append(OutcomeUnknown("timeout"))
    order = await submit()
    await ask(3, clock=clock, seconds=30)
    assert (await orders.get(order.id)).status is S.REJECTED
    assert (await orders.get(delisted.id)).status is S.UNKNOWN


@pytest.fixture
def resending(manager, orders, records, trading, clock):
    return LookUps(
        manager=manager,
        orders=orders,
        records=records,
        trading=trading,
        background=trading,
        clock=clock,
        patience=60,
        resend=True,
    )


async def test_nothing_is_sent_again_unless_wanted(ask, submit, trading, clock):
    trading.answers.append(OutcomeUnknown("timeout"))
    await submit()
    await ask(3, clock=clock, seconds=30)
    assert [call for call, _ in trading.sent].count("place") == 1


async def test_what_is_proven_absent_is_sent_again_under_the_same_id(
    ask, submit, trading, orders, clock, says, resending
):
    trading.answers.extend([OutcomeUnknown("timeout"), ABSENT, ABSENT, ABSENT])
    trading.answers.append(says("FILLED", "2", fills=("t1", "t2")))
    order = await submit()
    await ask(3, by=resending, clock=clock, seconds=30)
    placed = [id_ for call, id_ in trading.sent if call == "place"]
    assert placed == [order.client_order_id] * 2
    assert (await orders.get(order.id)).status is S.FILLED


async def test_nothing_older_than_twice_the_patience_is_sent_again(
    ask, submit, trading, orders, clock, resending
):
    trading.answers.append(OutcomeUnknown("timeout"))
    order = await submit()
    await clock.advance(61)
    await ask(3, by=resending, clock=clock, seconds=30)
    assert (await orders.get(order.id)).status is S.REJECTED
    assert [call for call, _ in trading.sent].count("place") == 1


async def test_an_order_is_sent_again_only_once(ask, submit, trading, orders, clock, resending):
    resending._patience = 60
    trading.answers.extend([OutcomeUnknown("timeout"), ABSENT, ABSENT, ABSENT])
    trading.answers.append(OutcomeUnknown("timeout"))
    order = await submit()
    await ask(3, by=resending, clock=clock, seconds=30)
    await ask(3, by=resending, clock=clock, seconds=30)
    assert (await orders.get(order.id)).status is S.REJECTED
    assert [call for call, _ in trading.sent].count("place") == 2


async def test_no_order_is_sent_again_while_the_lists_show_it(
    ask, submit, trading, clock, records, shown, resending
):
    trading.answers.append(OutcomeUnknown("timeout"))
    order = await submit()
    records.open.append(shown(order))
    await ask(3, by=resending, clock=clock, seconds=30)
    assert [call for call, _ in trading.sent].count("place") == 1


async def test_only_for_what_is_in_doubt_somebody_waits(
    manager, orders, records, trading, clock, submit, says
):
    background = FakeTrading(answers=deque([says("NEW", source="lookup")]))
    look_ups = LookUps(
        manager=manager,
        orders=orders,
        records=records,
        trading=trading,
        background=background,
        clock=clock,
    )
    trading.answers.extend([says("NEW"), OutcomeUnknown("t"), says("NEW", source="lookup")])
    resting, unknown = await submit(), await submit()
    assert await look_ups.ask([resting, unknown]) == (2, 1)
    assert trading.sent[-1] == ("find", unknown.client_order_id)
    assert background.sent == [("find", resting.client_order_id)]


async def test_a_leg_that_waits_for_another_is_asked_about_as_what_rests(
    manager, orders, records, clock, submit, trading, says
):
    trading.answers.append(says("PENDING_NEW"))
    leg = await submit()
    assert leg.is_waiting
    background = FakeTrading(answers=deque([says("PENDING_NEW", source="lookup")]))
    look_ups = LookUps(
        manager=manager,
        orders=orders,
        records=records,
        trading=trading,
        background=background,
        clock=clock,
    )
    await look_ups.ask([leg])
    assert background.sent == [("find", leg.client_order_id)]


async def test_two_who_ask_about_an_order_at_once_settle_it_once(
    ask, submit, trading, orders, says, clock, resending
):
    """One of them has been patient enough; for the other the count begins anew."""
    trading.answers.extend([OutcomeUnknown("timeout"), ABSENT, ABSENT])
    order = await submit()
    await ask(2, by=resending, clock=clock, seconds=30)
    await clock.advance(30)
    trading.answers.extend([ABSENT, ABSENT, OutcomeUnknown("timeout")])
    await asyncio.gather(ask(by=resending), ask(by=resending))
    assert [call for call, _ in trading.sent].count("place") == 2
    assert (await orders.get(order.id)).status is S.UNKNOWN


@pytest.mark.parametrize("told", ["lost", "not yet", "not yet, for the second time"])
async def test_an_answer_from_before_our_cancel_does_not_take_it_back(
    look_ups, manager, submit, trading, orders, says, told
):
    """As long as the cancel is in doubt so is the order, and it is asked about once more."""
    loop = asyncio.get_running_loop()
    answer, cancelled = loop.create_future(), loop.create_future()
    trading.answers.append(says("NEW"))
    order = await submit()
    if told == "not yet, for the second time":
        trading.answers.append(OutcomeUnknown("timeout"))
        with pytest.raises(OutcomeUnknown):
            await manager.cancel(order.id)
        order = await orders.get(order.id)
    trading.answers.extend([answer, cancelled])
    asking = asyncio.create_task(look_ups.ask([order]))
    await settle()
    cancelling = asyncio.create_task(manager.cancel(order.id))
    await settle()
    if told == "lost":
        cancelled.set_result(OutcomeUnknown("timeout"))
        await asyncio.gather(cancelling, return_exceptions=True)
    answer.set_result(says("NEW", source="lookup"))
    assert await asking == (1, 0)
    assert (await orders.get(order.id)).status is S.PENDING_CANCEL
    cancelling.cancel()
