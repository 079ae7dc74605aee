"""Each order is sent once, and what comes back is booked whatever way it comes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from tests.conftest import settle
from trading_system.domain.errors import (
    DuplicateOrder,
    InsufficientFunds,
    KeyReused,
    NotFound,
    OrderNotFound,
    OutcomeUnknown,
    Rejected,
    Unreachable,
)
from trading_system.domain.events import OrderChanged
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import OrderRequest, OrderStatus, OrderType, Side
from trading_system.execution.oms import OrderManager

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


async def test_how_long_the_answer_took_and_the_middle_at_that_time_stay_with_the_order(
    trading, orders, clock, bus, says
):
    manager = OrderManager(
        trading=trading, orders=orders, clock=clock, bus=bus, middle=lambda _: Decimal(99)
    )
    gate = asyncio.get_running_loop().create_future()
    trading.answers.append(gate)
    sending = asyncio.create_task(submit(manager))
    await clock.advance(0.0125)
    assert [order.mid_price for order in orders.rows.values()] == [Decimal(99)]
    gate.set_result(says("FILLED", "2"))
    order = await sending
    assert (order.latency_ms, order.mid_price) == (12, Decimal(99))
    assert order.slippage_percent == Decimal("1.010101")
    assert await orders.get(order.id) == order


async def test_every_step_of_the_way_is_told_in_its_order(trading, orders, clock, bus, says):
    told = []
    manager = OrderManager(
        trading=trading, orders=orders, clock=clock, bus=bus, on_step=told.append
    )
    trading.answers.extend([says("NEW"), says("CANCELED")])
    order = await submit(manager)
    booking = ["report read", "report booked"]
    assert told == [
        *["before save", "after save", "before send", "answered"],
        *[*booking, "after booking"],
    ]
    told.clear()
    await manager.cancel(order.id)
    assert told == [
        *["before save", *booking, "after save", "before send", "answered"],
        *[*booking, "after booking"],
    ]


@pytest.mark.parametrize("step", ["before save", "after save", "before send", "answered"])
async def test_whatever_ends_a_step_leaves_no_order_counted_as_being_sent(
    trading, orders, clock, bus, says, step
):
    def fail(reached):
        if reached == step:
            raise RuntimeError(step)

    manager = OrderManager(trading=trading, orders=orders, clock=clock, bus=bus, on_step=fail)
    trading.answers.append(says("NEW"))
    with pytest.raises(RuntimeError, match=step):
        await submit(manager)
    assert len(orders.rows) == (step != "before save")
    assert not any(map(manager.is_sending, orders.rows))


async def test_an_order_counts_as_being_sent_from_before_it_can_be_found(manager, trading, says):
    """Or a look-up between save and send would begin to believe that it is not there."""
    order, _ = await manager.save(REQUEST, idempotency_key=None, digest="d")
    assert manager.is_sending(order.id)
    trading.answers.append(says("NEW"))
    await manager.send(order)
    assert not manager.is_sending(order.id)


async def test_what_must_not_be_sent_ends_without_the_venue_hearing_of_it(
    trading, orders, clock, bus
):
    manager = OrderManager(
        trading=trading, orders=orders, clock=clock, bus=bus, may_send=lambda _: "killed"
    )
    order = await submit(manager)
    assert (order.status, order.reject_reason, trading.sent) == (S.REJECTED, "killed", [])


async def test_what_waits_for_the_venues_limits_does_not_survive_a_kill(
    trading, orders, clock, bus
):
    reasons = []
    manager = OrderManager(
        trading=trading,
        orders=orders,
        clock=clock,
        bus=bus,
        may_send=lambda _: reasons[0] if reasons else None,
    )
    trading.queue = asyncio.get_running_loop().create_future()
    sending = asyncio.create_task(submit(manager))
    await settle()
    reasons.append("killed")
    trading.queue.set_result(None)
    order = await sending
    assert (order.status, order.reject_reason, trading.sent) == (S.REJECTED, "killed", [])


async def test_what_never_arrived_is_sent_again_under_its_id(manager, trading, says):
    trading.answers.extend([OutcomeUnknown("timeout"), says("FILLED", "2")])
    order = await submit(manager)
    assert (await manager.send_again(order)).status is S.FILLED
    assert trading.sent == [("place", order.client_order_id)] * 2


async def test_what_was_heard_of_after_all_is_not_sent_again(manager, trading, says):
    """A filled order's id would be taken a second time."""
    trading.answers.append(OutcomeUnknown("timeout"))
    order = await submit(manager)
    filled = await manager.on_report(says("FILLED", "2", source="stream")(order))
    assert await manager.send_again(order) == filled
    assert [call for call, _ in trading.sent] == ["place"]
    assert not manager.is_sending(order.id)


