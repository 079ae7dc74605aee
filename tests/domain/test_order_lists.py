"""What may stand in an order list, leg by leg and price by price; ids and states of a list."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.domain.instruments import Symbol
from trading_system.domain.order_lists import (
    LEGS,
    Leg,
    ListKind,
    ListStatus,
    OrderListRequest,
    drafted,
    leg_id,
    misplaced,
    objection,
    pair_of,
)
from trading_system.domain.orders import OrderRequest, OrderStatus, OrderType, Side

BTC = Symbol("BTC", "USDT")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LIST = UUID(int=7)


def wish(kind, side="SELL", **numbers) -> OrderRequest:
    amounts = {name: Decimal(value) for name, value in numbers.items()}
    return OrderRequest(
        symbol=BTC, side=Side(side), type=OrderType(kind), **{"quantity": Decimal(1)} | amounts
    )


MAKER = wish("LIMIT_MAKER", price=110)
STOP = wish("STOP_LOSS", stop_price=90)
BUY = wish("LIMIT", "BUY", price=100)


def oco(above=MAKER, below=STOP) -> OrderListRequest:
    return OrderListRequest(kind=ListKind.OCO, legs={Leg.ABOVE: above, Leg.BELOW: below})


def oto(working=BUY, pending=MAKER) -> OrderListRequest:
    return OrderListRequest(kind=ListKind.OTO, legs={Leg.WORKING: working, Leg.PENDING: pending})


def otoco(working=BUY, above=MAKER, below=STOP) -> OrderListRequest:
    legs = {Leg.WORKING: working, Leg.ABOVE: above, Leg.BELOW: below}
    return OrderListRequest(kind=ListKind.OTOCO, legs=legs)


ALLOWED = {
    ("SELL", Leg.ABOVE): {"LIMIT_MAKER", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"},
    ("SELL", Leg.BELOW): {"STOP_LOSS", "STOP_LOSS_LIMIT"},
    ("BUY", Leg.ABOVE): {"STOP_LOSS", "STOP_LOSS_LIMIT"},
    ("BUY", Leg.BELOW): {"LIMIT_MAKER", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"},
}


@pytest.mark.parametrize("request_", [oco(), oto(), otoco()])
def test_a_list_that_is_well_meets_no_objection(request_) -> None:
    assert objection(request_) is None
    assert request_.symbol == BTC


@pytest.mark.parametrize("side", ["SELL", "BUY"])
@pytest.mark.parametrize("above", list(OrderType))
@pytest.mark.parametrize("below", list(OrderType))
def test_a_pair_takes_its_profit_on_one_side_and_its_loss_on_the_other(side, above, below) -> None:
    upper = wish(above, side, price=120, stop_price=110)
    lower = wish(below, side, price=90, stop_price=80)
    told = objection(oco(upper, lower))
    fits = above in ALLOWED[side, Leg.ABOVE] and below in ALLOWED[side, Leg.BELOW]
    assert (told is None) is fits
    if not fits:
        assert f"{side}s must be" in told


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (replace(oco(), kind=ListKind.OTO), "an OTO list has the legs working and pending"),
        (replace(oto(), kind=ListKind.OTOCO), "the legs working, above and below"),
        (oco(below=replace(STOP, symbol=Symbol("ETH", "USDT"))), "one symbol"),
        (oto(pending=replace(MAKER, quantity=None, quote_quantity=Decimal(9))), "quote_quantity"),
        (oto(working=wish("MARKET", "BUY")), "LIMIT or LIMIT_MAKER, not MARKET"),
        (otoco(working=STOP), "not STOP_LOSS"),
        (oco(below=replace(STOP, quantity=Decimal(2))), "same quantity"),
        (oco(below=replace(STOP, side=Side.BUY)), "same side"),
        (oco(below=wish("STOP_LOSS", stop_price=110)), r"above \(110\) must lie above"),
        (otoco(above=wish("TAKE_PROFIT", stop_price=80)), r"below \(90\)"),
    ],
)
def test_what_no_market_could_make_right_is_told_with_what_to_change(request_, text) -> None:
    assert re.search(text, objection(request_))


@pytest.mark.parametrize("kind", ["LIMIT", "LIMIT_MAKER"])
def test_a_working_order_is_a_limit(kind) -> None:
    assert objection(oto(working=replace(BUY, type=OrderType(kind)))) is None


PROFITS = [
    wish("LIMIT_MAKER", price=110),
    wish("TAKE_PROFIT_LIMIT", price=110, stop_price=80),
    wish("TAKE_PROFIT", stop_price=110),
]
LOSSES = [wish("STOP_LOSS", stop_price=90), wish("STOP_LOSS_LIMIT", stop_price=90, price=120)]


@pytest.mark.parametrize("above", PROFITS)
@pytest.mark.parametrize("below", LOSSES)
@pytest.mark.parametrize(
    ("last", "text"),
    [
        ("110", "above must lie above the last trade at 110, not at 110"),
        ("109.99", None),
        ("90.01", None),
        ("90", "below must lie below the last trade at 90, not at 90"),
        ("200", "above"),
        ("1", "below"),
    ],
)
def test_the_last_trade_lies_between_the_two_orders_of_a_pair(above, below, last, text) -> None:
    told = misplaced(oco(above, below), Decimal(last))
    assert told is None if text is None else text in told


def test_without_a_price_or_for_a_pair_that_waits_the_venue_judges() -> None:
    assert misplaced(oco(), None) is None
    assert misplaced(otoco(), Decimal(200)) is None
    assert misplaced(oto(), Decimal(200)) is None


def test_a_trailing_order_without_a_stop_price_may_be_anywhere() -> None:
    trailing = replace(wish("STOP_LOSS"), trailing_delta=100)
    profit = replace(wish("TAKE_PROFIT"), trailing_delta=100)
    assert objection(oco(below=trailing)) is objection(oco(above=profit)) is None
    assert misplaced(oco(profit, trailing), Decimal(1)) is None


@given(st.uuids(), st.sampled_from([oco(), oto(), otoco()]))
def test_everything_about_a_list_follows_from_its_id(list_id, request_) -> None:
    one, two = (drafted(list_id, request_, at=NOON, mid_price=Decimal(99)) for _ in range(2))
    assert one == two
    assert tuple(one.legs) == LEGS[request_.kind]
    ids = [one.client_list_id, *(order.client_order_id for order in one.orders)]
    assert len(set(ids)) == len(ids)
    assert all(len(each) <= 36 for each in ids)
    for leg, order in one.legs.items():
        assert order.id == leg_id(list_id, leg)
        assert (order.list_id, order.mid_price) == (list_id, 99)
        assert (order.status, order.request) == (OrderStatus.PENDING_NEW, request_.legs[leg])
    assert one.symbol == BTC


@pytest.mark.parametrize("leg", list(Leg))
def test_only_orders_of_a_pair_share_what_they_may_do(leg) -> None:
    shared = pair_of(LIST, leg_id(LIST, leg))
    assert shared == (LIST if leg in {Leg.ABOVE, Leg.BELOW} else None)


@pytest.mark.parametrize(
    ("statuses", "known", "status"),
    [
        (("PENDING_NEW", "PENDING_NEW"), False, ListStatus.PENDING),
        (("UNKNOWN", "UNKNOWN"), False, ListStatus.UNKNOWN),
        (("NEW", "UNKNOWN"), True, ListStatus.UNKNOWN),
        (("REJECTED", "REJECTED"), False, ListStatus.REJECTED),
        (("NEW", "PENDING_NEW"), True, ListStatus.EXECUTING),
        (("PENDING_CANCEL", "PENDING_CANCEL"), True, ListStatus.EXECUTING),
        (("FILLED", "NEW"), True, ListStatus.EXECUTING),
        (("FILLED", "EXPIRED"), True, ListStatus.ALL_DONE),
        (("CANCELED", "REJECTED"), True, ListStatus.ALL_DONE),
    ],
)
def test_a_list_stands_where_its_legs_do(statuses, known, status) -> None:
    new = drafted(LIST, oto(), at=NOON, mid_price=None)
    legs = {
        leg: replace(order, status=OrderStatus(told), venue_order_id="7" if known else None)
        for (leg, order), told in zip(new.legs.items(), statuses, strict=True)
    }
    assert replace(new, legs=legs).status is status
