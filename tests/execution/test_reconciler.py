"""No order is lost or guessed: every open one is asked about until it ends."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from trading_system.domain.errors import (
    OrderNotFound,
    OutcomeUnknown,
    Rejected,
    StorageError,
    UnknownSymbol,
    Unreachable,
    Unreadable,
)
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import OrderRequest, OrderStatus, OrderType, Side
from trading_system.execution.reconciler import Reconciler

S = OrderStatus
REQUEST = OrderRequest(
    symbol=Symbol("BTC", "USDT"), side=Side.BUY, type=OrderType.MARKET, quantity=Decimal(2)
)
ABSENT = OrderNotFound(-2013, "Order does not exist.")


@pytest.fixture
def reconciler(manager, orders, clock):
    return Reconciler(manager=manager, orders=orders, clock=clock, interval=5, patience=60)


@pytest.fixture
def submit(manager):
    async def place():
        order, _ = await manager.save(REQUEST, idempotency_key=None, digest="d")
        return await manager.send(order)

    return place


async def test_an_order_whose_answer_was_lost_is_found_and_booked(
    reconciler, submit, trading, orders, says
):
    trading.answers.extend([OutcomeUnknown("timeout"), says("FILLED", "2", fills=("t1",))])
    order = await submit()
    await reconciler.reconcile()
    assert (await orders.get(order.id)).status is S.FILLED


async def test_a_resting_order_that_fills_is_noticed(reconciler, submit, trading, orders, says):
    trading.answers.extend(
        [says("NEW"), says("PARTIALLY_FILLED", "1", fills=("t1",)), says("FILLED", "2")]
    )
    order = await submit()
    await reconciler.reconcile()
    assert (await orders.get(order.id)).status is S.PARTIALLY_FILLED
    await reconciler.reconcile()
    assert (await orders.get(order.id)).status is S.FILLED


async def test_does_not_exist_is_no_proof_before_it_was_said_for_a_minute(
    reconciler, submit, trading, orders, clock
):
    trading.answers.append(OutcomeUnknown("timeout"))
    trading.answers.extend([ABSENT] * 3)
    order = await submit()
    await reconciler.reconcile()
    await clock.advance(59)
    await reconciler.reconcile()
    assert (await orders.get(order.id)).status is S.UNKNOWN
    await clock.advance(1)
    await reconciler.reconcile()
    after = await orders.get(order.id)
    assert (after.status, after.reject_reason) == (S.REJECTED, "the venue never got it")


async def test_a_minute_of_two_answers_is_not_enough(reconciler, submit, trading, orders, clock):
    trading.answers.extend([OutcomeUnknown("timeout"), ABSENT, ABSENT])
    order = await submit()
    await reconciler.reconcile()
    await clock.advance(3_600)
    await reconciler.reconcile()
    assert (await orders.get(order.id)).status is S.UNKNOWN


async def test_an_order_that_turns_up_late_starts_the_count_anew(
    reconciler, submit, trading, orders, clock, says
):
    trading.answers.extend([OutcomeUnknown("timeout"), ABSENT, ABSENT, says("NEW")])
    order = await submit()
    for _ in range(3):
        await reconciler.reconcile()
        await clock.advance(40)
    assert (await orders.get(order.id)).status is S.NEW


async def test_an_acknowledged_order_is_never_rejected_for_being_forgotten(
    reconciler, submit, trading, orders, clock, says
):
    trading.answers.append(says("NEW"))
    order = await submit()
    for _ in range(5):
        await reconciler.reconcile()
        await clock.advance(60)
    assert (await orders.get(order.id)).status is S.NEW


async def test_a_venue_that_cannot_be_asked_is_asked_next_time(
    reconciler, submit, trading, orders, says
):
    trading.answers.extend([OutcomeUnknown("t"), Unreachable("down"), says("FILLED", "2")])
    order = await submit()
    await reconciler.reconcile()
    assert (await orders.get(order.id)).status is S.UNKNOWN
    await reconciler.reconcile()
    assert (await orders.get(order.id)).status is S.FILLED


async def test_an_order_still_being_sent_is_left_alone(reconciler, submit, trading, says):
    gate = asyncio.get_running_loop().create_future()
    trading.answers.append(gate)
    call = asyncio.create_task(submit())
    for _ in range(5):
        await asyncio.sleep(0)
    await reconciler.reconcile()
    assert [each for each, _ in trading.sent] == ["place"]
    gate.set_result(says("FILLED", "2"))
    await call


async def test_it_asks_again_every_few_seconds(reconciler, submit, trading, clock, says):
    trading.answers.extend([says("NEW")] * 9)
    await submit()
    task = asyncio.create_task(reconciler.run())
    await clock.advance(11)
    task.cancel()
    assert [each for each, _ in trading.sent] == ["place", "find", "find", "find"]


async def test_a_fill_that_went_unheard_is_fetched_although_the_order_has_ended(
    reconciler, submit, trading, orders, says
):
    trading.answers.extend(
        [says("FILLED", "2", fills=("t2",)), says("FILLED", "2", fills=("t1", "t2"))]
    )
    await submit()
    await reconciler.reconcile()
    assert {trade_id for trade_id, _ in orders.booked} == {"t1", "t2"}
    await reconciler.reconcile()
    assert [call for call, _ in trading.sent] == ["place", "find"]


async def test_a_gap_in_the_news_is_followed_by_a_reconciliation_at_once(
    reconciler, submit, trading, orders, says, clock
):
    trading.answers.extend([says("NEW"), says("NEW"), says("FILLED", "2", fills=("t1", "t2"))])
    order = await submit()
    running = asyncio.ensure_future(reconciler.run())
    await clock.advance(1)
    assert (await orders.get(order.id)).status is S.NEW
    reconciler.wake()
    await clock.advance(0)
    assert (await orders.get(order.id)).status is S.FILLED
    running.cancel()


async def test_while_pushes_arrive_only_doubtful_orders_are_asked_about_often(
    manager, submit, trading, orders, says, clock
):
    reconciler = Reconciler(manager=manager, orders=orders, clock=clock, every=lambda: 60.0)
    trading.answers.extend([says("NEW"), says("NEW")])
    resting = await submit()
    running = asyncio.ensure_future(reconciler.run())
    await clock.advance(6)
    assert trading.sent == [
        ("place", resting.client_order_id),
        ("find", resting.client_order_id),  # the first round asks about all
    ]
    trading.answers.extend([OutcomeUnknown("timeout"), says("NEW")])
    doubtful = await submit()
    await clock.advance(5)
    assert trading.sent[-1] == ("find", doubtful.client_order_id)
    trading.answers.extend([says("FILLED", "2", fills=("t1", "t2")), says("NEW")])
    await clock.advance(60)
    assert set(trading.sent[-2:]) == {
        ("find", resting.client_order_id),
        ("find", doubtful.client_order_id),
    }
    running.cancel()


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
    reconciler, submit, trading, orders, says, about_one
):
    trading.answers.extend([says("NEW"), says("NEW")])
    first, second = await submit(), await submit()
    trading.answers.extend([about_one, says("FILLED", "2", fills=("t1", "t2"))])
    await reconciler.reconcile()
    statuses = {(await orders.get(each.id)).status for each in (first, second)}
    assert statuses == {S.NEW, S.FILLED}


async def test_a_database_that_fails_for_a_while_does_not_end_the_asking(
    reconciler, submit, trading, orders, says, clock
):
    trading.answers.extend([says("NEW"), says("FILLED", "2", fills=("t1", "t2"))])
    order = await submit()
    real = orders.all

    async def locked(**_):
        raise StorageError("locked")

    orders.all = locked
    running = asyncio.ensure_future(reconciler.run())
    await clock.advance(6)
    orders.all = real
    await clock.advance(5)
    assert (await orders.get(order.id)).status is S.FILLED
    running.cancel()
