"""Spot and futures behind one root URL: roads, listen keys and what comes over a real socket."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import pytest

from tests.simulator.futures.conftest import KEY, NOON, SECRET
from trading_system.simulator.futures.listen_keys import VALID
from trading_system.simulator.server import SimulatorOptions, serve

SPEED = 20
PATIENCE = 60.0


class Client:
    """A signed client of a running exchange whose time is moved by hand."""

    def __init__(self) -> None:
        self.now = NOON
        self.http: aiohttp.ClientSession

    async def ask(self, method, path, **fields):
        query = urlencode({"timestamp": self.now, **fields})
        signature = hmac.new(SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()
        url = f"{path}?{query}&signature={signature}"
        async with self.http.request(method, url, headers={"X-MBX-APIKEY": KEY}) as answer:
            return await answer.json()

    async def listen_key(self, method="POST"):
        headers = {"X-MBX-APIKEY": KEY}
        async with self.http.request(method, "/fapi/v1/listenKey", headers=headers) as answer:
            return (await answer.json()).get("listenKey")

    async def leverage(self, leverage):
        return await self.ask("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=leverage)


@pytest.fixture
async def client(seeded):
    client = Client()
    options = SimulatorOptions(
        api_key=KEY, secret=SECRET, clock=lambda: client.now, speed=SPEED, host="127.0.0.1"
    )
    async with serve(options, seeded) as running:
        client.running = running
        async with aiohttp.ClientSession(running.url) as client.http:
            yield client


async def next_of(socket):
    return await asyncio.wait_for(socket.receive_json(), PATIENCE)


async def test_one_root_serves_spot_and_futures(client):
    spot = await client.ask("GET", "/api/v3/account", omitZeroBalances="true")
    futures = await client.ask("GET", "/fapi/v3/balance")
    assert spot["accountType"] == "SPOT"
    assert futures[0]["balance"] == "10000.00000000"
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    await client.ask("POST", "/fapi/v1/order", **order)
    assert await client.ask("GET", "/api/v3/account", omitZeroBalances="true") == spot


PATHS = (
    "/private/ws/{}",
    "/private/ws?listenKey={}",
    "/private/stream?listenKey={}",
    "/private/stream?streams={}",
    "/private/stream/{}",
)


@pytest.mark.parametrize("path", PATHS)
async def test_an_account_is_heard_by_its_key(client, path):
    key = await client.listen_key()
    async with client.http.ws_connect(path.format(key)) as socket:
        await client.leverage(3)
        frame = await next_of(socket)
    event = frame["data"] if "/stream" in path else frame
    assert event["ac"] == {"s": "BTCUSDT", "l": 3}
    assert frame.get("stream", key) == key


async def test_only_the_events_asked_for_are_heard(client):
    key = await client.listen_key()
    path = f"/private/ws?listenKey={key}&events=ORDER_TRADE_UPDATE/ACCOUNT_UPDATE"
    async with client.http.ws_connect(path) as socket:
        await client.leverage(3)
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}
        await client.ask("POST", "/fapi/v1/order", **order)
        assert [(await next_of(socket))["e"] for _ in range(3)] == [
            "ORDER_TRADE_UPDATE",
            "ACCOUNT_UPDATE",
            "ORDER_TRADE_UPDATE",
        ]


async def test_nobodys_key_hears_nothing_and_several_listeners_hear_the_same(client):
    key = await client.listen_key()
    async with (
        client.http.ws_connect("/private/ws/nobody") as nobody,
        client.http.ws_connect(f"/private/ws/{key}") as one,
        client.http.ws_connect(f"/private/ws/{key}") as two,
    ):
        await client.leverage(3)
        assert await next_of(one) == await next_of(two)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(nobody.receive(), 0.05)


async def test_a_key_expires_after_an_hour_unless_it_is_kept_alive(client):
    key = await client.listen_key()
    async with (
        client.http.ws_connect("/private/ws/nobody") as nobody,
        client.http.ws_connect(f"/private/ws/{key}") as socket,
    ):
        client.now += VALID - 1
        assert await client.listen_key("PUT") == key
        client.now += VALID - 1
        await client.leverage(3)
        assert (await next_of(socket))["e"] == "ACCOUNT_CONFIG_UPDATE"
        client.now += 1
        assert await next_of(socket) == {
            "e": "listenKeyExpired",
            "E": client.now,
            "listenKey": key,
        }
        assert await client.listen_key("PUT") is None
        await client.leverage(4)
        for deaf in (socket, nobody):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(deaf.receive(), 0.05)


async def test_resting_orders_fill_while_nobody_asks(client):
    key = await client.listen_key()
    best = (await (await client.http.get("/fapi/v1/depth?symbol=BTCUSDT&limit=5")).json())["bids"]
    async with client.http.ws_connect(f"/private/ws/{key}") as socket:
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
        await client.ask("POST", "/fapi/v1/order", **order, quantity="0.00100", price=best[0][0])
        assert (await next_of(socket))["o"]["x"] == "NEW"
        client.now += 3_600_000 // 2
        assert (await next_of(socket))["e"] == "ACCOUNT_UPDATE"
        assert (await next_of(socket))["o"]["X"] in {"FILLED", "PARTIALLY_FILLED"}


async def test_each_road_serves_its_own_streams(client):
    async with (
        client.http.ws_connect("/public/ws/btcusdt@depth@100ms") as public,
        client.http.ws_connect("/market/stream?streams=btcusdt@markPrice@1s") as market,
    ):
        await public.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@aggTrade"], "id": 1})
        assert (await next_of(public))["error"]["msg"] == "Invalid request: invalid stream"
        client.now += 2_000
        assert (await next_of(public))["e"] == "depthUpdate"
        frame = await next_of(market)
        assert (frame["stream"], frame["data"]["e"]) == ("btcusdt@markPrice@1s", "markPriceUpdate")


async def test_all_connections_are_closed_when_the_server_goes_away(client):
    key = await client.listen_key()
    async with (
        client.http.ws_connect(f"/private/ws/{key}") as private,
        client.http.ws_connect("/public/ws") as public,
    ):
        await client.http.post("/mischief", json={"kind": "shutdown", "grace_seconds": 1})
        assert (await next_of(public))["e"] == "serverShutdown"
        for socket in (private, public):
            message = await asyncio.wait_for(socket.receive(), PATIENCE)
            assert message.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}


async def test_an_account_survives_a_restart_of_the_server(seeded, tmp_path: Path):
    client, kept = Client(), tmp_path / "kept.jsonl"
    options = SimulatorOptions(
        api_key=KEY, secret=SECRET, clock=lambda: client.now, speed=SPEED, journal=kept
    )
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    async with (
        serve(options, seeded) as running,
        aiohttp.ClientSession(running.url) as client.http,
    ):
        await client.ask("POST", "/fapi/v1/order", **order)
        before = await client.ask("GET", "/fapi/v3/account")
    assert not kept.exists()
    assert (tmp_path / "kept.futures.jsonl").exists()
    async with (
        serve(options, seeded) as running,
        aiohttp.ClientSession(running.url) as client.http,
    ):
        assert await client.ask("GET", "/fapi/v3/account") == before
        await client.ask("POST", "/api/v3/order", **order)
    assert kept.exists()