async def test_an_order_nobody_knows_is_not_sent_again(manager, trading, says):
    trading.answers.append(OutcomeUnknown("timeout"))
    order = replace(await submit(manager), id=uuid4())
    with pytest.raises(NotFound):
        await manager.send_again(order)
    assert not manager.is_sending(order.id)


async def test_a_cancel_is_on_disk_before_the_venue_hears_of_it(manager, trading, orders, says):
    trading.answers.append(says("NEW"))
    order = await submit(manager)
    seen = []

    def answer(sent):
        seen.append(orders.rows[order.id].status)
        return says("CANCELED")(sent)

    trading.answers.append(answer)
    await manager.cancel(order.id)
    assert seen == [S.PENDING_CANCEL]


@pytest.mark.parametrize(("executed", "was"), [("0", S.NEW), ("1", S.PARTIALLY_FILLED)])
@pytest.mark.parametrize(
    "refusal", [Unreachable("down"), Rejected(-2011, "Order was not canceled due to restrictions.")]
)
async def test_a_refused_cancel_leaves_the_order_where_it_was_and_says_why(
    manager, trading, orders, says, refusal, executed, was
):
    trading.answers.extend([says(str(was), executed), refusal])
    order = await submit(manager)
    with pytest.raises(type(refusal)):
        await manager.cancel(order.id)
    after = await orders.get(order.id)
    assert after.status is was
    assert orders.transitions[-2:] == [(was, S.PENDING_CANCEL), (S.PENDING_CANCEL, was)]
    assert after.reject_reason.startswith("not cancelled: ")


async def test_a_fill_that_crosses_a_cancel_counts_and_the_cancel_goes_on(
    manager, trading, orders, says
):
    gate = asyncio.get_running_loop().create_future()
    trading.answers.extend([says("NEW"), gate])
    order = await submit(manager)
    cancelling = asyncio.create_task(manager.cancel(order.id))
    await settle()
    await manager.on_report(says("PARTIALLY_FILLED", "1", fills=("t1",), source="stream")(order))
    assert (await orders.get(order.id)).status is S.PENDING_CANCEL
    gate.set_result(says("CANCELED", "1"))
    after = await cancelling
    assert (after.status, after.executed_quantity) == (S.CANCELED, Decimal(1))


async def test_an_order_that_ends_before_its_cancel_is_sent_is_not_cancelled(
    trading, orders, clock, bus, says
):
    """A push fills it while the intention to cancel is being written."""
    manager = OrderManager(trading=trading, orders=orders, clock=clock, bus=bus)
    trading.answers.append(says("NEW"))
    order = await submit(manager)
    read, filled = orders.get, says("FILLED", "2", source="stream")(order)
    reads = []

    async def read_and_fill(order_id):
        known = await read(order_id)
        reads.append(known)
        if len(reads) == 2:  # the one that decides
            await manager.on_report(filled)
        return known

    orders.get = read_and_fill
    assert (await manager.cancel(order.id)).status is S.FILLED
    assert [call for call, _ in trading.sent] == ["place"]


