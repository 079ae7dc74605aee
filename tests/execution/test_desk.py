"""The one door for orders: what is known by its key is answered, everything else is judged."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.conftest import settle
from tests.fakes.safety import NOON, FakeRefusals
from trading_system.domain.errors import (
    KeyReused,
    OutcomeUnknown,
    RiskRefused,
    StorageError,
    UnknownSymbol,
)
from trading_system.domain.events import OrderRefused
from trading_system.domain.filters import Unfit
from trading_system.domain.instruments import Symbol
from trading_system.domain.order_lists import Leg, ListKind, OrderListRequest
from trading_system.domain.orders import OrderRequest, OrderStatus, OrderType, Side
from trading_system.domain.reports import Replacement
from trading_system.execution.desk import Desk, digest, texts
from trading_system.execution.oms import OrderManager
from trading_system.execution.order_lists import ListManager
from trading_system.risk.checks import Refusal

REQUEST = OrderRequest(
    symbol=Symbol("BTC", "USDT"), side=Side.BUY, type=OrderType.MARKET, quantity=Decimal(2)
)
RESTING = replace(REQUEST, type=OrderType.LIMIT, price=Decimal(99))


@pytest.fixture
def refusals():
    return FakeRefusals()


@pytest.fixture
def told(bus):
    """Refusals published."""
    heard = []
    bus.subscribe(OrderRefused, heard.append)
    return heard


@pytest.fixture
def make_desk(make_gate, manager, list_manager, orders, refusals, listing, clock, bus):
    def build(**options):
        return Desk(
            gate=make_gate(**options),
            manager=manager,
            orders=orders,
            refusals=refusals,
            market_data=listing,
            clock=clock,
            bus=bus,
            lists=list_manager,
        )

    return build


async def test_an_approved_request_becomes_an_order(make_desk, trading, says):
    trading.answers.append(says("FILLED", "2"))
    assert (await make_desk().place(REQUEST)).status is OrderStatus.FILLED


async def test_a_symbol_the_venue_does_not_list_is_refused_before_anything_is_saved(
    make_desk, orders
):
    with pytest.raises(UnknownSymbol, match="NO/PE"):
        await make_desk().place(replace(REQUEST, symbol=Symbol("NO", "PE")))
    assert orders.rows == {}


async def test_a_refusal_sends_nothing_is_stored_and_told_with_its_figures(
    make_desk, trading, orders, refusals, told, clock
):
    desk = make_desk(max_order_notional=Decimal("199.5"))
    with pytest.raises(RiskRefused, match=r"would be 200; 199\.5 may be") as refused:
        await desk.place(REQUEST)
    figures = {"value": "200.0", "limit": "199.5"}
    assert (trading.sent, orders.rows) == ([], {})
    assert (refused.value.check, refused.value.figures) == ("order notional", figures)
    (row,) = refusals.rows
    assert (row.request, row.check, row.figures) == (REQUEST, "order notional", figures)
    assert row.at == clock.now()
    assert told == [
        OrderRefused(request=REQUEST, reason=row.reason, check="order notional", figures=figures)
    ]


async def test_a_refusal_that_cannot_be_recorded_stands(make_desk, refusals, trading, told):
    refusals.failure = StorageError("disk full")
    with pytest.raises(RiskRefused):
        await make_desk(max_open_orders=0).place(REQUEST)
    assert trading.sent == []
    assert len(told) == 1


async def test_one_key_stands_for_one_wish(make_desk, trading, says):
    desk = make_desk()
    trading.answers.append(says("FILLED", "2"))
    first = await desk.place(REQUEST, "key")
    assert await desk.place(replace(REQUEST, quantity=Decimal("2.00")), "key") == first
    with pytest.raises(KeyReused):
        await desk.place(replace(REQUEST, quantity=Decimal(3)), "key")


async def test_a_known_key_gives_its_order_back_though_nothing_is_allowed_any_more(
    make_desk, trading, says, control
):
    desk = make_desk(max_open_orders=1)
    trading.answers.append(says("NEW"))
    first = await desk.place(RESTING, "key")
    assert await desk.place(RESTING, "key") == first
    with pytest.raises(RiskRefused):
        await desk.place(RESTING, "another")
    await control.kill(reason="mad", who="ann", flatten=False)
    assert await desk.place(RESTING, "key") == first
    assert [call for call, _ in trading.sent] == ["place"]


async def test_twins_at_once_are_one_order_though_it_uses_up_the_limit(make_desk, trading, says):
    desk = make_desk(max_open_orders=1)
    trading.answers.append(says("NEW"))
    twins = await asyncio.gather(*(desk.place(RESTING, "key") for _ in range(10)))
    assert len({order.id for order in twins}) == 1
    assert [call for call, _ in trading.sent] == ["place"]


@pytest.mark.parametrize(
    ("limits", "check"),
    [
        ({"max_open_orders": 3}, "open orders"),
        ({"max_orders_per_minute": 3}, "order rate"),
        ({"max_exposure": Decimal(600)}, "exposure"),
        ({"max_exposure_per_symbol": Decimal(600)}, "exposure of symbol"),
    ],
)
async def test_requests_at_once_get_no_further_than_one_after_the_other(
    make_desk, trading, orders, refusals, limits, check
):
    """The venue does not answer before all are judged."""
    answer = asyncio.get_running_loop().create_future()
    trading.answers.extend([answer] * 3)
    desk = make_desk(**limits)
    placed = [asyncio.ensure_future(desk.place(RESTING)) for _ in range(10)]
    await settle(500)
    assert len(refusals.rows) == 7
    assert len(orders.rows) == 3
    assert {row.check for row in refusals.rows} == {check}
    answer.set_result(RuntimeError("the test is over"))
    await asyncio.gather(*placed, return_exceptions=True)


async def test_balances_bound_requests_at_once_before_the_venue_knows_of_any(
    make_desk, trading, refusals, orders
):
    answer = asyncio.get_running_loop().create_future()
    trading.answers.extend([answer] * 5)
    desk = make_desk()
    placed = [asyncio.ensure_future(desk.place(RESTING)) for _ in range(8)]
    await settle(500)
    assert len(refusals.rows) == 3
    assert len(orders.rows) == 5  # at 198 each of 1000
    assert refusals.rows[0].figures == {"asset": "USDT", "needed": "198", "free": "10"}
    answer.set_result(RuntimeError("the test is over"))
    await asyncio.gather(*placed, return_exceptions=True)


async def test_more_of_an_order_is_judged_as_if_the_old_one_were_gone(
    make_desk, trading, says, refusals, orders
):
    desk = make_desk(max_open_orders=1, max_exposure=Decimal(500))
    trading.answers.append(says("NEW"))
    order = await desk.place(RESTING)
    with pytest.raises(RiskRefused):
        await desk.modify(order.id, quantity=Decimal(6))
    assert refusals.rows[0].check == "exposure"
    assert len(orders.rows) == 1
    trading.answers.append(
        lambda new: Replacement(cancelled=says("CANCELED")(order), placed=says("NEW")(new))
    )
    moved = await desk.modify(order.id, quantity=Decimal(5))
    assert (moved.status, moved.request.quantity) == (OrderStatus.NEW, 5)
    assert moved.replaces == order.id


async def test_less_of_an_order_needs_nobodys_leave(make_desk, trading, says, control):
    desk = make_desk()
    trading.answers.append(says("NEW"))
    order = await desk.place(RESTING)
    await control.pause(reason="lunch", who="ann")
    trading.answers.append(says("NEW"))
    await desk.modify(order.id, quantity=Decimal(1))
    assert trading.amended == [1]
    with pytest.raises(RiskRefused, match="paused"):
        await desk.modify(order.id, price=Decimal(98))


def test_figures_are_told_in_plain_digits():
    refusal = Refusal(
        check="c",
        reason="r",
        figures={"a": Decimal("1E-8"), "b": NOON + timedelta(hours=1), "c": 3, "d": "text"},
    )
    assert texts(refusal) == {
        "a": "0.00000001",
        "b": "2026-01-01T13:00:00+00:00",
        "c": "3",
        "d": "text",
    }


def test_the_same_wish_in_other_digits_has_the_same_digest() -> None:
    same = replace(REQUEST, quantity=Decimal("2.000"))
    assert digest(same) == digest(REQUEST)
    assert digest(replace(REQUEST, side=Side.SELL)) != digest(REQUEST)
    assert digest(replace(REQUEST, quantity=None, quote_quantity=Decimal(2))) != digest(REQUEST)


def test_a_wish_to_close_is_another_wish_and_all_others_are_what_they_were():
    """A key that was used before there was such a wish still finds its order."""
    assert digest(replace(REQUEST, reduce_only=True)) != digest(REQUEST)
    assert digest(REQUEST) == "f11e07aa3e8e0aa63ad00605fbe25ffd3d4c2d408f02b564fea80bebcf7539cd"


async def test_what_never_arrived_is_not_sent_again_in_a_pause(
    orders, trading, says, clock, bus, control
):
    manager = OrderManager(
        trading=trading, orders=orders, clock=clock, bus=bus, may_send=control.may_send
    )
    trading.answers.append(OutcomeUnknown("no answer"))
    order, _ = await manager.save(RESTING, idempotency_key=None, digest="d")
    order = await manager.send(order)
    await control.pause(reason="lunch", who="ann")
    order = await manager.send_again(order)
    assert order.status is OrderStatus.REJECTED
    assert order.reject_reason == "trading was paused before it was sent: lunch"
    assert [call for call, _ in trading.sent] == ["place"]


async def test_no_leg_of_a_list_saved_before_a_pause_is_sent_in_it(
    venue_lists, saved_lists, manager, clock, control
):
    lists = ListManager(
        venue=venue_lists,
        lists=saved_lists,
        manager=manager,
        clock=clock,
        may_send=control.may_send,
    )
    sell = replace(RESTING, side=Side.SELL, price=Decimal(120))
    stop = replace(sell, type=OrderType.STOP_LOSS, price=None, stop_price=Decimal(80))
    wish = OrderListRequest(kind=ListKind.OCO, legs={Leg.ABOVE: sell, Leg.BELOW: stop})
    saved, _ = await lists.save(wish, idempotency_key=None, digest="d")
    await control.pause(reason="lunch", who="ann")
    ended = await lists.send(saved)
    assert {order.status for order in ended.orders} == {OrderStatus.REJECTED}


async def test_what_would_take_anothers_place_is_checked_and_nothing_is_saved(
    make_desk, manager, trading, says, holdings, wallet, orders, refusals
):
    holdings.quantities = {RESTING.symbol: Decimal(2)}
    wallet.free = {"BTC": Decimal(0)}
    guarding = replace(RESTING, side=Side.SELL, price=Decimal(101), reduce_only=True)
    trading.answers.append(says("NEW"))
    order, _ = await manager.save(guarding, idempotency_key=None, digest="d")
    await manager.send(order)
    desk = make_desk()
    await desk.check(guarding, instead_of=order.id)
    with pytest.raises(RiskRefused, match="2 is there to close"):
        await desk.check(replace(guarding, quantity=Decimal(3)), instead_of=order.id)
    with pytest.raises(Unfit):
        await desk.check(replace(guarding, quantity=Decimal("0.001")), instead_of=order.id)
    assert (len(orders.rows), refusals.rows) == (1, [])
