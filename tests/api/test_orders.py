from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from trading_system.domain.errors import (
    KeyReused,
    NotAllowed,
    OrderNotFound,
    OutcomeUnknown,
    UnknownSymbol,
    Unreachable,
)
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import (
    NotModified,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)
from trading_system.domain.reports import Fill
from trading_system.ports import RecordedFill

BTC = Symbol("BTC", "USDT")


async def test_an_order_is_placed_with_every_digit(place, system):
    response = await place(time_in_force="ioc", quantity="0.00100000", price="93000.10")
    assert response.status_code == 201
    body = response.json()
    assert response.headers["Location"] == f"/orders/{body['id']}"
    assert (body["quantity"], body["price"]) == ("0.00100000", "93000.10")
    assert (body["status"], body["executed_quantity"], body["average_price"]) == ("NEW", "0", None)
    assert system.orders.requests == [
        OrderRequest(
            symbol=BTC,
            side=Side.BUY,
            type=OrderType.LIMIT,
            quantity=Decimal("0.001"),
            price=Decimal("93000.1"),
            time_in_force=TimeInForce.IOC,
        )
    ]


async def test_an_order_may_say_that_it_only_closes(place, system):
    response = await place(reduce_only=True)
    assert response.json()["reduce_only"] is True
    assert system.orders.requests[0].reduce_only
    by_quote = {"type": "market", "quantity": None, "quote_quantity": "5", "price": None}
    refused = await place(reduce_only=True, **by_quote)
    assert (refused.status_code, len(system.orders.requests)) == (422, 1)
    assert "needs quantity" in refused.text


async def test_amounts_are_written_in_plain_digits(place, system):
    system.orders.script = lambda order: replace(
        order,
        status=OrderStatus.PARTIALLY_FILLED,
        executed_quantity=Decimal("1E-8"),
        executed_quote=Decimal("0.00093"),
    )
    body = (await place()).json()
    assert body["executed_quantity"] == "0.00000001"
    assert body["average_price"] == "93000"


@pytest.mark.parametrize("value", [0.001, 1, True, None, ["0.1"]])
async def test_a_number_that_is_no_string_is_refused_with_a_clear_message(client, system, value):
    body = {"symbol": "BTC/USDT", "side": "BUY", "type": "MARKET", "quantity": value}
    response = await client.post("/orders", json=body)
    assert response.status_code == 422
    assert not system.orders.requests
    if value is not None:
        assert "decimals as strings" in response.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    "text", ["1e3", "1_000", "NaN", "Infinity", "-1", "+1", "0", "0.000", ".5", "5.", "", " 1", "١"]
)
async def test_only_plain_positive_digits_are_a_decimal(place, system, text):
    response = await place(quantity=text)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "body.quantity"
    assert not system.orders.requests


LIMIT, STOP = {"price": "9"}, {"stop_price": "8"}


@pytest.mark.parametrize(
    ("kind", "members"),
    [
        ("market", {}),
        ("market", {"quantity": None, "quote_quantity": "100"}),
        ("limit", LIMIT),
        ("LIMIT", LIMIT | {"time_in_force": "FOK"}),
        ("limit_maker", LIMIT),
        ("stop_loss", STOP),
        ("Stop_Loss_Limit", LIMIT | STOP),
        ("take_profit", STOP | {"quantity": None, "quote_quantity": "100"}),
        ("take_profit_limit", LIMIT | STOP | {"time_in_force": "gtc"}),
    ],
)
async def test_every_type_is_placed_with_what_it_needs(place, kind, members):
    response = await place(**({"type": kind, "price": None} | members))
    assert response.status_code == 201, response.text
    assert response.json()["type"] == kind.upper()