async def test_a_cancel_never_overtakes_the_order(manager, trading, says):
    gate = asyncio.get_running_loop().create_future()
    trading.answers.extend([gate, says("CANCELED")])
    sending = asyncio.create_task(submit(manager))
    await settle()
    ((_, _),) = trading.sent
    cancelling = asyncio.create_task(manager.cancel_all())
    await settle()
    assert [call for call, _ in trading.sent] == ["place"]
    gate.set_result(says("NEW"))
    assert [order.status for order in await cancelling] == [S.CANCELED]
    assert (await sending).status is S.NEW


async def test_a_cancel_between_save_and_send_waits_for_the_sending(manager, trading, says):
    order, _ = await manager.save(REQUEST, idempotency_key=None, digest="d")
    cancelling = asyncio.create_task(manager.cancel(order.id))
    await settle()
    assert trading.sent == []
    trading.answers.extend([says("NEW"), says("CANCELED")])
    await manager.send(order)
    assert (await cancelling).status is S.CANCELED


async def test_two_cancels_at_once_ask_the_venue_once(manager, trading, says):
    trading.answers.extend([says("NEW"), says("CANCELED")])
    order = await submit(manager)
    both = await asyncio.gather(manager.cancel(order.id), manager.cancel(order.id))
    assert [each.status for each in both] == [S.CANCELED, S.CANCELED]
    assert [call for call, _ in trading.sent] == ["place", "cancel"]


async def test_an_order_in_doubt_that_has_ended_is_not_cancelled(manager, trading, says):
    trading.answers.extend([OutcomeUnknown("timeout"), says("FILLED", "2", source="lookup")])
    order = await submit(manager)
    assert (await manager.cancel(order.id)).status is S.FILLED
    assert [call for call, _ in trading.sent] == ["place", "find"]


async def test_a_leg_that_waits_is_cancelled_as_any_open_order(manager, trading, says):
    trading.answers.extend([says("PENDING_NEW"), says("CANCELED")])
    order = await submit(manager)
    assert (await manager.cancel(order.id)).status is S.CANCELED


async def test_all_open_orders_are_cancelled_whatever_becomes_of_each(
    manager, trading, orders, says
):
    trading.answers.extend([says("NEW"), says("NEW"), says("FILLED", "2")])
    stubborn, easy, done = await submit(manager), await submit(manager), await submit(manager)
    somebodys = replace(stubborn, id=uuid4(), client_order_id="by-hand", foreign=True)
    orders.rows[somebodys.id] = somebodys

    def answer(order):
        if order.id == stubborn.id:
            raise Unreachable("down")
        return says("CANCELED")(order)

    trading.answers.extend([answer, answer])
    now = {order.id: order.status for order in await manager.cancel_all()}
    assert now == {stubborn.id: S.NEW, easy.id: S.CANCELED}
    assert (await orders.get(done.id)).status is S.FILLED

    trading.answers.extend([says("CANCELED"), says("CANCELED")])
    now = {order.id: order.status for order in await manager.cancel_all(foreign=True)}
    assert now == {stubborn.id: S.CANCELED, somebodys.id: S.CANCELED}


async def test_only_the_orders_of_a_symbol_are_cancelled(manager, trading, says):
    trading.answers.append(says("NEW"))
    order = await submit(manager)
    assert await manager.cancel_all(Symbol("ETH", "USDT")) == []
    trading.answers.append(says("CANCELED"))
    assert [each.id for each in await manager.cancel_all(REQUEST.symbol)] == [order.id]


async def test_an_impossible_report_is_kept_and_logged_with_both_states(
    manager, trading, orders, says
):
    trading.answers.append(says("FILLED", "2"))
    order = await submit(manager)
    impossible = says("CANCELED", "2", source="stream")(order)
    with capture_logs() as logs:
        assert await manager.on_report(impossible) == order
    assert orders.impossible == [impossible]
    ((event, error),) = [(log["event"], log["error"]) for log in logs]
    assert event == "impossible report"
    assert "from FILLED (2 executed) to CANCELED (2 executed)" in error


