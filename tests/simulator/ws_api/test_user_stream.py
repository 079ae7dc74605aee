from __future__ import annotations

import asyncio
import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trading_system.simulator.auth import sorted_payload
from trading_system.simulator.mischief.rules import read_rule
from trading_system.simulator.model import Deposit

NOON = 1_767_614_400_250
BTC = {"symbol": "BTCUSDT"}
LIMIT = {**BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}


def told(frame):
    """An event in a word."""
    event = frame["event"]
    return event.get("x") or event["e"]


async def test_events_come_before_the_answer_to_what_caused_them(listener):
    await listener.buy()
    last = listener.frames[-3:]
    assert [frame.get("id", "event") for frame in last] == ["event", "event", 2]
    assert [frame["subscriptionId"] for frame in last[:2]] == [0, 0]


async def test_an_amendment_is_heard_of_and_answered(listener):
    placed = await listener.buy(quantity="0.03", newClientOrderId="mine")
    wish = {**BTC, "origClientOrderId": "mine", "newQty": "0.02", "newClientOrderId": "less"}
    told = await listener.result("order.amend.keepPriority", **wish)
    event = await listener.event(2)
    assert (event["x"], event["X"], event["q"]) == ("REPLACED", "NEW", "0.02000000")
    assert (event["c"], event["C"]) == ("less", "mine")
    assert (event["I"], event["T"]) == (told["executionId"], told["transactTime"])
    assert (await listener.event(3))["e"] == "outboundAccountPosition"
    (row,) = await listener.result("order.amendments", **BTC, orderId=placed["orderId"])
    assert row["executionId"] == event["I"]
    same = {**BTC, "orderId": placed["orderId"], "newQty": "0.02"}
    assert await listener.refusal("order.amend.keepPriority", **same) == (400, -2038)
    assert await listener.result("myPreventedMatches", **BTC, orderId=placed["orderId"]) == []


async def test_orders_over_rest_are_heard_of_before_rest_answers(venue, listener):
    status, placed = await venue.rest("POST", "order", **LIMIT, price="50000")
    assert status == 200
    event = await listener.event(0)
    assert (event["x"], event["i"]) == ("NEW", placed["orderId"])
    await venue.rest("DELETE", "order", **BTC, orderId=placed["orderId"], newClientOrderId="stop")
    event = await listener.event(2)
    assert (event["x"], event["c"], event["C"]) == ("CANCELED", "stop", placed["clientOrderId"])


async def test_a_fill_is_heard_of_while_nobody_asks(venue, listener):
    price = (await venue.get("/api/v3/ticker/price", **BTC))["price"]
    await listener.buy(price=f"{float(price) * 0.9995:.2f}")
    assert (await listener.event(0))["x"] == "NEW"
    for _ in range(100):  # minutes of the exchange; its own pace notices within a tenth of a second
        venue.clock.now += 60_000
        try:
            event = await asyncio.wait_for(listener.event(2), 0.25)
        except TimeoutError:
            continue
        break
    assert (event["x"], event["m"]) == ("TRADE", True)
    assert (await listener.event(3))["e"] == "outboundAccountPosition"
    assert event["T"] <= event["E"]


async def test_every_connection_hears_the_same(venue, listener):
    other = await venue.connect()
    await other.result("userDataStream.subscribe.signature")
    await listener.buy()
    await other.event(1)
    assert other.events == listener.events


async def test_who_did_not_subscribe_hears_nothing(venue, client, listener):
    await listener.buy()
    await client.call("ping")
    assert client.events == []


async def test_an_account_is_subscribed_to_once_on_a_connection(listener):
    assert await listener.refusal("userDataStream.subscribe.signature") == (400, -2035)
    assert (await listener.call("session.subscriptions"))["result"] == [{"subscriptionId": 0}]