@pytest.mark.parametrize(
    ("kind", "members", "words"),
    [
        ("market", LIMIT, "a MARKET order takes no price"),
        ("market", STOP, "takes no stop_price"),
        ("market", {"time_in_force": "GTC"}, "takes no time_in_force"),
        ("market", {"quote_quantity": "5"}, "either quantity or quote_quantity"),
        ("market", {"quantity": None}, "either quantity or quote_quantity"),
        ("limit", {}, "a LIMIT order needs price"),
        ("limit", LIMIT | STOP, "takes no stop_price"),
        ("limit", LIMIT | {"quantity": None, "quote_quantity": "5"}, "takes no quote_quantity"),
        ("limit_maker", LIMIT | {"time_in_force": "GTC"}, "takes no time_in_force"),
        ("stop_loss", {}, "needs stop_price"),
        ("stop_loss_limit", LIMIT, "needs stop_price"),
        ("take_profit_limit", STOP, "needs price"),
        ("limit", LIMIT | {"trailing_delta": 100}, "takes no trailing_delta"),
        ("market", {"iceberg_quantity": "1"}, "takes no iceberg_quantity"),
        ("stop_loss", {"trailing_delta": 0}, "greater than 0"),
        ("iceberg", LIMIT, "Input should be"),
        ("limit", LIMIT | {"side": "hold"}, "Input should be"),
        ("limit", LIMIT | {"side": 1}, "Input should be"),
        ("limit", LIMIT | {"leverage": "10"}, "Extra inputs"),
    ],
)
async def test_an_order_that_cannot_be_meant_is_refused_before_it_is_saved(
    place, system, kind, members, words
):
    response = await place(**({"type": kind, "price": None} | members))
    assert response.status_code == 422
    assert words in response.json()["detail"]
    assert not system.orders.requests


async def test_the_same_key_gives_the_same_order_back(place, system):
    first = await place({"Idempotency-Key": "k1"})
    again = await place({"Idempotency-Key": "k1"})
    other = await place({"Idempotency-Key": "k2"})
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert other.json()["id"] != first.json()["id"]
    assert len(system.orders.requests) == 2


async def test_a_key_of_no_letters_is_422(place):
    assert (await place({"Idempotency-Key": ""})).status_code == 422
    assert (await place({"Idempotency-Key": "k" * 256})).status_code == 422


@pytest.mark.parametrize(
    ("error", "status", "title"),
    [
        (KeyReused("that key was used for another order"), 409, "Key reused"),
        (UnknownSymbol("the venue lists no NO/SUCH"), 404, "Unknown symbol"),
        (NotAllowed("live trading is not armed"), 403, "Not allowed"),
        (Unreachable("nobody there"), 503, "Unreachable"),
    ],
)
async def test_what_the_desk_refuses_is_a_problem(place, system, error, status, title):
    system.orders.script = error
    response = await place()
    assert (response.status_code, response.json()["title"]) == (status, title)
    assert response.json()["detail"] == str(error)


async def test_a_refusal_of_the_venue_comes_with_its_code_reason_and_our_id(place, system, client):
    system.orders.script = lambda order: replace(
        order,
        status=OrderStatus.REJECTED,
        reject_code=-1013,
        reject_reason="Filter failure: LOT_SIZE",
    )
    response = await place()
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert (body["code"], body["reason"]) == (-1013, "Filter failure: LOT_SIZE")
    stored = (await client.get(f"/orders/{body['order_id']}")).json()
    assert (stored["status"], stored["reject_code"]) == ("REJECTED", -1013)


async def test_an_order_that_could_not_be_sent_is_503(place, system):
    """Nothing happened at the venue, so it has no code."""
    system.orders.script = lambda order: replace(
        order, status=OrderStatus.REJECTED, reject_reason="connection refused"
    )
    response = await place()
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    assert "connection refused" in response.json()["detail"]
    assert "code" not in response.json()


async def test_a_refusal_without_words_still_answers(place, system):
    system.orders.script = lambda order: replace(order, status=OrderStatus.REJECTED, reject_code=-1)
    assert (await place()).json()["reason"] == "no reason given"


async def test_an_unknown_outcome_is_202_with_the_order(place, system, client):
    system.orders.script = lambda order: replace(order, status=OrderStatus.UNKNOWN)
    response = await place()
    assert (response.status_code, response.json()["status"]) == (202, "UNKNOWN")
    assert (await client.get(response.headers["Location"])).json() == response.json()


