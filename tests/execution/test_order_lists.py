"""Whole lists: saved with their legs, sent once, cancelled; cut off at any step nothing is lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.conftest import settle
from trading_system.domain.errors import (
    DuplicateOrder,
    KeyReused,
    NotFound,
    OrderNotFound,
    OutcomeUnknown,
    Rejected,
    Unreachable,
)
from trading_system.domain.instruments import Symbol
from trading_system.domain.order_lists import Leg, ListKind, ListStatus, OrderListRequest
from trading_system.domain.orders import OrderRequest, OrderStatus, OrderType, Side
from trading_system.execution import steps
from trading_system.execution.oms import OrderManager
from trading_system.execution.order_lists import ListManager

S = OrderStatus
MAKER = OrderRequest(
    symbol=Symbol("BTC", "USDT"),
    side=Side.SELL,
    type=OrderType.LIMIT_MAKER,
    quantity=Decimal(2),
    price=Decimal(110),
)
STOP = replace(MAKER, type=OrderType.STOP_LOSS, price=None, stop_price=Decimal(90))
OCO = OrderListRequest(kind=ListKind.OCO, legs={Leg.ABOVE: MAKER, Leg.BELOW: STOP})


@pytest.fixture
def tells(says):
    """Answer with a report for each leg: `tells("NEW", "NEW")`; None leaves one out."""

    def build(*statuses, source="answer"):
        return lambda order_list: [
            says(status, source=source)(order)
            for order, status in zip(order_list.orders, statuses, strict=True)
            if status is not None
        ]

    return build


@pytest.fixture
def place(list_manager):
    async def place(key=None, manager=list_manager):
        new, is_new = await manager.save(OCO, idempotency_key=key, digest="d")
        assert is_new
        return await manager.send(new)

    return place


def statuses(order_list):
    return tuple(order.status for order in order_list.orders)


async def test_a_list_is_on_record_with_its_legs_before_the_venue_hears_of_it(
    place, venue_lists, saved_lists, tells
):
    seen = []

    def answer(order_list):
        seen.append((order_list.id in saved_lists.rows, statuses(order_list)))
        return tells("NEW", "NEW")(order_list)

    venue_lists.answers.append(answer)
    placed = await place()
    assert seen == [(True, (S.PENDING_NEW, S.PENDING_NEW))]
    assert (placed.status, statuses(placed)) == (ListStatus.EXECUTING, (S.NEW, S.NEW))
    assert [order.latency_ms for order in placed.orders] == [0, 0]


async def test_a_key_stands_for_one_list(list_manager, place, venue_lists, tells, clock):
    assert await list_manager.saved(None, "d") is None
    assert await list_manager.saved("key", "d") is None
    venue_lists.answers.append(tells("NEW", "NEW"))
    placed = await place("key")
    assert await list_manager.saved("key", "d") == placed
    again, is_new = await list_manager.save(OCO, idempotency_key="key", digest="d")
    assert (again, is_new) == (placed, False)
    assert len(list_manager._calls._ends) == 0
    with pytest.raises(KeyReused):
        await list_manager.save(OCO, idempotency_key="key", digest="other")
    assert len(list_manager._calls._ends) == 0


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (OutcomeUnknown("lost"), S.UNKNOWN),
        (DuplicateOrder(-2010, "Duplicate order sent."), S.UNKNOWN),
        (Rejected(-1013, "Filter failure: NOTIONAL"), S.REJECTED),
        (Unreachable("refused"), S.REJECTED),
    ],
)
async def test_what_goes_wrong_happens_to_all_legs_and_nothing_is_sent_again(
    place, venue_lists, failure, status
):
    venue_lists.answers.append(failure)
    placed = await place()
    assert statuses(placed) == (status, status)
    assert {order.reject_code for order in placed.orders} == {
        failure.code if isinstance(failure, Rejected) and status is S.REJECTED else None
    }
    assert len(venue_lists.sent) == 1


async def test_a_list_that_must_not_be_sent_any_more_is_not(
    venue_lists, saved_lists, manager, clock, place
):
    """A kill between saving and sending; the second leg alone would be reason enough."""
    stopping = ListManager(
        venue=venue_lists,
        lists=saved_lists,
        manager=manager,
        clock=clock,
        may_send=lambda order: "killed" if order.request == STOP else None,
    )
    placed = await place(manager=stopping)
    assert (placed.status, venue_lists.sent) == (ListStatus.REJECTED, [])
    assert {order.reject_reason for order in placed.orders} == {"killed"}


async def test_a_list_that_waits_for_the_venues_limits_does_not_survive_a_kill(
    venue_lists, saved_lists, manager, clock, place
):
    reasons = []
    stopping = ListManager(
        venue=venue_lists,
        lists=saved_lists,
        manager=manager,
        clock=clock,
        may_send=lambda _: reasons[0] if reasons else None,
    )
    venue_lists.queue = asyncio.get_running_loop().create_future()
    sending = asyncio.create_task(place(manager=stopping))
    await settle()
    reasons.append("killed")
    venue_lists.queue.set_result(None)
    assert ((await sending).status, venue_lists.sent) == (ListStatus.REJECTED, [])


async def test_a_leg_of_which_the_answer_says_nothing_is_left_to_the_look_up(
    place, venue_lists, tells
):
    venue_lists.answers.append(tells("NEW", None))
    placed = await place()
    assert statuses(placed) == (S.NEW, S.PENDING_NEW)
    assert placed.orders[1].venue_order_id is None


async def test_whoever_asks_meanwhile_waits_for_the_answer(
    list_manager, manager, place, venue_lists, saved_lists, tells
):
    gate = asyncio.get_running_loop().create_future()
    venue_lists.answers.append(gate)
    sending = asyncio.ensure_future(place())
    await settle()
    (list_id,) = saved_lists.rows
    saved = await list_manager.get(list_id)
    assert all(manager.is_sending(order.id) for order in saved.orders)
    answered = asyncio.ensure_future(list_manager.answered(saved))
    await settle()
    assert not answered.done()
    gate.set_result(tells("NEW", "NEW"))
    assert (await answered).status is ListStatus.EXECUTING
    assert await sending == await answered
    assert not any(manager.is_sending(order.id) for order in saved.orders)


async def test_who_goes_away_does_not_tear_the_call_and_its_booking_apart(
    list_manager, place, venue_lists, saved_lists, tells
):
    gate = asyncio.get_running_loop().create_future()
    venue_lists.answers.append(gate)
    sending = asyncio.ensure_future(place())
    await settle()
    sending.cancel()
    gate.set_result(tells("NEW", "NEW"))
    await settle()
    (list_id,) = saved_lists.rows
    assert statuses(await list_manager.get(list_id)) == (S.NEW, S.NEW)


ALL_STEPS = [
    steps.BEFORE_SAVE,
    steps.AFTER_SAVE,
    steps.BEFORE_SEND,
    steps.ANSWERED,
    steps.AFTER_BOOKING,
]


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("step", ALL_STEPS)
async def test_cut_off_at_any_step_every_leg_is_absent_or_looked_up_and_none_is_sent_twice(
    step, venue_lists, saved_lists, trading, orders, clock, bus, tells, says, records
):
    """A second life finds what the first one left, by the reconciler's look-ups alone."""

    def kill(reached):
        if reached == step:
            raise Killed

    def manager(**more):
        return OrderManager(trading=trading, orders=orders, clock=clock, bus=bus, **more)

    first = ListManager(
        venue=venue_lists, lists=saved_lists, manager=manager(), clock=clock, on_step=kill
    )
    venue_lists.answers.append(tells("NEW", "NEW"))
    with pytest.raises(Killed):
        await first.send((await first.save(OCO, idempotency_key=None, digest="d"))[0])
    was_sent = bool(venue_lists.sent)
    assert was_sent is (step in {steps.ANSWERED, steps.AFTER_BOOKING})
    if step == steps.BEFORE_SAVE:
        assert orders.rows == {}
        return
    second = manager()
    for order in list(orders.rows.values()):
        trading.answers.append(
            says("NEW", source="lookup") if was_sent else OrderNotFound(-2013, "none")
        )
        if was_sent:
            await second.look_up(order)
        else:
            with pytest.raises(OrderNotFound):
                await second.look_up(order)
            assert (await second.send_again(order)).status is S.REJECTED
    assert {order.status for order in orders.rows.values()} == {S.NEW if was_sent else S.REJECTED}
    assert len(venue_lists.sent) <= 1
    assert not any(call == "place" for call, _ in trading.sent)


