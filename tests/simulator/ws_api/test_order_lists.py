"""Order lists over the WebSocket API, and what a listener hears of them and in what order."""

from __future__ import annotations

from decimal import Decimal

import pytest

BTC = {"symbol": "BTCUSDT"}
NOON = 1_767_614_400_250


def at(feed, factor):
    last = feed.last_trade("BTCUSDT", now=NOON).price
    return str((last * Decimal(factor)).quantize(Decimal(1)))


def oco(feed, **more):
    pair = {"aboveType": "LIMIT_MAKER", "abovePrice": at(feed, "1.5"), "belowType": "STOP_LOSS"}
    pair |= {"belowStopPrice": at(feed, "0.7"), "side": "SELL", "quantity": "0.01"}
    return BTC | pair | more


def oto(feed, factor="0.8", **more):
    working = {"workingType": "LIMIT", "workingSide": "BUY", "workingPrice": at(feed, factor)}
    working |= {"workingQuantity": "0.01", "workingTimeInForce": "GTC"}
    pending = {"pendingType": "MARKET", "pendingSide": "SELL", "pendingQuantity": "0.005"}
    return BTC | working | pending | more


def otoco(feed, **more):
    fields = oto(feed)
    del fields["pendingType"]
    pair = {"pendingAboveType": "LIMIT_MAKER", "pendingAbovePrice": at(feed, "1.5")}
    pair |= {"pendingBelowType": "STOP_LOSS", "pendingBelowStopPrice": at(feed, "0.7")}
    return fields | pair | more


def old_oco(feed):
    prices = {"price": at(feed, "1.5"), "stopPrice": at(feed, "0.7")}
    return BTC | {"side": "SELL", "quantity": "0.01"} | prices


@pytest.mark.parametrize(
    ("method", "make", "contingency", "orders"),
    [
        ("orderList.place", old_oco, "OCO", 2),
        ("orderList.place.oco", oco, "OCO", 2),
        ("orderList.place.oto", oto, "OTO", 2),
        ("orderList.place.otoco", otoco, "OTO", 3),
    ],
)
async def test_every_method_places_what_its_endpoint_does(
    client, feed, method, make, contingency, orders
):
    answer = await client.signed(method, **make(feed))
    assert answer["status"] == 200, answer
    told = answer["result"]
    assert (told["contingencyType"], len(told["orderReports"])) == (contingency, orders)
    counts = [r["count"] for r in answer["rateLimits"] if r["rateLimitType"] == "ORDERS"]
    assert counts == [orders, orders]


async def test_lists_are_asked_for_and_cancelled(client, feed):
    await client.result("orderList.place.oco", **oco(feed), listClientOrderId="mine")
    found = await client.result("orderList.status", origClientOrderId="mine")
    assert found["listOrderStatus"] == "EXECUTING"
    assert await client.result("openOrderLists.status") == [found]
    assert await client.result("allOrderLists") == [found]
    gone = await client.result("orderList.cancel", **BTC, listClientOrderId="mine")
    assert [report["status"] for report in gone["orderReports"]] == ["CANCELED"] * 2
    assert await client.result("openOrderLists.status") == []
    assert await client.refusal("orderList.cancel", **BTC, orderListId=1) == (400, -2011)


def heard(events):
    """Each event in a word: execution and status of an order, or the status of a list."""
    words = []
    for frame in events:
        event = frame["event"]
        if event["e"] == "executionReport":
            words.append(f"{event['i']} {event['x']} {event['X']} {event.get('eR', '')}".strip())
        elif event["e"] == "listStatus":
            words.append(f"LIST {event['g']} {event['c']} {event['l']} {event['L']}")
        else:
            words.append(event["e"])
    return words


async def test_orders_are_told_first_then_their_list_then_balances(listener, client, feed):
    await client.result("orderList.place.oco", **oco(feed))
    await client.result("order.cancel", **BTC, orderId=1, newClientOrderId="bye")
    await listener.event(7)
    assert heard(listener.events) == [
        "1 NEW NEW",
        "2 NEW NEW",
        "LIST 1 OCO EXEC_STARTED EXECUTING",
        "outboundAccountPosition",
        "1 CANCELED CANCELED",
        "2 CANCELED CANCELED",
        "LIST 1 OCO ALL_DONE ALL_DONE",
        "outboundAccountPosition",
    ]
    reports = [frame["event"] for frame in listener.events[4:6]]
    assert [(r["g"], r["c"]) for r in reports] == [(1, "bye")] * 2


async def test_a_list_that_goes_on_is_told_again(listener, client, feed):
    await client.result("orderList.place.oto", **oto(feed, "1.1"))
    await listener.event(7)
    assert heard(listener.events) == [
        "1 NEW NEW",
        "1 TRADE FILLED",
        "2 NEW PENDING_NEW",
        "LIST 1 OTO EXEC_STARTED EXECUTING",
        "2 NEW NEW",
        "2 TRADE FILLED",
        "LIST 1 OTO ALL_DONE ALL_DONE",
        "outboundAccountPosition",
    ]
    waiting = listener.events[2]["event"]
    assert (waiting["w"], "W" in waiting) == (False, False)
    assert listener.events[4]["event"]["w"] is True


async def test_an_expired_order_of_a_list_says_why(listener, client, feed):
    first_in_vain = oto(feed) | {"workingTimeInForce": "FOK"}
    await client.result("orderList.place.oto", **first_in_vain)
    await listener.event(6)
    assert heard(listener.events)[-5:] == [
        "2 NEW PENDING_NEW",
        "LIST 1 OTO EXEC_STARTED EXECUTING",
        "2 EXPIRED EXPIRED OTO_PHASE_ONE_EXPIRED",
        "LIST 1 OTO ALL_DONE ALL_DONE",
        "outboundAccountPosition",
    ]
