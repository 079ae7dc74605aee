"""What the desk lets in: orders that fit or are made to, and whole lists judged leg by leg."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import pytest

from tests.fakes.safety import FakeRefusals
from trading_system.domain.errors import (
    InvalidRequest,
    KeyReused,
    NotAllowed,
    Rejected,
    RiskRefused,
    UnknownSymbol,
)
from trading_system.domain.filters import Unfit
from trading_system.domain.instruments import Symbol
from trading_system.domain.order_lists import Leg, ListKind, ListStatus, OrderListRequest
from trading_system.domain.orders import OrderRequest, OrderStatus, OrderType, Side
from trading_system.execution.desk import Desk, list_digest

BTC = Symbol("BTC", "USDT")
LIMIT = OrderRequest(
    symbol=BTC, side=Side.BUY, type=OrderType.LIMIT, quantity=Decimal(2), price=Decimal(99)
)
MAKER = replace(LIMIT, side=Side.SELL, type=OrderType.LIMIT_MAKER, price=Decimal(110))
STOP = replace(MAKER, type=OrderType.STOP_LOSS, price=None, stop_price=Decimal(90))
OCO = OrderListRequest(kind=ListKind.OCO, legs={Leg.ABOVE: MAKER, Leg.BELOW: STOP})
OTO = OrderListRequest(kind=ListKind.OTO, legs={Leg.WORKING: LIMIT, Leg.PENDING: MAKER})
ODD = replace(LIMIT, quantity=Decimal("2.005"), price=Decimal("99.005"))


@pytest.fixture
def refusals():
    return FakeRefusals()


@pytest.fixture
def make_desk(make_gate, manager, list_manager, orders, refusals, listing, clock, bus):
    def build(owners=None, **limits):
        parts = {} if owners is None else {"owner": owners}
        return Desk(
            gate=make_gate(**limits),
            manager=manager,
            lists=list_manager,
            orders=orders,
            refusals=refusals,
            market_data=listing,
            clock=clock,
            bus=bus,
            **parts,
        )

    return build


@pytest.fixture
def stands(venue_lists, says):
    """The venue takes the next list, its legs in these states."""

    def build(*statuses):
        venue_lists.answers.append(
            lambda order_list: [
                says(status)(order)
                for order, status in zip(order_list.orders, statuses, strict=True)
            ]
        )

    return build


async def test_an_order_that_does_not_fit_is_neither_judged_nor_saved(
    make_desk, orders, refusals, trading
):
    with pytest.raises(Unfit, match=r"PRICE_FILTER.*99.* would be.*LOT_SIZE.*2 would be") as unfit:
        await make_desk(max_open_orders=0).place(ODD)
    assert [each.field for each in unfit.value.violations] == ["price", "quantity"]
    assert (orders.rows, refusals.rows, trading.sent) == ({}, [], [])


async def test_what_conforms_is_sent_and_the_key_stands_for_what_was_asked(
    make_desk, trading, says
):
    desk = make_desk()
    trading.answers.append(says("NEW"))
    order = await desk.place(ODD, "key", conform=True)
    assert (order.request.quantity, order.request.price) == (2, 99)
    assert await desk.place(ODD, "key") == order
    with pytest.raises(KeyReused):
        await desk.place(order.request, "key")
    assert len(trading.sent) == 1


async def test_what_cannot_be_adjusted_to_less_is_refused_all_the_same(make_desk):
    with pytest.raises(Unfit, match=r"at least 0\.01"):
        await make_desk().place(replace(LIMIT, quantity=Decimal("0.001")), conform=True)


@pytest.mark.parametrize("change", [{"price": "98.005"}, {"quantity": "1.005"}])
async def test_what_an_order_is_to_become_must_fit_as_well(make_desk, trading, says, change):
    desk = make_desk()
    trading.answers.append(says("NEW"))
    order = await desk.place(LIMIT)
    with pytest.raises(Unfit):
        await desk.modify(order.id, **{name: Decimal(value) for name, value in change.items()})
    assert [call for call, _ in trading.sent] == ["place"]


async def test_the_order_of_a_strategy_is_not_changed_under_its_hands(make_desk, trading, says):
    async def owner(order_id):
        return UUID(int=77) if order_id == order.id else None

    desk = make_desk(owner)
    trading.answers.extend([says("NEW"), says("NEW")])
    order, another = await desk.place(LIMIT), await desk.place(LIMIT)
    with pytest.raises(NotAllowed, match=f"is of strategy {UUID(int=77)}"):
        await desk.modify(order.id, quantity=Decimal(1))
    with pytest.raises(Unfit):
        await desk.modify(another.id, quantity=Decimal("1.005"))
    assert [call for call, _ in trading.sent] == ["place", "place"]


async def test_an_approved_list_is_placed(make_desk, stands, venue_lists):
    stands("NEW", "NEW")
    placed = await make_desk().place_list(OCO)
    assert placed.status is ListStatus.EXECUTING
    assert [call for call, _ in venue_lists.sent] == ["place"]


@pytest.mark.parametrize(
    ("request_", "error", "text"),
    [
        (OrderListRequest(kind=ListKind.OTO, legs=OCO.legs), InvalidRequest, "has the legs"),
        (
            OrderListRequest(
                kind=ListKind.OCO, legs={**OCO.legs, Leg.ABOVE: replace(MAKER, price=Decimal(99))}
            ),
            InvalidRequest,
            "above the last trade at 100",
        ),
        (
            OrderListRequest(
                kind=ListKind.OCO,
                legs={**OCO.legs, Leg.ABOVE: replace(MAKER, price=Decimal("110.001"))},
            ),
            Unfit,
            "PRICE_FILTER",
        ),
        (
            OrderListRequest(
                kind=ListKind.OCO,
                legs={
                    leg: replace(each, symbol=Symbol("NO", "PE")) for leg, each in OCO.legs.items()
                },
            ),
            UnknownSymbol,
            "NO/PE",
        ),
    ],
)
async def test_a_list_that_cannot_be_is_refused_before_anything_is_saved(
    make_desk, orders, request_, error, text
):
    with pytest.raises(error, match=text) as refused:
        await make_desk().place_list(request_)
    assert orders.rows == {}
    if error is Unfit:
        assert [each.field for each in refused.value.violations] == ["above.price"]


async def test_where_there_are_no_lists_none_is_taken(make_desk, listing, orders):
    known = await listing.instruments()

    class Listing:
        async def instruments(self):
            return {BTC: replace(known[BTC], list_kinds=frozenset({"OTO"}))}

    desk = make_desk()
    desk._market_data = Listing()
    with pytest.raises(NotAllowed, match="takes no OCO lists"):
        await desk.place_list(OCO)
    assert orders.rows == {}


@pytest.mark.parametrize("request_", [OCO, OTO])
async def test_a_list_takes_as_many_orders_as_it_has_legs(
    make_desk, request_, refusals, orders, trading, says
):
    desk = make_desk(max_open_orders=2)
    trading.answers.append(says("NEW"))
    await desk.place(LIMIT)
    with pytest.raises(RiskRefused, match="2 orders are open; 2 may be"):
        await desk.place_list(request_)
    assert [row.check for row in refusals.rows] == ["open orders"]
    assert len(orders.rows) == 1


async def test_a_leg_that_waits_needs_nothing_of_what_the_working_one_brings(
    make_desk, wallet, stands
):
    wallet.free = {"USDT": Decimal(1000)}
    stands("NEW", "PENDING_NEW")
    assert (await make_desk().place_list(OTO)).status is ListStatus.EXECUTING
    more = replace(MAKER, quantity=Decimal(3))
    with pytest.raises(RiskRefused, match="3 BTC are needed, 2 are free"):
        await make_desk().place_list(replace(OTO, legs={**OTO.legs, Leg.PENDING: more}))


async def test_ten_at_once_under_one_key_are_one_list_though_it_uses_up_the_limit(
    make_desk, stands, venue_lists, orders
):
    stands("NEW", "NEW")
    desk = make_desk(max_open_orders=2)
    lists = await asyncio.gather(*(desk.place_list(OCO, "key") for _ in range(10)))
    assert len({each.id for each in lists}) == 1
    assert (len(orders.rows), len(venue_lists.sent)) == (2, 1)
    assert (await desk.place_list(OCO, "key")).status is ListStatus.EXECUTING
    with pytest.raises(KeyReused):
        await desk.place_list(OTO, "key")
    with pytest.raises(KeyReused):
        await desk.place(LIMIT, "key")


def test_the_digest_of_a_list_is_of_its_kind_and_all_its_legs() -> None:
    longer = {**OCO.legs, Leg.BELOW: replace(STOP, quantity=Decimal("2.00"))}
    assert list_digest(OCO) == list_digest(replace(OCO, legs=longer))
    others = [
        OTO,
        replace(OCO, kind=ListKind.OTOCO),
        replace(OCO, legs={Leg.ABOVE: STOP, Leg.BELOW: MAKER}),
        replace(OCO, legs={**OCO.legs, Leg.BELOW: replace(STOP, quantity=Decimal(3))}),
    ]
    assert len({list_digest(each) for each in (OCO, *others)}) == 5


async def test_the_legs_of_a_refused_list_are_rejected_with_it(make_desk, venue_lists):
    venue_lists.answers.append(Rejected(-2010, "no"))
    placed = await make_desk().place_list(OCO)
    assert {order.status for order in placed.orders} == {OrderStatus.REJECTED}
