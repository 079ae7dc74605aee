"""Markets that halt, vanish and rewrite their past, as a client sees it; clocks that are wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

MINUTE = 60_000
NOON = 1_767_614_400_250
BTC = {"symbol": "BTCUSDT"}


async def statuses(client):
    info = (await client.call("GET", "/api/v3/exchangeInfo")).json
    return {entry["symbol"]: entry["status"] for entry in info["symbols"]}


async def minutes(client, **more):
    seen = await client.call("GET", "/api/v3/klines", **BTC, interval="1m", **more)
    return seen.json


async def test_a_halted_market_refuses_orders_and_stands_still(client, now, until):
    before = (await client.call("GET", "/api/v3/trades", **BTC)).json
    await client.add({"kind": "halt", "symbols": "BTC*", "seconds": 180})
    everything = await statuses(client)
    assert everything.pop("BTCUSDT") == "HALT"
    assert set(everything.values()) == {"TRADING"}
    seen = await client.place()
    assert (seen.code, seen.json["msg"]) == (-2010, "Market is closed.")
    now[0] += 150_000
    assert (await client.call("GET", "/api/v3/trades", **BTC)).json == before
    async with client.listening("/stream?streams=btcusdt@trade/ethusdt@trade") as heard:
        now[0] += 29_000
        await until(lambda: heard.texts)
        assert {text["stream"] for text in heard.texts} == {"ethusdt@trade"}
    now[0] = NOON + 240_000
    assert (await statuses(client))["BTCUSDT"] == "TRADING"
    assert (await client.place()).status == 200
    opened = [(row[0] - NOON) // MINUTE + 1 for row in await minutes(client, limit=4)]
    assert opened == [-1, 0, 3, 4]


async def test_a_halt_that_is_cleared_ends_now(client, now):
    await client.add({"kind": "halt", "seconds": 1_000})
    now[0] += 60_000
    await client.clear()
    now[0] += 60_000
    rows = await minutes(client, limit=3)
    assert [(row[0] - NOON) // MINUTE + 1 for row in rows] == [0, 1, 2]


async def test_a_delisted_symbol_is_unknown(client, now, until):
    await client.place(newClientOrderId="one")
    async with client.listening("/stream?streams=btcusdt@trade/ethusdt@trade") as heard:
        await client.add({"kind": "delisted", "symbols": "BTCUSDT"})
        assert "BTCUSDT" not in await statuses(client)
        for path in ("klines?interval=1m", "depth", "ticker/price"):
            name, _, more = path.partition("?")
            fields = dict(pair.split("=") for pair in more.split("&") if pair)
            seen = await client.call("GET", f"/api/v3/{name}", **BTC, **fields)
            assert seen.code == -1121
        assert (await client.place()).code == -1121
        assert (await client.find("one")).code == -1121
        now[0] += 60_000
        await until(lambda: heard.texts)
        assert {text["stream"] for text in heard.texts} == {"ethusdt@trade"}
    await client.clear()
    assert "BTCUSDT" in await statuses(client)
    assert (await client.find("one")).status == 200


@pytest.mark.parametrize(
    "start",
    [
        NOON - 5 * MINUTE,
        datetime.fromtimestamp((NOON - 5 * MINUTE) // 1000, UTC).isoformat(),
    ],
)
async def test_a_hole_is_in_the_candles_until_it_heals(client, start):
    whole = await minutes(client, limit=8)
    await client.add({"kind": "hole", "symbols": "BTCUSDT", "minutes": 3, "start": start})
    assert await minutes(client, limit=5) == whole[:2] + whole[-3:]
    assert await minutes(client, startTime=whole[1][0], limit=2) == [whole[1], whole[5]]
    await client.clear()
    assert await minutes(client, limit=8) == whole


async def test_without_a_start_the_last_closed_minutes_are_meant(client):
    whole = await minutes(client, limit=8)
    await client.add({"kind": "hole", "minutes": 2})
    assert await minutes(client, limit=6) == whole[:5] + whole[-1:]


@pytest.mark.parametrize(("what", "fields"), [("volume", {5, 7, 9, 10}), ("prices", {1, 2, 3, 4})])
async def test_closed_candles_change(client, what, fields):
    before = await minutes(client, limit=5)
    await client.add({"kind": "rewritten", "minutes": 1, "what": what, "percent": 2.5})
    after = await minutes(client, limit=5)
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, True, True, False, True]
    old, new = before[3], after[3]
    assert {at for at in range(12) if old[at] != new[at]} == fields
    for at in fields:
        assert float(new[at]) == pytest.approx(1.025 * float(old[at]), rel=1e-6)
        if what == "prices":
            assert Decimal(new[at]) % Decimal("0.01") == 0
    assert await minutes(client, limit=5) == after


async def server_time(client):
    return (await client.call("GET", "/api/v3/time")).json["serverTime"]


async def test_a_clock_is_off_until_the_rule_ends(client, now):
    await client.add({"kind": "clock-skew", "ms": -70_000, "seconds": 30})
    assert await server_time(client) == NOON - 70_000
    assert (await client.place()).code == -1021
    now[0] += 30_000
    assert await server_time(client) == NOON + 30_000


async def test_a_clock_jumps_once(client, now):
    await client.add({"kind": "clock-jump", "ms": 2_000, "after_seconds": 10})
    assert await server_time(client) == NOON
    now[0] += 10_000
    assert await server_time(client) == NOON + 12_000
    now[0] += 1
    assert await server_time(client) == NOON + 12_001
