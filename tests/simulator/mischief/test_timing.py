"""Answers that come at the wrong time."""

from __future__ import annotations

import asyncio
import time
from random import Random

import pytest

from tests.simulator.mischief.conftest import PATIENCE
from trading_system.simulator.mischief.scene import Scene
from trading_system.simulator.mischief.timing import Distribution, Latency
from trading_system.simulator.mischief.witness import Witness


@pytest.mark.parametrize("distribution", ["fixed", "uniform", "normal"])
async def test_latency_is_waited_for_before_anything_is_executed(client, distribution):
    await client.add({"kind": "latency", "ms": 5_000, "distribution": distribution})
    began = time.monotonic()
    asked = asyncio.create_task(client.place(newClientOrderId="one"))
    await asyncio.sleep(0.01)
    assert not client.orders()
    assert (await asked).status == 200
    assert time.monotonic() - began >= 0.05  # 5,000 ms at a hundredfold speed


@pytest.mark.parametrize(
    ("distribution", "mean", "low", "high"),
    [
        (Distribution.FIXED, 100, 100, 100),
        (Distribution.UNIFORM, 100, 80, 120),
        (Distribution.NORMAL, 100, 20, 180),
        (Distribution.EXPONENTIAL, 100, 0, 2_000),
    ],
)
def test_latencies_are_spread_as_they_say(distribution, mean, low, high):
    scene = Scene(
        shown=lambda: 0, luck=Random(1), speed=1, witness=Witness(), ban=lambda seconds: None
    )
    latency = Latency(ms=100, spread_ms=20, distribution=distribution)
    drawn = [latency._draw(scene) for _ in range(4_000)]
    assert sum(drawn) / len(drawn) == pytest.approx(mean, rel=0.05)
    assert low <= min(drawn)
    assert max(drawn) <= high
    assert Latency(ms=0, distribution=Distribution.EXPONENTIAL)._draw(scene) == 0


async def test_a_late_answer_is_executed_at_once(client, until):
    await client.add({"kind": "answer-late", "after_seconds": 10, "calls": "POST *"})
    asked = asyncio.create_task(client.place(newClientOrderId="one"))
    await until(client.orders)
    assert not asked.done()
    assert (await asked).json["clientOrderId"] == "one"


async def test_a_call_that_is_held_back_keeps_no_other_waiting(client, until):
    await client.add({"kind": "answer-late", "after_seconds": 30, "calls": "POST *"})
    asked = asyncio.create_task(client.place(newClientOrderId="one"))
    await until(client.orders)
    assert (await client.find("one")).status == 200
    asked.cancel()


async def test_an_accepted_order_does_not_exist_for_a_while(client, now):
    await client.add({"kind": "order-unknown", "hidden_seconds": 3})
    placed = (await client.place(newClientOrderId="one")).json
    assert (await client.find("one")).code == -2013
    fields = {"symbol": "BTCUSDT", "orderId": placed["orderId"]}
    seen = await client.call("GET", "/api/v3/order", signed=True, **fields)
    assert (seen.status, seen.code) == (400, -2013)
    now[0] += 2_999
    assert (await client.find("one")).code == -2013
    now[0] += 1
    assert (await client.find("one")).json["status"] == "NEW"
    assert (await client.find("another")).code == -2013


async def test_orders_from_before_the_rule_are_known(client):
    await client.place(newClientOrderId="one")
    await client.add({"kind": "order-unknown"})
    assert (await client.find("one")).status == 200


async def test_a_fill_is_pushed_before_the_order_is_acknowledged(client):
    await client.add({"kind": "fill-first", "most_seconds": 10**6})
    async with client.user_stream() as heard:
        asked = client.buy_now(newClientOrderId="one", quantity="0.001")
        seen = await asyncio.wait_for(asked, PATIENCE)
        assert seen.json["status"] == "FILLED"
        assert heard.events[:2] == ["NEW", "TRADE"]


async def test_a_fill_that_comes_later_is_waited_for(client, feed, now, until):
    await client.add({"kind": "fill-first", "most_seconds": 10**6, "times": 1})
    async with client.user_stream() as heard:
        asked = asyncio.create_task(client.place_to_be_filled(feed, "one"))
        await until(lambda: heard.events == ["NEW", "outboundAccountPosition"])
        await asyncio.sleep(0.1)  # longer than the head start that every push is given
        assert not asked.done()
        now[0] += 10**8
        await asyncio.wait_for(asked, PATIENCE)
        assert "TRADE" in heard.events


async def test_without_a_fill_the_acknowledgement_comes_in_the_end(client):
    await client.add({"kind": "fill-first", "most_seconds": 2})
    assert (await client.place()).json["status"] == "NEW"
    assert (await client.place(quantity="0")).status == 400


async def test_a_cancel_crosses_the_fill_of_its_order(client, feed, now, until):
    filled = await client.place_to_be_filled(feed, "one")
    await client.add({"kind": "cancel-crosses-fill", "most_seconds": 10**6})
    asked = asyncio.create_task(client.cancel("one"))
    await asyncio.sleep(0.01)
    assert client.orders()["one"].status == "NEW"
    now[0] = filled
    seen = await asyncio.wait_for(asked, PATIENCE)
    assert (seen.status, seen.code) == (400, -2011)
    assert client.orders()["one"].status == "FILLED"


async def test_without_a_fill_the_cancel_is_served_in_the_end(client):
    await client.place(newClientOrderId="one")
    await client.add({"kind": "cancel-crosses-fill", "most_seconds": 2})
    assert (await client.cancel("one")).json["status"] == "CANCELED"
