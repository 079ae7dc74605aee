"""Each order is sent once, and what comes back is booked whatever way it comes."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from uuid import uuid4

import pytest

from trading_system.domain.errors import (
    DuplicateOrder,
    InsufficientFunds,
    KeyReused,
    NotFound,
    OrderNotFound,
    OutcomeUnknown,
    Unreachable,
)
from trading_system.domain.events import OrderChanged
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import OrderRequest, OrderStatus, OrderType, Side

S = OrderStatus
REQUEST = OrderRequest(
    symbol=Symbol("BTC", "USDT"), side=Side.BUY, type=OrderType.MARKET, quantity=Decimal(2)
)


async def submit(manager, key=None, digest="d"):
    order, is_new = await manager.save(REQUEST, idempotency_key=key, digest=digest)
    return await (manager.send(order) if is_new else manager.answered(order))


async def test_an_order_is_on_disk_before_the_venue_hears_of_it(manager, trading, orders, says):
    seen = []

    def answer(order):
        seen.extend(orders.rows.values())
        return says("FILLED", "2")(order)

    trading.answers.append(answer)
    order = await submit(manager)
    assert [each.status for each in seen] == [S.PENDING_NEW]
    assert order.status is S.FILLED


async def test_an_answer_is_booked_with_its_fills(manager, trading, orders, says):
    trading.answers.append(says("FILLED", "2", fills=("t1", "t2")))
    order = await submit(manager)
    assert (order.status, order.executed_quantity, order.venue_order_id) == (
        S.FILLED,
        Decimal(2),
        "77",
    )
    assert [row.fill.trade_id for row in await orders.fills(order_id=order.id)] == ["t1", "t2"]


async def test_a_refusal_ends_the_order_with_its_code(manager, trading):
    trading.answers.append(InsufficientFunds(-2010, "no money"))
    order = await submit(manager)
    assert (order.status, order.reject_code, order.reject_reason) == (
        S.REJECTED,
        -2010,
        "no money",
    )


async def test_a_venue_that_could_not_be_reached_never_got_the_order(manager, trading):
    trading.answers.append(Unreachable("connection refused"))
    order = await submit(manager)
    assert (order.status, order.reject_reason) == (S.REJECTED, "connection refused")


async def test_a_lost_answer_makes_the_order_unknown_and_nothing_is_sent_again(manager, trading):
    trading.answers.append(OutcomeUnknown("timeout"))
    order = await submit(manager)
    assert order.status is S.UNKNOWN
    assert [call for call, _ in trading.sent] == ["place"]


async def test_ten_calls_with_one_key_make_one_order(manager, trading, says):
    gate = asyncio.get_running_loop().create_future()
    trading.answers.append(gate)
    calls = [asyncio.create_task(submit(manager, key="k")) for _ in range(10)]
    for _ in range(10):
        await asyncio.sleep(0)
    gate.set_result(says("FILLED", "2"))
    results = await asyncio.gather(*calls)
    assert len({order.id for order in results}) == 1
    assert {order.status for order in results} == {S.FILLED}
    assert len(trading.sent) == 1


async def test_the_same_key_later_gives_the_order_back(manager, trading, says):
    trading.answers.append(says("FILLED", "2"))
    first = await submit(manager, key="k")
    assert await submit(manager, key="k") == first
    assert len(trading.sent) == 1


async def test_the_same_key_for_another_wish_is_refused(manager, trading, says):
    trading.answers.append(says("FILLED", "2"))
    await submit(manager, key="k")
    with pytest.raises(KeyReused):
        await submit(manager, key="k", digest="other")


async def test_a_caller_that_leaves_does_not_stop_the_sending(manager, trading, orders, says):
    gate = asyncio.get_running_loop().create_future()
    trading.answers.append(gate)
    call = asyncio.create_task(submit(manager))
    for _ in range(5):
        await asyncio.sleep(0)
    call.cancel()
    (order,) = orders.rows.values()
    assert manager.is_sending(order.id)
    gate.set_result(says("FILLED", "2"))
    for _ in range(10):
        await asyncio.sleep(0)
    assert (await orders.get(order.id)).status is S.FILLED
    assert not manager.is_sending(order.id)


async def test_a_resting_order_is_cancelled(manager, trading, says):
    trading.answers.extend([says("NEW"), says("CANCELED")])
    order = await submit(manager)
    assert (await manager.cancel(order.id)).status is S.CANCELED


async def test_a_cancel_that_came_too_late_tells_how_the_order_ended(manager, trading, says):
    trading.answers.extend(
        [says("NEW"), OrderNotFound(-2011, "Unknown order sent."), says("FILLED", "2")]
    )
    order = await submit(manager)
    assert (await manager.cancel(order.id)).status is S.FILLED


async def test_an_order_that_ended_is_not_cancelled_again(manager, trading, says):
    trading.answers.append(says("FILLED", "2"))
    order = await submit(manager)
    assert await manager.cancel(order.id) == order
    assert len(trading.sent) == 1


async def test_a_cancel_without_an_answer_stays_pending_until_it_is_looked_up(
    manager, trading, orders, says
):
    trading.answers.extend([says("NEW"), OutcomeUnknown("timeout")])
    order = await submit(manager)
    with pytest.raises(OutcomeUnknown):
        await manager.cancel(order.id)
    assert (await orders.get(order.id)).status is S.PENDING_CANCEL
    trading.answers.append(says("NEW", source="lookup"))
    assert (await manager.look_up(order)).status is S.NEW


async def test_an_order_nobody_knows_cannot_be_cancelled(manager):
    with pytest.raises(NotFound):
        await manager.cancel(uuid4())


async def test_a_look_up_books_what_the_venue_knows(manager, trading, says):
    trading.answers.extend([OutcomeUnknown("timeout"), says("FILLED", "2", fills=("t1",))])
    order = await submit(manager)
    assert (await manager.look_up(order)).status is S.FILLED


async def test_the_same_report_twice_books_and_tells_once(manager, trading, orders, bus, says):
    told = []
    bus.subscribe(OrderChanged, told.append)
    trading.answers.append(says("NEW"))
    order = await submit(manager)
    partial = says("PARTIALLY_FILLED", "1", fills=("t1",))(order)
    await manager.on_report(partial)
    await manager.on_report(partial)
    assert [event.order.status for event in told] == [S.NEW, S.PARTIALLY_FILLED]
    assert len(await orders.fills()) == 1


async def test_an_impossible_report_leaves_the_record_as_it_is(manager, trading, orders, says):
    trading.answers.append(says("FILLED", "2"))
    order = await submit(manager)
    assert await manager.on_report(says("REJECTED")(order)) == order
    assert await orders.get(order.id) == order
    assert orders.transitions == [(S.PENDING_NEW, S.FILLED)]


async def test_reports_from_two_sources_at_once_are_booked_one_after_the_other(
    manager, trading, says
):
    trading.answers.append(says("NEW"))
    order = await submit(manager)
    partial, filled = says("PARTIALLY_FILLED", "1")(order), says("FILLED", "2")(order)
    await asyncio.gather(manager.on_report(filled), manager.on_report(partial))
    assert (await manager.cancel(order.id)).status is S.FILLED


async def test_a_duplicate_of_our_own_id_is_the_order_itself(manager, trading, orders):
    """Ids are never used twice, so it is there: to be looked up, not to be forgotten."""
    trading.answers.append(DuplicateOrder(-2010, "Duplicate order sent."))
    order = await submit(manager)
    assert order.status is OrderStatus.UNKNOWN