async def test_after_a_logon_no_signature_is_needed(venue, client):
    logged_on = await client.result("session.logon")
    assert logged_on["authorizedSince"] == NOON
    assert (await client.call("userDataStream.subscribe"))["result"] == {"subscriptionId": 0}
    order = {**LIMIT, "price": "50000", "timestamp": NOON}
    assert (await client.call("order.place", **order))["status"] == 200
    assert [told(frame) for frame in client.events] == ["NEW", "outboundAccountPosition"]
    assert (await client.call("session.status"))["result"]["userDataStream"] is True


@pytest.mark.parametrize("method", ["userDataStream.unsubscribe", "session.logout"])
async def test_the_last_event_follows_the_answer_that_ends_the_stream(client, method):
    await client.result("session.logon")
    await client.call("userDataStream.subscribe")
    assert (await client.call(method))["status"] == 200
    assert await client.receive() == {
        "subscriptionId": 0,
        "event": {"e": "eventStreamTerminated", "E": NOON},
    }
    await client.call_with("order.place", client.sign({**LIMIT, "price": "50000"}))
    assert len(client.events) == 1


async def test_what_is_not_active_cannot_be_stopped(client):
    answer = await client.call("userDataStream.unsubscribe", subscriptionId=3)
    assert (answer["status"], answer["error"]["code"]) == (400, -2036)


async def test_a_deposit_is_heard_of(venue, listener):
    venue.running.exchange.handle(Deposit(account="main", asset="BTC", amount=5), NOON)
    assert (await listener.event(0))["e"] == "balanceUpdate"
    assert (await listener.event(1))["B"][0]["f"] == "15.00000000"


async def test_half_a_replacement_is_heard_of_too(listener):
    """The order is cancelled, its successor refused: only here a refusal is an event too."""
    order = await listener.buy()
    answer = await listener.signed(
        "order.cancelReplace",
        **LIMIT | {"quantity": "100"},
        price="50000",
        cancelReplaceMode="STOP_ON_FAILURE",
        cancelOrderId=order["orderId"],
        newClientOrderId="dear",
    )
    assert (answer["status"], answer["error"]["code"]) == (409, -2021)
    cancelled, rejected, position = (frame["event"] for frame in listener.events[2:])
    assert cancelled["x"] == "CANCELED"
    assert (rejected["x"], rejected["X"], rejected["c"]) == ("REJECTED", "REJECTED", "dear")
    assert (rejected["r"], rejected["i"]) == ("INSUFFICIENT_BALANCES", -1)
    assert rejected["w"] is False
    assert "W" not in rejected
    assert position["e"] == "outboundAccountPosition"


async def test_only_ed25519_keys_log_on_where_it_is_as_documented(open_venue):
    async with open_venue(any_logon=False) as venue:
        client = await venue.connect()
        assert await client.refusal("session.logon") == (401, -2015)
        assert await client.result("userDataStream.subscribe.signature") == {"subscriptionId": 0}


async def test_an_ed25519_key_logs_on_and_subscribes(open_venue):
    private = Ed25519PrivateKey.from_private_bytes(bytes(32))
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    async with open_venue(public_key=pem.decode(), any_logon=False) as venue:
        assert venue.running.secret == ""
        client = await venue.connect()
        params = {"apiKey": venue.running.api_key, "timestamp": NOON}
        text = sorted_payload({name: str(value) for name, value in params.items()})
        signature = base64.b64encode(private.sign(text.encode())).decode()
        answer = await client.call("session.logon", **params, signature=signature)
        assert answer["status"] == 200
        assert (await client.call("userDataStream.subscribe"))["result"] == {"subscriptionId": 0}


async def test_the_server_says_when_it_goes_away(venue, listener):
    venue.running.mischief.add([read_rule({"kind": "shutdown", "grace_seconds": 0.01})])
    assert await listener.receive() == {"event": {"e": "serverShutdown", "E": NOON}}
    assert await listener.ended() == 1001


async def test_until_it_has_gone_the_server_answers(venue, listener):
    venue.running.mischief.add([read_rule({"kind": "shutdown", "grace_seconds": 60})])
    await listener.event(0)
    assert (await listener.call("ping"))["status"] == 200
