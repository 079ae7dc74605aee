"""/order-lists, /instruments, and what placing an order says beyond the order."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from trading_system.domain.errors import OrderNotFound, OutcomeUnknown
from trading_system.domain.filters import Unfit, Violation
from trading_system.domain.instruments import Instrument, Symbol
from trading_system.domain.order_lists import Leg, ListKind
from trading_system.domain.orders import NotModified, OrderStatus, OrderType, Side

OCO = {
    "kind": "oco",
    "symbol": "BTC/USDT",
    "side": "sell",
    "quantity": "0.001",
    "above": {"type": "limit_maker", "price": "110000"},
    "below": {"type": "stop_loss", "stop_price": "90000"},
}
NOBODYS = "00000000-0000-0000-0000-000000000001"


async def test_a_list_is_answered_with_its_legs_by_their_place(client, system):
    answer = await client.post("/order-lists", json=OCO)
    body = answer.json()
    assert (answer.status_code, body["kind"], body["status"]) == (201, "OCO", "EXECUTING")
    assert answer.headers["Location"] == f"/order-lists/{body['id']}"
    assert list(body["legs"]) == ["above", "below"]
    assert body["legs"]["above"]["list_id"] == body["id"]
    assert (await client.get(answer.headers["Location"])).json() == body
    (request,) = system.order_lists.requests
    assert request.kind is ListKind.OCO
    above, below = request.legs[Leg.ABOVE], request.legs[Leg.BELOW]
    assert (above.side, above.quantity, above.price) == (Side.SELL, Decimal("0.001"), 110_000)
    assert (below.type, below.stop_price) == (OrderType.STOP_LOSS, 90_000)


async def test_a_leg_may_have_a_side_and_a_quantity_of_its_own(client, system):
    body = {
        "kind": "oto",
        "symbol": "BTC/USDT",
        "side": "buy",
        "quantity": "0.001",
        "pending": {"type": "market", "side": "sell", "quantity": "0.0009"},
        "working": {"type": "limit", "price": "90000", "time_in_force": "ioc"},
    }
    assert (await client.post("/order-lists", json=body)).status_code == 201
    (request,) = system.order_lists.requests
    assert list(request.legs) == [Leg.WORKING, Leg.PENDING]
    pending = request.legs[Leg.PENDING]
    assert (pending.side, pending.quantity) == (Side.SELL, Decimal("0.0009"))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"above": None}, "an OCO list has the legs above and below"),
        ({"working": {"type": "limit", "price": "1"}}, "has the legs above and below"),
        ({"above": {"type": "limit_maker"}}, "a LIMIT_MAKER order needs price"),
        ({"below": {"type": "stop_loss"}}, "a STOP_LOSS order needs stop_price"),
        ({"above": {"type": "limit", "price": "1"}}, "must be LIMIT_MAKER, TAKE_PROFIT or"),
        ({"below": {"type": "stop_loss", "stop_price": "90000", "x": 1}}, "Extra inputs"),
    ],
)
async def test_a_list_that_cannot_be_one_is_422_with_what_to_change(client, system, change, text):
    answer = await client.post("/order-lists", json=OCO | change)
    assert answer.status_code == 422
    assert text in answer.json()["detail"]
    assert system.order_lists.requests == []


async def test_a_refused_list_is_the_venues_refusal_with_advice(client, system):
    system.order_lists.script = lambda order: replace(
        order, status=OrderStatus.REJECTED, reject_code=-2010, reject_reason="no"
    )
    answer = await client.post("/order-lists", json=OCO)
    body = answer.json()
    assert (answer.status_code, body["code"], body["advice"]) == (400, -2010, "send less")
    assert body["order_list_id"] in map(str, system.order_lists.rows)


async def test_a_lost_answer_is_202_with_the_list_as_it_stands(client, system):
    system.order_lists.script = lambda order: replace(order, status=OrderStatus.UNKNOWN)
    answer = await client.post("/order-lists", json=OCO)
    assert (answer.status_code, answer.json()["status"]) == (202, "UNKNOWN")


async def test_a_cancelled_list_is_told_as_it_ended(client, system):
    placed = (await client.post("/order-lists", json=OCO)).json()
    answer = await client.delete(f"/order-lists/{placed['id']}")
    assert (answer.status_code, answer.json()["status"]) == (200, "ALL_DONE")


@pytest.mark.parametrize("error", [OutcomeUnknown("lost"), OrderNotFound(-2013, "none")])
async def test_a_cancel_whose_outcome_is_not_known_is_202(client, system, error):
    placed = (await client.post("/order-lists", json=OCO)).json()
    system.order_lists.script = error
    answer = await client.delete(f"/order-lists/{placed['id']}")
    assert (answer.status_code, answer.json()["status"]) == (202, "EXECUTING")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_a_list_that_is_not_there_is_404(client, method):
    assert (await client.request(method, f"/order-lists/{NOBODYS}")).status_code == 404


async def test_what_was_adjusted_is_told(place):
    body = (await place(quantity="0.0019", conform=True)).json()
    assert body["conformed"] == [{"field": "quantity", "asked": "0.0019", "sent": "0.001"}]
    assert "conformed" not in (await place(conform=True)).json()


async def test_filters_that_are_not_passed_are_listed_with_what_would_pass(place, system):
    found = (
        Violation(
            filter="LOT_SIZE",
            field="quantity",
            given=Decimal("0.00100"),
            nearest=Decimal("1E-2"),
            text="too little",
        ),
        Violation(filter="ORDER_TYPE", field="type", given="LIMIT", nearest=None, text="none"),
    )
    system.orders.script = Unfit(found)
    answer = await place()
    body = answer.json()
    assert (answer.status_code, body["title"]) == (422, "Unfit")
    assert body["detail"] == "LOT_SIZE: too little; ORDER_TYPE: none"
    lot, kind = body["violations"]
    assert (lot["given"], lot["nearest"], lot["text"]) == ("0.001", "0.01", "too little")
    assert (kind["given"], kind["nearest"]) == ("LIMIT", None)


async def test_a_refused_order_is_told_with_advice_wherever_it_is_told_alone(place, client, system):
    system.orders.script = lambda order: replace(
        order, status=OrderStatus.REJECTED, reject_code=-2010, reject_reason="no"
    )
    body = (await place()).json()
    assert (body["advice"], body["reason"], body["code"]) == ("send less", "no", -2010)
    assert body["detail"].endswith("no (-2010): send less")
    alone = (await client.get(f"/orders/{body['order_id']}")).json()
    assert alone["advice"] == "send less"
    (listed,) = (await client.get("/orders")).json()
    assert "advice" not in listed
    (refused,) = system.orders.rows.values()
    system.orders.script = NotModified("gone", old=refused, new=refused)
    problem = (await client.patch(f"/orders/{refused.id}", json={"price": "1"})).json()
    assert problem["new"]["advice"] == "send less"


BTC = Instrument(
    symbol=Symbol("BTC", "USDT"),
    venue_id="BTCUSDT",
    tradable=True,
    order_types=frozenset({"MARKET", "LIMIT"}),
    list_kinds=frozenset({"OTO", "OCO"}),
    tick_size=Decimal("0.01"),
    step_size=Decimal("1E-5"),
    min_quantity=Decimal("0.00001"),
    max_quantity=Decimal(9000),
    min_notional=Decimal(5),
    max_notional=None,
    max_price=Decimal(0),
)


async def test_the_rules_of_a_pair_are_told_and_a_bound_of_zero_is_none(client, system):
    for symbol in (Symbol("ETH", "BTC"), Symbol("BTC", "USDT"), Symbol("ADA", "USDT")):
        system.listing.rows[symbol] = replace(BTC, symbol=symbol)
    rules = (await client.get("/instruments/btc-usdt")).json()
    assert (rules["order_types"], rules["order_lists"]) == (["LIMIT", "MARKET"], ["OCO", "OTO"])
    assert (rules["step_size"], rules["max_price"]) == ("0.00001", None)
    listed = (await client.get("/instruments")).json()
    assert [each["symbol"] for each in listed] == ["ADA/USDT", "BTC/USDT", "ETH/BTC"]
    few = (await client.get("/instruments", params={"quote": "usdt", "limit": 1})).json()
    assert [each["symbol"] for each in few] == ["ADA/USDT"]
    assert (await client.get("/instruments/NO-PE")).status_code == 404
