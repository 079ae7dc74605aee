"""Orders through the real API to the real simulator: sent once, modified, cancelled, on record."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from tests.faults.rules import rule
from trading_system.storage.transitions import audit

RESTING = {
    "symbol": "BTC/USDT",
    "side": "BUY",
    "type": "limit",
    "quantity": "0.002",
    "price": "85000.00",
}


@pytest.fixture
async def day(exchange, at, live):
    async with exchange() as running, live(at(running)) as day:
        day.venue, day.mischief = running.exchange.venue, running.mischief
        yield day


def ledger(day) -> dict[str, tuple[str, Decimal, Decimal]]:
    """The exchange's own record: status, price and quantity by our client order id."""
    return {
        order.client_order_id: (str(order.status), order.price, order.quantity)
        for order in day.venue.all_orders("main", "BTCUSDT")
    }


async def modified(day, order, **changes):
    return await day.http.patch(f"/orders/{order['id']}", json=changes)


async def test_ten_posts_at_once_with_one_key_make_one_order(day):
    posts = [
        day.http.post("/orders", json=RESTING, headers={"Idempotency-Key": "once"})
        for _ in range(10)
    ]
    answers = await asyncio.gather(*posts)
    assert {answer.status_code for answer in answers} == {201}
    assert {answer.json()["status"] for answer in answers} == {"NEW"}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(ledger(day)) == 1
    assert len((await day.http.get("/orders")).json()) == 1


async def test_less_of_an_order_is_the_same_order_and_another_price_is_another(day):
    order = (await day.order(**RESTING)).json()
    less = (await modified(day, order, quantity="0.001")).json()
    assert (less["id"], less["quantity"], less["status"]) == (order["id"], "0.00100000", "NEW")
    assert ledger(day) == {
        order["client_order_id"]: ("NEW", Decimal(85_000), Decimal("0.001")),
    }

    moved = (await modified(day, less, price="84000.00")).json()
    assert (moved["replaces"], moved["status"]) == (order["id"], "NEW")
    assert (Decimal(moved["price"]), Decimal(moved["quantity"])) == (84_000, Decimal("0.001"))
    assert moved["latency_ms"] is not None
    old = (await day.http.get(f"/orders/{order['id']}")).json()
    assert old["status"] == "CANCELED"
    assert ledger(day) == {
        order["client_order_id"]: ("CANCELED", Decimal(85_000), Decimal("0.001")),
        moved["client_order_id"]: ("NEW", Decimal(84_000), Decimal("0.001")),
    }

    ended = (await day.http.delete(f"/orders/{moved['id']}")).json()
    assert ended["status"] == "CANCELED"
    late = await modified(day, moved, price="83000.00")
    assert late.status_code == 422
    assert "only what rests" in late.json()["detail"]


async def test_an_order_whose_modification_the_venue_refuses_at_once_still_rests(day):
    order = (await day.order(**RESTING)).json()
    refused = await modified(day, order, price="85000.001")
    assert refused.status_code in {400, 409, 422}
    assert (await day.http.get(f"/orders/{order['id']}")).json()["status"] == "NEW"
    assert [status for status, _, _ in ledger(day).values()] == ["NEW"]


async def test_a_maker_that_would_take_leaves_nothing_behind_and_both_are_told(day):
    """The trap of cancelReplace: the old order is gone when the new one is refused."""
    order = (await day.order(**RESTING | {"type": "limit_maker"})).json()
    bought = await day.order(symbol="BTC/USDT", side="BUY", type="market", quantity="0.001")
    above = Decimal(bought.json()["average_price"]) * Decimal("1.01")
    refused = await modified(day, order, price=str(above.quantize(Decimal("0.01"))))
    body = refused.json()
    assert (refused.status_code, body["title"]) == (409, "Not modified")
    assert "the old one is gone" in body["detail"]
    assert (body["old"]["status"], body["new"]["status"]) == ("CANCELED", "REJECTED")
    assert "immediately match" in body["new"]["reject_reason"]
    assert body["new"]["replaces"] == order["id"]
    assert ledger(day)[order["client_order_id"]][0] == "CANCELED"


async def test_fees_slippage_and_average_agree_with_the_trades(day):
    order = (await day.order(symbol="BTC/USDT", side="BUY", type="market", quantity="0.01")).json()
    trades = (await day.http.get("/trades")).json()

    def total(name):
        return sum(Decimal(trade[name]) for trade in trades)

    assert {asset: Decimal(fee) for asset, fee in order["fees"].items()} == {"BTC": total("fee")}
    assert Decimal(order["executed_quantity"]) == total("quantity")
    assert Decimal(order["executed_quote"]) == total("quote_quantity")
    average = total("quote_quantity") / total("quantity")
    assert Decimal(order["average_price"]) == average


async def test_what_happened_to_orders_is_proven_while_the_system_runs(day):
    order = (await day.order(**RESTING)).json()
    await modified(day, order, quantity="0.001")
    await day.http.delete(f"/orders/{order['id']}")
    found = await audit(day.system.database.path)
    assert found.fault is None
    # Placed, acknowledged, amended, about to be cancelled, cancelled.
    assert found.count == 5


@pytest.mark.parametrize(
    ("fault", "old", "new"),
    [("answer-lost", "CANCELED", "NEW"), ("request-lost", "NEW", "REJECTED")],
)
async def test_a_modification_whose_answer_gets_lost_is_settled_for_both_orders(
    day, fault, old, new
):
    order = (await day.order(**RESTING)).json()
    day.mischief.add([rule(fault, calls="POST /api/v3/order/cancelReplace")])
    lost = await modified(day, order, price="84000.00")
    assert (lost.status_code, lost.json()["status"]) == (202, "UNKNOWN")
    standing = (await day.http.get(f"/orders/{order['id']}")).json()["status"]
    assert standing in {"PENDING_CANCEL", old}  # a push may have told already
    day.mischief.remove()

    async def settled():
        await day.clock.advance(5)
        rows = (await day.http.get("/orders")).json()
        return {row["id"]: row["status"] for row in rows} == {
            order["id"]: old,
            lost.json()["id"]: new,
        }

    await day.until(settled, "both orders known")
    assert [status for status, _, _ in ledger(day).values()].count("NEW") == 1
    assert (await audit(day.system.database.path)).fault is None