async def test_a_cancel_answers_with_the_order_as_it_stands(place, client):
    order_id = (await place()).json()["id"]
    response = await client.delete(f"/orders/{order_id}")
    assert (response.status_code, response.json()["status"]) == (200, "CANCELED")


async def test_a_cancel_whose_answer_got_lost_is_202_with_the_order_as_we_know_it(
    place, client, system
):
    order_id = (await place()).json()["id"]
    system.orders.script = OutcomeUnknown("no answer")
    response = await client.delete(f"/orders/{order_id}")
    assert (response.status_code, response.json()["status"]) == (202, "NEW")


async def test_a_cancel_of_an_order_that_is_still_in_doubt_is_202(place, client, system):
    order_id = (await place()).json()["id"]
    system.orders.script = OrderNotFound(-2013, "Order does not exist.")
    assert (await client.delete(f"/orders/{order_id}")).status_code == 202


async def test_what_is_known_of_an_order_is_told_to_the_digit(place, system):
    system.orders.script = lambda order: replace(
        order,
        executed_quantity=Decimal("0.001"),
        executed_quote=Decimal("93.093"),
        fees=(("BNB", Decimal("0.00010")), ("BTC", Decimal("1E-7"))),
        mid_price=Decimal(93000),
        latency_ms=12,
        replaces=UUID(int=1),
        list_id=UUID(int=2),
        foreign=True,
    )
    body = (await place(iceberg_quantity="0.0005")).json()
    told = ("fees", "mid_price", "slippage_percent", "latency_ms", "replaces", "list_id", "foreign")
    assert [body[name] for name in told] == [
        {"BNB": "0.00010", "BTC": "0.0000001"},
        "93000",
        "0.100000",
        12,
        str(UUID(int=1)),
        str(UUID(int=2)),
        True,
    ]
    assert body["iceberg_quantity"] == "0.0005"


async def test_a_trailing_delta_stands_in_for_the_stop_price(place):
    response = await place(type="stop_loss_limit", trailing_delta=100)
    assert (response.status_code, response.json()["trailing_delta"]) == (201, 100)


@pytest.mark.parametrize("changes", [{"price": "92000.50"}, {"quantity": "0.0005"}])
async def test_a_modified_order_is_told_as_it_rests_now(place, client, changes):
    order_id = (await place()).json()["id"]
    response = await client.patch(f"/orders/{order_id}", json=changes)
    assert response.status_code == 200
    assert response.headers["Location"] == f"/orders/{order_id}"
    assert changes.items() <= response.json().items()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "price, quantity or both"),
        ({"price": 5}, "decimals as strings"),
        ({"quantity": "0"}, "more than zero"),
        ({"quantity": "-0.5"}, "more than zero"),
        ({"side": "SELL", "price": "5"}, "side"),
    ],
)
async def test_a_modification_of_nothing_or_of_something_else_is_422(place, client, body, words):
    order_id = (await place()).json()["id"]
    response = await client.patch(f"/orders/{order_id}", json=body)
    assert response.status_code == 422
    assert words in response.json()["detail"]


async def test_the_old_order_gone_and_none_in_its_place_is_told_with_both(place, client, system):
    order_id = (await place()).json()["id"]
    old = await system.orders.get(UUID(order_id))
    system.orders.script = NotModified(
        "no order took its place: no money, and the old one is gone (CANCELED)",
        old=replace(old, status=OrderStatus.CANCELED),
        new=replace(old, status=OrderStatus.REJECTED, replaces=old.id, reject_code=-2010),
    )
    response = await client.patch(f"/orders/{order_id}", json={"price": "1"})
    body = response.json()
    assert (response.status_code, body["title"]) == (409, "Not modified")
    assert "the old one is gone" in body["detail"]
    assert (body["old"]["status"], body["new"]["status"]) == ("CANCELED", "REJECTED")
    assert (body["new"]["replaces"], body["new"]["reject_code"]) == (order_id, -2010)


