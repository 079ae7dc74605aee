"""The same mischief for calls over the WebSocket API."""

from __future__ import annotations

import pytest

ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": "50000",
    "newClientOrderId": "one",
}


@pytest.mark.parametrize(
    ("rule", "status", "code", "placed"),
    [
        ({"kind": "latency", "ms": 1}, 200, None, True),
        ({"kind": "server-error", "status": 500}, 500, -1001, False),
        ({"kind": "error", "code": -1007, "executed": True}, 504, -1007, True),
        ({"kind": "error", "code": -1006}, 500, -1006, False),
        ({"kind": "too-many-requests"}, 429, -1003, False),
        ({"kind": "banned"}, 418, -1003, False),
        ({"kind": "forbidden"}, 403, -1000, False),
    ],
)
async def test_an_order_meets_mischief(client, until, rule, status, code, placed):
    await client.add({**rule, "calls": "POST /api/v3/order", "times": 1})
    async with client.listening("/ws-api/v3") as heard:
        await client.ask(heard, "order.place", **ORDER)
        await until(lambda: heard.texts)
    (answer,) = heard.texts
    assert answer["status"] == status
    assert answer.get("error", {}).get("code") == code
    assert ("one" in client.orders()) == placed


@pytest.mark.parametrize(("kind", "placed"), [("answer-lost", True), ("request-lost", False)])
async def test_a_lost_call_cuts_the_connection(client, until, kind, placed):
    await client.add({"kind": kind, "calls": "POST /api/v3/order", "times": 1})
    async with client.listening("/ws-api/v3") as heard:
        await client.ask(heard, "order.place", **ORDER)
        await until(lambda: heard.over)
    assert heard.socket.close_code == 1006
    assert not heard.texts
    assert ("one" in client.orders()) == placed


async def test_an_accepted_order_does_not_exist_for_a_while(client, now, until):
    await client.add({"kind": "order-unknown", "hidden_seconds": 3})
    await client.place(newClientOrderId="one")
    async with client.listening("/ws-api/v3") as heard:
        for expected in (400, 200):
            heard.texts.clear()
            await client.ask(heard, "order.status", symbol="BTCUSDT", origClientOrderId="one")
            await until(lambda: heard.texts)
            assert heard.texts[0]["status"] == expected
            now[0] += 3_000


async def test_the_user_stream_cannot_be_subscribed_to(client, until):
    await client.add({"kind": "error", "code": -1008, "calls": "* */userDataStream.*"})
    async with client.listening("/ws-api/v3") as heard:
        await client.ask(heard, "userDataStream.subscribe.signature")
        await until(lambda: heard.texts)
    assert heard.texts[0]["error"]["code"] == -1008
