"""Order lists through the real API to the real exchange simulator: placed whole, filled once."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from tests.faults.rules import rule
from trading_system.storage.transitions import audit

LISTS = "POST /api/v3/orderList/oco"


@pytest.fixture
async def day(exchange, at, live):
    """A day that begins with something to sell, and with the last price known."""
    async with exchange() as running, live(at(running)) as day:
        day.venue, day.mischief = running.exchange.venue, running.mischief
        bought = await day.order(symbol="BTC/USDT", side="buy", type="market", quantity="0.01")
        day.last = Decimal(bought.json()["average_price"])
        yield day


def price(day, percent: str) -> str:
    """So many percent away from the market."""
    return str((day.last * (100 + Decimal(percent)) / 100).quantize(Decimal("0.01")))


def oco(day, above="0.05", below="-0.05", **more):
    return {
        "kind": "oco",
        "symbol": "BTC/USDT",
        "side": "sell",
        "quantity": "0.002",
        "above": {"type": "limit_maker", "price": price(day, above)},
        "below": {"type": "stop_loss", "stop_price": price(day, below)},
    } | more


def oto(day, working="-0.03", **more):
    return {
        "kind": "oto",
        "symbol": "BTC/USDT",
        "side": "buy",
        "quantity": "0.002",
        "working": {"type": "limit", "price": price(day, working)},
        "pending": {"type": "limit", "side": "sell", "price": price(day, "5")},
    } | more


async def placed(day, body, **headers):
    answer = await day.http.post("/order-lists", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def shown(day, order_list):
    return (await day.http.get(f"/order-lists/{order_list['id']}")).json()


def statuses(order_list) -> dict[str, str]:
    return {leg: order["status"] for leg, order in order_list["legs"].items()}


def ledger(day) -> dict[str, tuple[str, Decimal]]:
    """The exchange's own record: status and executed quantity by our client order id."""
    return {
        order.client_order_id: (str(order.status), order.executed)
        for order in day.venue.all_orders("main", "BTCUSDT")
    }


async def until_legs(day, order_list, wanted, seconds=5.0):
    async def there():
        await day.clock.advance(seconds)
        return statuses(await shown(day, order_list)) in wanted

    await day.until(there, f"legs {wanted}")
    return await shown(day, order_list)


async def test_of_an_oco_one_leg_fills_when_the_market_moves_and_the_other_never(day):
    order_list = await placed(day, oco(day))
    assert (order_list["status"], statuses(order_list)) == (
        "EXECUTING",
        {"above": "NEW", "below": "NEW"},
    )
    done = await until_legs(
        day,
        order_list,
        [{"above": "FILLED", "below": "EXPIRED"}, {"above": "EXPIRED", "below": "FILLED"}],
    )
    assert done["status"] == "ALL_DONE"
    for leg in done["legs"].values():
        there = ledger(day)[leg["client_order_id"]]
        assert there == (leg["status"], Decimal(leg["executed_quantity"]))
    sold = [row for row in (await day.http.get("/trades")).json() if row["side"] == "SELL"]
    assert sum(Decimal(row["quantity"]) for row in sold) == Decimal("0.002")
    assert (await audit(day.system.database.path)).fault is None


async def test_the_pending_leg_of_an_oto_works_once_the_first_has_filled(day):
    order_list = await placed(day, oto(day))
    assert statuses(order_list) == {"working": "NEW", "pending": "PENDING_NEW"}
    assert order_list["legs"]["pending"]["venue_order_id"] is not None
    working = await until_legs(day, order_list, [{"working": "FILLED", "pending": "NEW"}])
    assert working["status"] == "EXECUTING"


async def test_an_otoco_whose_first_order_fills_at_once_has_its_pair_resting(day):
    body = oto(day, working="0.5", kind="otoco", pending=None) | {
        "above": {"type": "limit_maker", "side": "sell", "price": price(day, "5")},
        "below": {
            "type": "stop_loss_limit",
            "side": "sell",
            "stop_price": price(day, "-5"),
            "price": price(day, "-5.1"),
        },
    }
    order_list = await placed(day, body)
    await until_legs(
        day, order_list, [{"working": "FILLED", "above": "NEW", "below": "NEW"}], seconds=0.1
    )


@pytest.mark.parametrize("whole", [True, False])
async def test_cancelling_a_list_or_one_of_its_legs_ends_all_of_it(day, whole):
    order_list = await placed(day, oto(day, working="-5"))
    leg = order_list["legs"]["pending"]["id"]
    path = f"/order-lists/{order_list['id']}" if whole else f"/orders/{leg}"
    assert (await day.http.delete(path)).status_code == 200
    ended = {"working": "CANCELED", "pending": "CANCELED"}
    done = await until_legs(day, order_list, [ended], seconds=0.1)
    assert done["status"] == "ALL_DONE"
    again = await day.http.delete(f"/order-lists/{order_list['id']}")
    assert (again.status_code, statuses(again.json())) == (200, ended)


async def test_ten_posts_at_once_with_one_key_make_one_list(day):
    body, key = oco(day, "5", "-5"), {"Idempotency-Key": "once"}
    lists = await asyncio.gather(*(placed(day, body, **key) for _ in range(10)))
    assert len({each["id"] for each in lists}) == 1
    assert len(ledger(day)) == 1 + 2
    other = await day.http.post("/order-lists", json=body | {"quantity": "0.003"}, headers=key)
    assert other.status_code == 409
    single = {"symbol": "BTC/USDT", "side": "buy", "type": "market", "quantity": "0.01"}
    assert (await day.http.post("/orders", json=single, headers=key)).status_code == 409


@pytest.mark.parametrize(
    ("fault", "status", "there"), [("answer-lost", "NEW", 2), ("request-lost", "REJECTED", 0)]
)
async def test_a_list_whose_answer_gets_lost_is_looked_up_leg_by_leg_and_not_sent_again(
    day, fault, status, there
):
    day.mischief.add([rule(fault, calls=LISTS)])
    lost = await day.http.post("/order-lists", json=oco(day, "5", "-5"))
    assert lost.status_code in {201, 202}  # a push may have told already
    day.mischief.remove()
    legs = await until_legs(day, lost.json(), [{"above": status, "below": status}])
    assert {leg["client_order_id"] for leg in legs["legs"].values()} & set(ledger(day)) == (
        {leg["client_order_id"] for leg in legs["legs"].values()} if there else set()
    )
    assert len(ledger(day)) == 1 + there


IMPOSSIBLE = [
    ({"above": {"type": "limit_maker", "price": "1000.00"}}, "must lie above"),
    ({"above": {"type": "stop_loss", "stop_price": "200000"}}, "TAKE_PROFIT_LIMIT"),
    ({"below": {"type": "stop_loss", "stop_price": "9.001"}}, "PRICE_FILTER"),
    ({"quantity": "0.00000001"}, "LOT_SIZE"),
    ({"kind": "oto"}, "has the legs working and pending"),
]


async def test_a_list_that_cannot_be_is_refused_before_anything_is_sent(day):
    for change, text in IMPOSSIBLE:
        answer = await day.http.post("/order-lists", json=oco(day, "5", "-5") | change)
        assert answer.status_code == 422
        assert text in answer.json()["detail"]
    assert len(ledger(day)) == 1


async def test_a_list_that_nobody_could_pay_for_is_refused_with_the_figures(day):
    answer = await day.http.post("/order-lists", json=oco(day, "5", "-5", quantity="50"))
    assert (answer.status_code, answer.json()["check"]) == (403, "balance")
    assert len(ledger(day)) == 1