async def test_an_order_that_could_not_be_amended_is_told_alone(place, client, system):
    order_id = (await place()).json()["id"]
    old = await system.orders.get(UUID(order_id))
    system.orders.script = NotModified("the venue did not amend it", old=old)
    body = (await client.patch(f"/orders/{order_id}", json={"quantity": "0.0001"})).json()
    assert (body["old"]["id"], body["new"]) == (order_id, None)


async def test_a_modification_in_doubt_is_202(place, client, system):
    order_id = (await place()).json()["id"]
    system.orders.script = OutcomeUnknown("no answer")
    amended = await client.patch(f"/orders/{order_id}", json={"quantity": "0.0001"})
    assert (amended.status_code, amended.json()["id"]) == (202, order_id)
    number = UUID(int=9)
    system.orders.script = lambda order: replace(order, id=number, status=OrderStatus.UNKNOWN)
    replaced = await client.patch(f"/orders/{order_id}", json={"price": "1"})
    assert (replaced.status_code, replaced.headers["Location"]) == (202, f"/orders/{number}")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_an_order_nobody_placed_is_404_and_an_id_that_is_none_422(client, method):
    unknown = await client.request(method, f"/orders/{UUID(int=7)}")
    assert (unknown.status_code, unknown.json()["title"]) == (404, "Not found")
    assert (await client.request(method, "/orders/seven")).status_code == 422


async def test_orders_are_listed_newest_first_and_selected(place, client, system):
    first = (await place()).json()
    second = (await place(symbol="ETH-USDT")).json()
    third = (await place()).json()
    await client.delete(f"/orders/{third['id']}")

    async def ids(query=""):
        return [row["id"] for row in (await client.get(f"/orders{query}")).json()]

    assert await ids() == [third["id"], second["id"], first["id"]]
    assert await ids("?symbol=BTC-USDT") == [third["id"], first["id"]]
    assert await ids("?status=CANCELED") == [third["id"]]
    assert await ids("?status=NEW&symbol=eth/usdt") == [second["id"]]
    assert len(await ids("?status=NEW&status=CANCELED")) == 3
    assert await ids("?limit=1") == [third["id"]]


@pytest.mark.parametrize("query", ["status=OPEN", "symbol=BTC", "limit=0"])
async def test_a_malformed_selection_is_422(client, query):
    assert (await client.get(f"/orders?{query}")).status_code == 422


@pytest.fixture
def fill(system):
    order_id = UUID(int=5)
    system.orders.recorded.append(
        RecordedFill(
            order_id=order_id,
            symbol=BTC,
            side="BUY",
            fill=Fill(
                trade_id="9001",
                price=Decimal("93000.00"),
                quantity=Decimal("0.0004"),
                quote_quantity=Decimal("37.2"),
                fee=Decimal("4E-7"),
                fee_asset="BTC",
                maker=None,
                time=datetime(2026, 1, 1, 12, 0, 4, 250_000, tzinfo=UTC),
            ),
        )
    )
    return order_id


async def test_trades_are_exact(client, fill):
    assert (await client.get("/trades?symbol=BTC-USDT")).json() == [
        {
            "trade_id": "9001",
            "order_id": str(fill),
            "symbol": "BTC/USDT",
            "side": "BUY",
            "price": "93000.00",
            "quantity": "0.0004",
            "quote_quantity": "37.2",
            "fee": "0.0000004",
            "fee_asset": "BTC",
            "maker": None,
            "time": "2026-01-01T12:00:04.250000Z",
        }
    ]
    assert (await client.get("/trades?symbol=ETH-USDT")).json() == []
    assert len((await client.get("/trades")).json()) == 1


async def test_balances_are_exact_and_sorted(client):
    assert (await client.get("/balances")).json() == [
        {"asset": "BTC", "free": "0.00000001", "locked": "0", "total": "0.00000001"},
        {"asset": "USDT", "free": "9962.80", "locked": "55.8", "total": "10018.60"},
    ]


async def test_balances_of_a_venue_that_is_down_are_503(client, system):
    system.trading.failure = Unreachable("nobody there")
    assert (await client.get("/balances")).status_code == 503
