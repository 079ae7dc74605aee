from __future__ import annotations

NOON = 1_767_614_400_250


async def test_a_public_method_needs_no_key(client):
    answer = await client.call("time")
    assert answer["status"] == 200
    assert answer["result"] == {"serverTime": NOON}


async def test_an_order_lives_its_whole_life_here(client):
    order = await client.buy(newClientOrderId="mine")
    assert order["status"] == "NEW"
    found = await client.result("order.status", symbol="BTCUSDT", origClientOrderId="mine")
    assert found["orderId"] == order["orderId"]
    gone = await client.result("order.cancel", symbol="BTCUSDT", orderId=order["orderId"])
    assert gone["status"] == "CANCELED"
    assert await client.refusal("order.cancel", symbol="BTCUSDT", orderId=1) == (400, -2011)


async def test_events_come_before_the_answer_to_what_caused_them(venue, listener):
    await listener.buy()
    assert [frame.get("id", "event") for frame in listener.frames[-3:]] == ["event", "event", 2]
