"""Entering orders through the real API: refused with what would do, adjusted, advised, trailing."""

from __future__ import annotations

from decimal import Decimal

import pytest

MARKET = {"symbol": "BTC/USDT", "side": "buy", "type": "market"}


@pytest.fixture
async def day(exchange, at, live):
    async with exchange() as running, live(at(running)) as day:
        day.venue = running.exchange.venue
        yield day


def sent(day):
    return day.venue.all_orders("main", "BTCUSDT")


async def test_an_order_that_does_not_fit_is_refused_with_the_nearest_that_does(day):
    odd = {**MARKET, "type": "limit", "quantity": "0.002004", "price": "85000.009"}
    answer = await day.order(**odd)
    body = answer.json()
    assert (answer.status_code, body["type"]) == (422, "/docs#unfit")
    told = [(each["filter"], each["field"], each["nearest"]) for each in body["violations"]]
    assert told == [("PRICE_FILTER", "price", "85000"), ("LOT_SIZE", "quantity", "0.002")]
    assert sent(day) == []
    nearest = {field: value for _, field, value in told}
    assert (await day.order(**odd | nearest)).status_code == 201


async def test_conform_sends_what_fits_and_tells_it_and_the_key_stands_for_what_was_asked(day):
    odd = {**MARKET, "type": "limit", "quantity": "0.002004", "price": "85000.009"}
    key = {"Idempotency-Key": "odd"}
    answer = await day.http.post("/orders", json=odd | {"conform": True}, headers=key)
    assert answer.status_code == 201
    assert answer.json()["conformed"] == [
        {"field": "quantity", "asked": "0.002004", "sent": "0.00200000"},
        {"field": "price", "asked": "85000.009", "sent": "85000.00000000"},
    ]
    (order,) = sent(day)
    assert (order.quantity, order.price) == (Decimal("0.002"), Decimal(85_000))
    again = await day.http.post("/orders", json=odd, headers=key)
    assert (again.status_code, again.json()["id"]) == (201, answer.json()["id"])
    other = await day.http.post("/orders", json=odd | {"quantity": "0.002"}, headers=key)
    assert other.status_code == 409


async def test_a_modification_that_does_not_fit_is_refused_and_the_order_stands(day):
    order = (
        await day.order(**MARKET | {"type": "limit", "quantity": "0.002", "price": "85000"})
    ).json()
    for change in ({"price": "85000.009"}, {"quantity": "0.001004"}):
        refused = await day.http.patch(f"/orders/{order['id']}", json=change)
        assert (refused.status_code, refused.json()["title"]) == (422, "Unfit")
    assert [str(each.status) for each in sent(day)] == ["NEW"]


async def test_a_refusal_of_the_venue_keeps_its_code_and_says_what_to_change(day):
    """A maker at a price that would take: only the venue knows its book at that moment."""
    bought = (await day.order(**MARKET, quantity="0.001")).json()
    above = str((Decimal(bought["average_price"]) * Decimal("1.01")).quantize(Decimal("0.01")))
    maker = MARKET | {"type": "limit_maker", "quantity": "0.001", "price": above}
    refused = await day.order(**maker)
    body = refused.json()
    assert (refused.status_code, body["code"]) == (400, -2010)
    assert body["reason"] == "Order would immediately match and take."
    assert "below the best ask" in body["advice"]
    assert body["advice"] in body["detail"]
    order = (await day.http.get(f"/orders/{body['order_id']}")).json()
    assert (order["status"], order["advice"]) == ("REJECTED", body["advice"])


async def test_a_trailing_stop_follows_the_market_and_sells_when_it_turns(day):
    await day.order(**MARKET, quantity="0.01")
    answer = await day.order(
        symbol="BTC/USDT", side="sell", type="stop_loss", quantity="0.01", trailing_delta=10
    )
    order = answer.json()
    assert (answer.status_code, order["status"], order["trailing_delta"]) == (201, "NEW", 10)

    async def sold():
        await day.clock.advance(5)
        return (await day.http.get(f"/orders/{order['id']}")).json()["status"] == "FILLED"

    await day.until(sold, "the stop to trade")
    assert [str(each.status) for each in sent(day)] == ["FILLED", "FILLED"]


async def test_an_iceberg_shows_a_part_and_rests_whole(day):
    wish = MARKET | {"type": "limit", "quantity": "0.01", "price": "85000"}
    answer = await day.order(**wish, iceberg_quantity="0.002")
    assert (answer.status_code, answer.json()["iceberg_quantity"]) == (201, "0.002")
    many = await day.order(**wish, iceberg_quantity="0.00001")
    assert [each["filter"] for each in many.json()["violations"]] == ["ICEBERG_PARTS"]


async def test_the_rules_of_a_pair_are_told_as_the_venue_tells_them(day):
    rules = (await day.http.get("/instruments/BTC-USDT")).json()
    assert (rules["tick_size"], rules["step_size"]) == ("0.01000000", "0.00001000")
    assert {"LIMIT_MAKER", "STOP_LOSS_LIMIT"} <= set(rules["order_types"])
    assert rules["order_lists"] == ["OCO", "OTO", "OTOCO"]
    listed = (await day.http.get("/instruments", params={"quote": "usdt"})).json()
    assert rules in listed
    assert (await day.http.get("/instruments/NO-PE")).status_code == 404