async def test_a_cancelled_list_ends_with_all_its_legs(list_manager, place, venue_lists, tells):
    venue_lists.answers.extend([tells("NEW", "NEW"), tells("CANCELED", "CANCELED")])
    placed = await place()
    done = await list_manager.cancel(placed.id)
    assert (done.status, statuses(done)) == (ListStatus.ALL_DONE, (S.CANCELED, S.CANCELED))
    assert [call for call, _ in venue_lists.sent] == ["place", "cancel"]
    assert await list_manager.cancel(placed.id) == done
    assert len(venue_lists.sent) == 2


async def test_there_is_nothing_to_cancel_under_an_unknown_id(list_manager, place):
    placed = await place()
    with pytest.raises(NotFound):
        await list_manager.cancel(placed.orders[0].id)


@pytest.mark.parametrize("answer", ["nothing is open", "one leg is told"])
async def test_legs_of_which_a_cancel_tells_nothing_are_looked_up(
    list_manager, place, venue_lists, trading, tells, says, answer
):
    """One has filled meanwhile and took the other with it."""
    venue_lists.answers.append(tells("NEW", "NEW"))
    placed = await place()
    if answer == "nothing is open":
        venue_lists.answers.append(OrderNotFound(-2011, "Unknown order list sent."))
        trading.answers.append(says("FILLED", "2", source="lookup"))
    else:
        venue_lists.answers.append(tells("FILLED", None))
    trading.answers.append(says("EXPIRED", source="lookup"))
    done = await list_manager.cancel(placed.id)
    assert statuses(done) == (S.FILLED, S.EXPIRED)