async def test_each_fill_is_told_with_what_it_cost(manager, trading, bus, says):
    told = []
    bus.subscribe(OrderChanged, told.append)
    trading.answers.append(says("NEW"))
    order = await submit(manager)
    for number, executed in ((1, "1"), (2, "2")):
        status = "FILLED" if number == 2 else "PARTIALLY_FILLED"
        pushed = says(status, executed, fills=(f"t{number}",), source="stream")
        await manager.on_report(pushed(order))
    assert [(each.order.executed_quantity, each.order.fees) for each in told] == [
        (Decimal(0), ()),
        (Decimal(1), (("BTC", Decimal("0.001")),)),
        (Decimal(2), (("BTC", Decimal("0.002")),)),
    ]


async def test_a_fill_told_after_the_totals_is_told_too(manager, trading, bus, says):
    told = []
    trading.answers.append(says("FILLED", "2", fills=("t1",)))
    order = await submit(manager)
    bus.subscribe(OrderChanged, told.append)
    await manager.on_report(says("FILLED", "2", fills=("t1", "t2"), source="lookup")(order))
    assert [each.order.fees for each in told] == [(("BTC", Decimal("0.002")),)]


async def test_a_report_of_an_id_that_somebody_uses_again_is_no_news_of_the_earlier_order(
    manager, trading, orders, says
):
    trading.answers.append(says("NEW"))
    order = await submit(manager)
    orders.rows[order.id] = replace(order, foreign=True)
    with pytest.raises(NotFound):
        await manager.on_report(replace(says("FILLED", "2")(order), venue_order_id="78"))
    assert (await orders.get(order.id)).status is S.NEW


async def test_an_order_is_under_way_from_before_the_disk_knows_until_all_were_told(
    manager, orders, trading, bus, says
):
    """Who reads the disk in between sees it filled, and positions must not be older than that."""
    seen = []
    record = orders.record

    async def watched(before, after, report, *, at):
        stored = await record(before, after, report, at=at)
        seen.append(("on disk", dict(manager.booking.under_way)))
        return stored

    orders.record = watched
    bus.subscribe(OrderChanged, lambda _: seen.append(("told", dict(manager.booking.under_way))))
    trading.answers.append(says("FILLED", "2", fills=("t1", "t2")))
    order, _ = await manager.save(REQUEST, idempotency_key=None, digest="d")
    await manager.send(order)
    during = {order.id: REQUEST.symbol}
    assert seen == [("on disk", during), ("told", during)]
    assert manager.booking.under_way == {}


async def test_fills_that_come_later_and_cost_nothing_are_told_once(
    manager, orders, trading, bus, says
):
    """Positions wait for the word of an order: its totals alone are none."""
    trading.answers.append(says("FILLED", "2"))
    order, _ = await manager.save(REQUEST, idempotency_key=None, digest="d")
    order = await manager.send(order)
    told = []
    bus.subscribe(OrderChanged, told.append)
    late = says("FILLED", "2", fills=("t1", "t2"), source="lookup")(order)
    free = replace(late, fills=tuple(replace(fill, fee=Decimal(0)) for fill in late.fills))
    for _ in range(2):
        await manager.on_report(free)
    assert [event.order.id for event in told] == [order.id]


async def test_what_was_booked_and_not_told_stays_under_way(manager, orders, trading, says):
    """Cancelled at the commit nobody knows whether it was: positions look at the record."""
    record = orders.record

    async def cut_off(before, after, report, *, at):
        await record(before, after, report, at=at)
        raise asyncio.CancelledError

    order, _ = await manager.save(REQUEST, idempotency_key=None, digest="d")
    trading.answers.append(says("NEW"))
    await manager.send(order)
    orders.record = cut_off
    filled = says("FILLED", "2", fills=("t1",), source="stream")(order)
    with pytest.raises(asyncio.CancelledError):
        await manager.on_report(filled)
    assert manager.booking.under_way == {order.id: REQUEST.symbol}
    orders.record = record
    await manager.on_report(filled)
    assert manager.booking.under_way == {}
