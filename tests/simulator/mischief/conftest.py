"""The exchange on loopback with a clock that stands still, spoken to in short sentences."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import aiohttp
import pytest

from trading_system.simulator.catalogue import catalogue
from trading_system.simulator.options import SimulatorOptions
from trading_system.simulator.seeded.feed import SeededFeed
from trading_system.simulator.server import serve

NOON = 1_767_614_400_250  # 2026-01-05 12:00:00.250 UTC
PATIENCE = 60.0
LIMIT = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}


@pytest.fixture(scope="session")
def feed():
    return SeededFeed(7, catalogue(3))


class Seen:
    """What a client saw of a call: a status and a body, or neither when it was cut."""

    def __init__(self, status=None, body=b"", headers=None) -> None:
        self.status = status
        self.body = body
        self.headers = headers or {}

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json["code"]


class Heard:
    """What came over a WebSocket."""

    def __init__(self, socket) -> None:
        self.socket = socket
        self.texts = []
        self.pings = 0
        self.over = False

    async def read(self):
        async for message in self.socket:
            if message.type is aiohttp.WSMsgType.PING:
                self.pings += 1
                await self.socket.pong(message.data)
            else:
                self.texts.append(json.loads(message.data))
        self.over = True

    @property
    def events(self):
        """Events of the account in short: NEW, TRADE, CANCELED or the name of another event."""
        told = [text["event"] for text in self.texts if "event" in text]
        return [event.get("x", event["e"]) for event in told]


async def until(condition):
    """Wait for a condition that sockets bring about."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 -- sockets of others bring it about
            await asyncio.sleep(0.002)


class Client:
    """A user of a running exchange whose time is `now`."""

    def __init__(self, running, http, now) -> None:
        self.running = running
        self.http = http
        self.now = now

    async def call(self, method, path, *, signed=False, **fields) -> Seen:
        if signed:
            fields = {"timestamp": self.now[0], "recvWindow": 60_000, **fields}
        query = urlencode(fields)
        if signed:
            digest = hmac.new(b"hush", query.encode(), hashlib.sha256)
            query += f"&signature={digest.hexdigest()}"
        url = f"{self.running.url}{path}?{query}"
        try:
            async with self.http.request(method, url, headers={"X-MBX-APIKEY": "mine"}) as answer:
                return Seen(answer.status, await answer.read(), answer.headers)
        except aiohttp.ClientConnectionError:
            return Seen()

    async def ping(self) -> Seen:
        return await self.call("GET", "/api/v3/ping")

    async def place(self, **fields) -> Seen:
        """A limit order far below the market, unless told otherwise."""
        order = {**LIMIT, "quantity": "0.01", "price": "50000", **fields}
        order = {name: value for name, value in order.items() if value is not None}
        return await self.call("POST", "/api/v3/order", signed=True, **order)

    async def buy_now(self, **fields) -> Seen:
        return await self.place(type="MARKET", price=None, timeInForce=None, **fields)

    async def place_to_be_filled(self, feed, id_):
        """A small order just below the market; when the tape will fill it."""
        last = feed.last_trade("BTCUSDT", now=self.now[0])
        price = last.price - 50
        seen = await self.place(price=str(price), quantity="0.0002", newClientOrderId=id_)
        assert seen.status == 200, seen.body
        filled = feed.next_trade(
            "BTCUSDT", after=last.id, now=NOON + 10**8, at_or_below=price, at_or_above=None
        )
        return filled.time + 1

    async def find(self, id_) -> Seen:
        fields = {"symbol": "BTCUSDT", "origClientOrderId": id_}
        return await self.call("GET", "/api/v3/order", signed=True, **fields)

    async def cancel(self, id_) -> Seen:
        fields = {"symbol": "BTCUSDT", "origClientOrderId": id_}
        return await self.call("DELETE", "/api/v3/order", signed=True, **fields)

    def orders(self):
        """All that the exchange has, by their client order ids."""
        found = self.running.exchange.venue.all_orders("main", "BTCUSDT")
        return {order.client_order_id: order for order in found}

    @asynccontextmanager
    async def listening(self, path):
        """A connection whose texts are kept as they come."""
        async with self.http.ws_connect(f"{self.running.url}{path}", autoping=False) as socket:
            heard = Heard(socket)
            reading = asyncio.create_task(heard.read())
            yield heard
            reading.cancel()

    @asynccontextmanager
    async def user_stream(self):
        """The same with the events of the account."""
        async with self.listening("/ws-api/v3") as heard:
            await self.ask(heard, "userDataStream.subscribe.signature")
            await until(lambda: heard.texts)
            assert heard.texts.pop()["status"] == 200
            yield heard

    async def ask(self, heard, method, **params):
        """Send a signed request of the WebSocket API."""
        params = {"apiKey": "mine", "timestamp": self.now[0], **params}
        query = "&".join(f"{name}={params[name]}" for name in sorted(params))
        params["signature"] = hmac.new(b"hush", query.encode(), hashlib.sha256).hexdigest()
        await heard.socket.send_json({"id": 1, "method": method, "params": params})

    async def add(self, *rules, status=200):
        """Switch rules on at the control endpoint."""
        async with self.http.post(f"{self.running.url}/mischief", json=list(rules)) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json()

    async def clear(self, id_=None):
        query = "" if id_ is None else f"?id={id_}"
        async with self.http.delete(f"{self.running.url}/mischief{query}") as answer:
            return answer.status, await answer.json()

    async def state(self):
        async with self.http.get(f"{self.running.url}/mischief") as answer:
            return await answer.json()


@pytest.fixture
def now():
    """The exchange's clock; move it by writing to it."""
    return [NOON]


@pytest.fixture
def opened(feed, now):
    """Open an exchange and a client of it, with other options if need be."""

    @asynccontextmanager
    async def open_(**more):
        options = SimulatorOptions(
            clock=lambda: now[0], api_key="mine", secret="hush", speed=100, **more
        )
        async with serve(options, feed) as running, aiohttp.ClientSession() as http:
            yield Client(running, http, now)

    return open_


@pytest.fixture
async def client(opened):
    async with opened() as client:
        yield client


@pytest.fixture(name="until")
def until_fixture():
    return until


@pytest.fixture
def klines(feed):
    """Rows of another feed, BTCUSDT unless told otherwise."""

    def ask(feed, interval="1m", *, now, start=None, end=None, limit=500, symbol="BTCUSDT"):
        return feed.klines(symbol, interval, start=start, end=end, limit=limit, now=now)

    return ask