async def test_a_lost_answer_leaves_the_legs_to_the_look_ups(
    list_manager, place, venue_lists, tells
):
    venue_lists.answers.extend([tells("NEW", "NEW"), OutcomeUnknown("lost")])
    placed = await place()
    with pytest.raises(OutcomeUnknown):
        await list_manager.cancel(placed.id)
    now = await list_manager.get(placed.id)
    assert statuses(now) == (S.PENDING_CANCEL, S.PENDING_CANCEL)


async def test_a_cancel_that_was_not_done_leaves_every_leg_where_it_was(
    list_manager, place, venue_lists, tells
):
    """A leg that waits goes on waiting."""
    venue_lists.answers.extend([tells("NEW", "PENDING_NEW"), Unreachable("refused")])
    placed = await place()
    with pytest.raises(Unreachable):
        await list_manager.cancel(placed.id)
    assert statuses(await list_manager.get(placed.id)) == (S.NEW, S.PENDING_NEW)


async def test_what_the_venue_has_not_told_of_is_looked_up_before_it_is_cancelled(
    list_manager, place, venue_lists, trading, tells, says
):
    venue_lists.answers.append(OutcomeUnknown("lost"))
    placed = await place()
    with pytest.raises(OrderNotFound):
        await list_manager.cancel(placed.id)
    trading.answers.extend([says("NEW", source="lookup"), says("NEW", source="lookup")])
    venue_lists.answers.append(tells("CANCELED", "CANCELED"))
    assert (await list_manager.cancel(placed.id)).status is ListStatus.ALL_DONE


async def test_cancels_of_a_list_and_of_its_leg_do_not_cross(
    list_manager, manager, place, venue_lists, trading, tells, says
):
    venue_lists.answers.append(tells("NEW", "NEW"))
    placed = await place()
    gate = asyncio.get_running_loop().create_future()
    venue_lists.answers.append(gate)
    whole = asyncio.ensure_future(list_manager.cancel(placed.id))
    await settle()
    leg = asyncio.ensure_future(manager.cancel(placed.orders[1].id))
    await settle()
    assert trading.sent == []
    gate.set_result(tells("CANCELED", "CANCELED"))
    assert (await whole).status is ListStatus.ALL_DONE
    assert (await leg).status is S.CANCELED
    assert trading.sent == []


async def test_a_leg_that_waits_and_was_not_cancelled_goes_on_waiting(
    manager, place, venue_lists, trading, tells
):
    venue_lists.answers.append(tells("NEW", "PENDING_NEW"))
    leg = (await place()).orders[1]
    trading.answers.append(Unreachable("refused"))
    with pytest.raises(Unreachable):
        await manager.cancel(leg.id)
    assert (await manager.answered(leg)).status is S.PENDING_NEW
