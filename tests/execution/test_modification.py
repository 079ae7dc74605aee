"""A resting order is changed in its place or by another one, and whatever goes wrong is told."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from tests.conftest import settle
from trading_system.domain.errors import (
    InvalidRequest,
    NotFound,
    OrderNotFound,
    OutcomeUnknown,
    Rejected,
    Unreachable,
)
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import NotModified, OrderRequest, OrderStatus, OrderType, Side
from trading_system.domain.reports import Replacement
from trading_system.execution.modification import planned
from trading_system.execution.oms import OrderManager

S = OrderStatus
LIMIT = OrderRequest(
    symbol=Symbol("BTC", "USDT"),
    side=Side.BUY,
    type=OrderType.LIMIT,
    quantity=Decimal(2),
    price=Decimal(100),
)
HIGHER = Decimal(101)


@pytest.fixture
def rest(manager, trading, says):
    """Place an order that rests, so much of it executed."""

    async def place(executed="0"):
        status = "PARTIALLY_FILLED" if Decimal(executed) else "NEW"
        trading.answers.append(says(status, executed))
        order, _ = await manager.save(LIMIT, idempotency_key=None, digest="d")
        return await manager.send(order)

    return place


@pytest.fixture
def halves(says):
    """What the venue answers to a replacement: reports of the old and of the new one."""

    def build(old, *, cancelled="CANCELED", executed="0", placed="NEW", **refusals):
        def answer(new):
            return Replacement(
                cancelled=says(cancelled, executed)(old) if cancelled else None,
                placed=says(placed)(new) if placed else None,
                **refusals,
            )

        return answer

    return build


# executed, price and quantity asked for: amended to this total, or replaced by quantity at price
PLANS = [
    ("0", None, "1", "amended to 1"),
    ("0.5", None, "1", "amended to 1.5"),
    ("0.5", "100.0", "1", "amended to 1.5"),
    ("0", "101", None, "2 at 101"),
    ("0.5", "101", None, "1.5 at 101"),
    ("0.5", "101", "1", "1 at 101"),
    ("0.5", None, "2", "2 at 100"),
    ("0.5", "100", "1.75", "1.75 at 100"),
]


@pytest.mark.parametrize(("executed", "price", "quantity", "plan"), PLANS)
async def test_only_less_keeps_its_place(rest, executed, price, quantity, plan):
    order = await rest(executed)
    change = planned(
        order,
        price=Decimal(price) if price else None,
        quantity=Decimal(quantity) if quantity else None,
    )
    wanted = change.request
    told = (
        f"amended to {wanted.quantity}"
        if change.keeps_place
        else f"{wanted.quantity} at {wanted.price}"
    )
    assert told == plan


@pytest.mark.parametrize(
    ("changes", "wish", "words"),
    [
        ({}, {}, "nothing to change"),
        ({}, {"price": Decimal("100.00"), "quantity": Decimal("2.0")}, "nothing to change"),
        ({"status": S.FILLED}, {"price": HIGHER}, "FILLED: only what rests"),
        ({"status": S.PENDING_NEW}, {"price": HIGHER}, "only what rests"),
        ({"status": S.PENDING_CANCEL}, {"price": HIGHER}, "only what rests"),
        ({"list_id": UUID(int=1)}, {"price": HIGHER}, "cancel the list"),
        (
            {"request": replace(LIMIT, quantity=None, quote_quantity=Decimal(5))},
            {"price": HIGHER},
            "only what rests",
        ),
        (
            {"request": replace(LIMIT, type=OrderType.STOP_LOSS, price=None)},
            {"price": HIGHER},
            "no price to change",
        ),
    ],
)
async def test_what_cannot_be_modified_is_refused_before_anything_is_written(
    rest, changes, wish, words
):
    order = replace(await rest(), **changes)
    with pytest.raises(InvalidRequest, match=words):
        planned(order, **({"price": None, "quantity": None} | wish))


async def test_an_order_nobody_knows_cannot_be_modified(manager):
    with pytest.raises(NotFound):
        await manager.modify(uuid4(), price=HIGHER)


async def test_a_smaller_order_is_amended_and_stays_itself(manager, rest, trading, says):
    order = await rest("0.5")
    trading.answers.append(
        lambda sent: replace(says("PARTIALLY_FILLED", "0.5")(sent), quantity=Decimal("1.5"))
    )
    after = await manager.modify(order.id, quantity=Decimal(1))
    assert (after.id, after.request.quantity, after.open_quantity) == (
        order.id,
        Decimal("1.5"),
        Decimal(1),
    )
    assert trading.amended == [Decimal("1.5")]


async def test_an_amendment_the_venue_refuses_shows_the_order_as_it_is_now(
    manager, rest, trading, says
):
    order = await rest()
    trading.answers.extend([Rejected(-2038, "Order amend failed."), says("FILLED", "2")])
    with pytest.raises(NotModified, match="amend failed") as raised:
        await manager.modify(order.id, quantity=Decimal(1))
    assert (raised.value.old.status, raised.value.new) == (S.FILLED, None)


async def test_an_amendment_refused_because_it_was_made_already_is_made(
    manager, rest, trading, says
):
    """A request is repeated by the client where its connection had been cut."""
    order = await rest()
    trading.answers.extend(
        [
            Rejected(-2038, "Order amend failed."),
            lambda sent: replace(says("NEW", source="lookup")(sent), quantity=Decimal(1)),
        ]
    )
    assert (await manager.modify(order.id, quantity=Decimal(1))).open_quantity == 1


@pytest.mark.parametrize(("seen", "is_known"), [("1", True), ("2", False)])
async def test_an_amendment_whose_answer_got_lost_is_looked_up(
    manager, rest, trading, orders, says, seen, is_known
):
    order = await rest()
    trading.answers.extend(
        [OutcomeUnknown("t"), lambda sent: replace(says("NEW")(sent), quantity=Decimal(seen))]
    )
    if is_known:
        assert (await manager.modify(order.id, quantity=Decimal(1))).open_quantity == 1
    else:
        with pytest.raises(OutcomeUnknown):
            await manager.modify(order.id, quantity=Decimal(1))
        assert (await orders.get(order.id)).open_quantity == 2


async def test_a_replacement_is_on_disk_before_the_venue_hears_of_it(
    manager, rest, trading, orders, halves
):
    order = await rest("0.5")
    seen = {}

    def answer(new):
        seen.update({each.id: each for each in orders.rows.values()})
        return halves(order, executed="0.5")(new)

    trading.answers.append(answer)
    after = await manager.modify(order.id, price=HIGHER)
    assert (after.status, after.replaces, after.latency_ms) == (S.NEW, order.id, 0)
    assert (after.request.price, after.request.quantity) == (HIGHER, Decimal("1.5"))
    assert (await orders.get(order.id)).status is S.CANCELED
    assert (seen[order.id].status, seen[after.id].status) == (S.PENDING_CANCEL, S.PENDING_NEW)
    assert seen[after.id].replaces == order.id
    assert not manager.is_sending(order.id)
    assert not manager.is_sending(after.id)


async def test_the_old_order_gone_while_the_new_one_was_refused_is_told_with_both(
    manager, rest, trading, orders, halves
):
    order = await rest()
    trading.answers.append(
        halves(order, placed=None, place_refusal="insufficient balance", place_code=-2010)
    )
    with pytest.raises(NotModified, match=r"insufficient balance.*the old one is gone") as raised:
        await manager.modify(order.id, price=HIGHER)
    old, new = raised.value.old, raised.value.new
    assert (old.status, new.status, new.reject_code) == (S.CANCELED, S.REJECTED, -2010)
    assert new.replaces == old.id
    assert (await orders.get(old.id), await orders.get(new.id)) == (old, new)


async def test_a_refusal_without_words_is_told_all_the_same(manager, rest, trading, halves):
    order = await rest()
    trading.answers.append(halves(order, placed=None))
    with pytest.raises(NotModified, match="no reason given"):
        await manager.modify(order.id, price=HIGHER)


@pytest.mark.parametrize(
    ("became", "executed", "words"),
    [("FILLED", "2", "is gone"), ("PARTIALLY_FILLED", "1", "stands"), ("NEW", "0", "stands")],
)
async def test_an_old_order_that_could_not_be_cancelled_keeps_the_new_one_from_being_placed(
    manager, rest, trading, halves, says, became, executed, words
):
    order = await rest()
    trading.answers.extend(
        [
            halves(order, cancelled=None, placed=None, cancel_refusal="Unknown order sent."),
            says(became, executed, source="lookup"),
        ]
    )
    with pytest.raises(NotModified, match=f"Unknown order sent.*{words}") as raised:
        await manager.modify(order.id, price=HIGHER)
    assert raised.value.old.status is S(became)
    assert raised.value.new.status is S.REJECTED


async def test_an_old_order_of_which_nothing_can_be_heard_may_be_gone(
    manager, rest, trading, halves
):
    order = await rest()
    trading.answers.extend(
        [halves(order, cancelled=None, placed=None, cancel_refusal="odd"), Unreachable("down")]
    )
    with pytest.raises(NotModified, match=r"may be gone \(PENDING_CANCEL\)"):
        await manager.modify(order.id, price=HIGHER)


@pytest.mark.parametrize(
    ("refusal", "code"), [(Unreachable("down"), None), (Rejected(-1013, "LOT_SIZE"), -1013)]
)
@pytest.mark.parametrize(("executed", "was"), [("0", S.NEW), ("1", S.PARTIALLY_FILLED)])
async def test_where_nothing_was_done_the_old_order_is_back_where_it_was(
    manager, rest, trading, orders, refusal, code, executed, was
):
    order = await rest(executed)
    trading.answers.append(refusal)
    with pytest.raises(NotModified, match="the old one stands") as raised:
        await manager.modify(order.id, price=HIGHER)
    assert (raised.value.old.status, raised.value.new.status) == (was, S.REJECTED)
    assert raised.value.new.reject_code == code
    assert (await orders.get(order.id)).status is was


async def test_when_the_answer_got_lost_both_orders_are_in_doubt(
    manager, rest, trading, orders, says
):
    order = await rest()
    trading.answers.append(OutcomeUnknown("timeout"))
    after = await manager.modify(order.id, price=HIGHER)
    assert (after.status, after.replaces) == (S.UNKNOWN, order.id)
    assert (await orders.get(order.id)).status is S.PENDING_CANCEL
    trading.answers.extend([says("CANCELED"), says("NEW")])
    assert (await manager.look_up(order)).status is S.CANCELED
    assert (await manager.look_up(after)).status is S.NEW


async def test_what_the_old_order_filled_meanwhile_is_taken_off_the_new_one(
    manager, rest, trading, orders, halves, says
):
    order = await rest("0.5")
    trading.answers.extend(
        [
            halves(order, executed="1.25"),
            lambda sent: replace(says("NEW")(sent), quantity=Decimal("0.75")),
        ]
    )
    after = await manager.modify(order.id, price=HIGHER)
    assert trading.amended == [Decimal("0.75")]
    old = await orders.get(order.id)
    assert old.executed_quantity + after.request.quantity == LIMIT.quantity


@pytest.mark.parametrize(
    "answers",
    [[], [Rejected(-2038, "Order amend failed.")]],
    ids=["nothing left", "not amended"],
)
async def test_what_cannot_be_made_small_enough_is_cancelled(
    manager, rest, trading, halves, says, answers
):
    order = await rest("0.5")
    executed = "1.25" if answers else "2"
    seen = [says("NEW", source="lookup")] if answers else []
    trading.answers.extend([halves(order, executed=executed), *answers, *seen, says("CANCELED")])
    after = await manager.modify(order.id, price=HIGHER)
    assert after.status is S.CANCELED
    assert trading.sent[-1] == ("cancel", after.client_order_id)


async def test_more_than_was_asked_for_is_seen_when_it_cannot_be_helped(
    manager, rest, trading, halves, says
):
    order = await rest("0.5")
    trading.answers.extend(
        [halves(order, executed="1"), Unreachable("down"), says("PARTIALLY_FILLED", "0.25")]
    )
    after = await manager.modify(order.id, price=HIGHER)
    assert (after.status, after.executed_quantity) == (S.PARTIALLY_FILLED, Decimal("0.25"))


async def test_of_two_modifications_at_once_one_is_told_that_the_order_has_ended(
    manager, rest, trading, orders, halves
):
    order = await rest()
    trading.answers.append(halves(order))
    done, failed = await asyncio.gather(
        manager.modify(order.id, price=HIGHER),
        manager.modify(order.id, price=Decimal(99)),
        return_exceptions=True,
    )
    assert done.status is S.NEW
    assert isinstance(failed, InvalidRequest | NotModified)
    assert len([each for each in orders.rows.values() if not each.status.is_final]) == 1


async def test_a_plan_that_is_too_late_places_nothing(manager, rest, trading, says):
    order = await rest()
    change = await manager.plan(order.id, price=HIGHER, quantity=None)
    await manager.on_report(says("FILLED", "2", source="stream")(order))
    with pytest.raises(NotModified, match=r"it is FILLED by now.*is gone") as raised:
        await manager.carry_out(await manager.prepare(change))
    assert raised.value.new.status is S.REJECTED
    assert [call for call, _ in trading.sent] == ["place"]


async def test_a_fill_between_plan_and_call_is_no_part_of_what_is_placed(
    manager, rest, trading, orders, says
):
    """Both orders together would execute it twice."""
    order = await rest()
    change = await manager.plan(order.id, price=HIGHER, quantity=None)
    await manager.on_report(says("PARTIALLY_FILLED", "1", source="stream")(order))
    with pytest.raises(NotModified, match=r"filled some more.*ask again.*stands") as raised:
        await manager.carry_out(await manager.prepare(change))
    old, new = raised.value.old, raised.value.new
    assert (old.status, old.executed_quantity, new.status) == (S.PARTIALLY_FILLED, 1, S.REJECTED)
    assert await orders.get(order.id) == old
    assert [call for call, _ in trading.sent] == ["place"]


async def test_of_two_amendments_planned_together_the_second_is_asked_for_again(
    manager, rest, trading, orders, says
):
    """Where quantities may grow the venue would take it, and ours is the smaller one for ever."""
    order = await rest()
    plans = [
        await manager.plan(order.id, price=None, quantity=Decimal(quantity))
        for quantity in ("0.5", "1.5")
    ]
    trading.answers.append(lambda sent: replace(says("NEW")(sent), quantity=Decimal("0.5")))
    done, failed = await asyncio.gather(
        *(manager.carry_out(plan) for plan in plans), return_exceptions=True
    )
    assert done.request.quantity == Decimal("0.5")
    assert isinstance(failed, NotModified)
    assert "NEW for 0.5 at 100 by now: ask again" in str(failed)
    assert (failed.old, failed.new) == (done, None)
    assert trading.amended == [Decimal("0.5")]


async def test_an_order_amended_between_plan_and_call_is_not_replaced_as_it_was(
    manager, rest, trading, orders, says
):
    """A new price only leaves the quantity as it is: as it is by now."""
    order = await rest()
    moved = await manager.plan(order.id, price=HIGHER, quantity=None)
    smaller = await manager.plan(order.id, price=None, quantity=Decimal("0.5"))
    trading.answers.append(lambda sent: replace(says("NEW")(sent), quantity=Decimal("0.5")))
    await manager.carry_out(smaller)
    with pytest.raises(NotModified, match=r"it is NEW for 0.5 at 100 by now.*stands") as raised:
        await manager.carry_out(await manager.prepare(moved))
    old, new = raised.value.old, raised.value.new
    assert (old.status, old.request.quantity, new.status) == (S.NEW, Decimal("0.5"), S.REJECTED)
    assert await orders.get(order.id) == old
    assert [call for call, _ in trading.sent] == ["place", "amend"]


async def test_an_order_that_ended_is_not_amended(manager, rest, trading, says):
    order = await rest()
    change = await manager.plan(order.id, price=None, quantity=Decimal(1))
    await manager.on_report(says("CANCELED", source="stream")(order))
    with pytest.raises(NotModified, match="it is CANCELED"):
        await manager.carry_out(change)
    assert trading.amended == []


async def test_nothing_takes_the_place_of_an_order_that_was_to_be_cancelled(
    manager, rest, trading, orders, says
):
    """The cancel came first, and nobody knows yet what became of it."""
    order = await rest()
    answer = asyncio.get_running_loop().create_future()
    trading.answers.append(answer)
    cancelling = asyncio.create_task(manager.cancel(order.id))
    await settle()
    change = await manager.prepare(planned(order, price=HIGHER, quantity=None))
    replacing = asyncio.create_task(manager.carry_out(change))
    await settle()
    answer.set_result(OutcomeUnknown("timeout"))
    with pytest.raises(OutcomeUnknown):
        await cancelling
    with pytest.raises(NotModified, match="is being cancelled") as refused:
        await replacing
    assert (refused.value.old.status, refused.value.new.status) == (S.PENDING_CANCEL, S.REJECTED)
    assert [call for call, _ in trading.sent] == ["place", "cancel"]
    trading.answers.append(says("CANCELED"))
    assert (await manager.look_up(order)).status is S.CANCELED


async def test_a_cancel_waits_for_the_modification_before_it(manager, rest, trading, halves, says):
    """Else the order that took the place would stay."""
    order = await rest()
    gate = asyncio.get_running_loop().create_future()
    trading.answers.append(gate)
    modifying = asyncio.create_task(manager.modify(order.id, price=HIGHER))
    await settle()
    cancelling = asyncio.create_task(manager.cancel_all())
    await settle()
    assert [call for call, _ in trading.sent] == ["place", "replaced", "replace"]
    trading.answers.append(says("CANCELED"))
    gate.set_result(halves(order))
    assert {each.status for each in await cancelling} == {S.CANCELED}
    assert (await manager.answered(await modifying)).status is S.CANCELED


async def test_a_cancel_during_a_replacement_cancels_what_takes_the_place(
    manager, rest, trading, halves, says
):
    """Who cancels wants nothing to be open; CANCELED alone would be said of the old order only."""
    order = await rest()
    gate = asyncio.get_running_loop().create_future()
    trading.answers.append(gate)
    changes = [
        await manager.plan(order.id, price=HIGHER, quantity=None),
        await manager.plan(order.id, price=Decimal(99), quantity=None),
    ]
    modifying, too_late = [
        asyncio.create_task(manager.carry_out(await manager.prepare(change))) for change in changes
    ]
    await settle()
    cancelling = asyncio.create_task(manager.cancel(order.id))
    await settle()
    trading.answers.append(says("CANCELED"))
    gate.set_result(halves(order))
    after = await cancelling
    assert (after.status, after.replaces) == (S.CANCELED, order.id)
    assert after.id == (await modifying).id
    with pytest.raises(NotModified):
        await too_late
    assert trading.sent[-1] == ("cancel", after.client_order_id)


async def test_a_cancel_during_a_replacement_that_fails_cancels_the_order_itself(
    manager, rest, trading, says
):
    order = await rest()
    gate = asyncio.get_running_loop().create_future()
    trading.answers.append(gate)
    modifying = asyncio.create_task(manager.modify(order.id, price=HIGHER))
    await settle()
    cancelling = asyncio.create_task(manager.cancel(order.id))
    await settle()
    trading.answers.append(says("CANCELED"))
    gate.set_result(Unreachable("down"))
    after = await cancelling
    assert (after.id, after.status) == (order.id, S.CANCELED)
    with pytest.raises(NotModified):
        await modifying


async def test_a_cancel_long_after_a_replacement_leaves_what_took_the_place(
    manager, rest, trading, halves
):
    order = await rest()
    trading.answers.append(halves(order))
    new = await manager.modify(order.id, price=HIGHER)
    assert (await manager.cancel(order.id)).id == order.id
    assert (await manager.answered(new)).status is S.NEW


async def test_whoever_must_not_send_may_not_replace_either(trading, orders, clock, bus, says):
    reasons = []
    manager = OrderManager(
        trading=trading,
        orders=orders,
        clock=clock,
        bus=bus,
        may_send=lambda _: reasons[0] if reasons else None,
    )
    trading.answers.append(says("NEW"))
    order, _ = await manager.save(LIMIT, idempotency_key=None, digest="d")
    await manager.send(order)
    reasons.append("killed")
    with pytest.raises(NotModified, match=r"killed.*the old one stands"):
        await manager.modify(order.id, price=HIGHER)
    assert [call for call, _ in trading.sent] == ["place"]


async def test_a_replacement_that_waits_for_the_venues_limits_does_not_survive_a_kill(
    trading, orders, clock, bus, says
):
    reasons = []
    manager = OrderManager(
        trading=trading,
        orders=orders,
        clock=clock,
        bus=bus,
        may_send=lambda _: reasons[0] if reasons else None,
    )
    trading.answers.append(says("NEW"))
    order, _ = await manager.save(LIMIT, idempotency_key=None, digest="d")
    await manager.send(order)
    trading.queue = asyncio.get_running_loop().create_future()
    modifying = asyncio.create_task(manager.modify(order.id, price=HIGHER))
    await settle()
    reasons.append("killed")
    trading.queue.set_result(None)
    with pytest.raises(NotModified, match=r"killed.*the old one stands \(NEW\)"):
        await modifying
    assert "replace" not in [call for call, _ in trading.sent]


async def test_an_order_that_never_took_the_place_is_not_sent_again(manager, rest, trading, orders):
    """The one it was to replace may stand, and both would."""
    order = await rest()
    trading.answers.append(OutcomeUnknown("timeout"))
    after = await manager.modify(order.id, price=HIGHER)
    assert (await manager.send_again(after)).status is S.REJECTED
    assert [call for call, _ in trading.sent].count("place") == 1
    assert not manager.is_sending(after.id)


async def test_an_order_in_doubt_is_looked_up_before_it_is_cancelled(manager, rest, trading):
    order = await rest()
    trading.answers.append(OutcomeUnknown("timeout"))
    after = await manager.modify(order.id, price=HIGHER)
    with pytest.raises(OrderNotFound):
        await manager.cancel(after.id)
    assert [call for call, _ in trading.sent][-1] == "find"
