"""The exchange behind real sockets, its clock standing still, and a client that speaks JSON."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
from contextlib import asynccontextmanager
from decimal import Decimal

import aiohttp
import pytest

from trading_system.simulator.catalogue import catalogue
from trading_system.simulator.limits import LimitSettings
from trading_system.simulator.seeded.feed import SeededFeed
from trading_system.simulator.server import SimulatorOptions, serve

NOON = 1_767_614_400_250  # 2026-01-05 12:00:00.250 UTC
FUNDS = {"BTC": Decimal(10), "USDT": Decimal(1_000_000), "ETH": Decimal(0)}
PATIENCE = 60.0


@pytest.fixture(scope="session")
def feed():
    return SeededFeed(7, catalogue(4))


class Clock:
    """Stands still until it is moved; ms UTC."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> int:
        return self.now


class Client:
    """One connection: answers and events are told apart, both kept in the order of arrival."""

    def __init__(self, socket, running, clock) -> None:
        self._socket = socket
        self._running = running
        self._clock = clock
        self._ids = itertools.count(1)
        self.frames: list[dict] = []
        self.events: list[dict] = []

    async def receive(self):
        """The next frame."""
        text = await self._socket.receive_str(timeout=PATIENCE)
        frame = json.loads(text)
        self.frames.append(frame)
        if "event" in frame:
            self.events.append(frame)
        return frame

    async def send(self, text):
        await self._socket.send_str(text if isinstance(text, str) else json.dumps(text))

    async def call(self, method, **params):
        """The answer to an unsigned request; events that come first are kept."""
        return await self.call_with(method, params)

    async def signed(self, method, **params):
        return await self.call_with(method, self.sign(params))

    async def call_with(self, method, params):
        id_ = next(self._ids)
        await self.send({"id": id_, "method": method, "params": params})
        while (frame := await self.receive()).get("id", ...) != id_:
            pass
        return frame

    async def result(self, method, **params):
        """The result of a signed request that must succeed."""
        answer = await self.signed(method, **params)
        assert answer["status"] == 200, answer
        return answer["result"]

    async def refusal(self, method, **params):
        """The status and code of a signed request that must fail."""
        answer = await self.signed(method, **params)
        return answer["status"], answer["error"]["code"]

    async def buy(self, quantity="0.01", price="50000", **more):
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
        return await self.result("order.place", **order, quantity=quantity, price=price, **more)

    async def event(self, number):
        """The payload of the n-th event, waited for."""
        while len(self.events) <= number:
            await self.receive()
        return self.events[number]["event"]

    async def ended(self):
        """The close code, once the connection is over."""
        while not self._socket.closed:
            message = await asyncio.wait_for(self._socket.receive(), PATIENCE)
            if message.type is aiohttp.WSMsgType.TEXT:
                self.frames.append(json.loads(message.data))
        return self._socket.close_code

    def sign(self, params):
        """The parameters with key, time and an HMAC over them, as ccxt does it."""
        params = {"apiKey": self._running.api_key, "timestamp": self._clock.now, **params}
        text = "&".join(f"{name}={_text(value)}" for name, value in sorted(params.items()))
        digest = hmac.new(self._running.secret.encode(), text.encode(), hashlib.sha256)
        return params | {"signature": digest.hexdigest()}


def _text(value):
    return json.dumps(value) if isinstance(value, bool) else value


class Venue:
    """A running exchange and the connections made to it."""

    def __init__(self, running, http, clock) -> None:
        self.running = running
        self.clock = clock
        self._http = http

    async def connect(self, query=""):
        url = f"{self.running.url}/ws-api/v3{query}".replace("http", "ws", 1)
        return Client(await self._http.ws_connect(url), self.running, self.clock)

    async def get(self, path, **params):
        async with self._http.get(f"{self.running.url}{path}", params=params) as answer:
            return await answer.json()

    async def rest(self, method, path, **params):
        """A signed call over REST: (status, body)."""
        params = {"timestamp": self.clock.now, **params}
        query = "&".join(f"{name}={value}" for name, value in params.items())
        secret = self.running.secret.encode()
        signature = hmac.new(secret, query.encode(), hashlib.sha256).hexdigest()
        url = f"{self.running.url}/api/v3/{path}?{query}&signature={signature}"
        headers = {"X-MBX-APIKEY": self.running.api_key}
        async with self._http.request(method, url, headers=headers) as answer:
            return answer.status, await answer.json()


@pytest.fixture(scope="session")
def open_venue(feed):
    @asynccontextmanager
    async def open_venue(*, limits=None, **options):
        clock = Clock()
        options = {"funds": FUNDS, "limits": limits or LimitSettings()} | options
        async with (
            serve(SimulatorOptions(clock=clock, **options), feed) as running,
            aiohttp.ClientSession() as http,
        ):
            yield Venue(running, http, clock)

    return open_venue


@pytest.fixture
async def venue(open_venue):
    async with open_venue() as venue:
        yield venue


@pytest.fixture
async def client(venue):
    return await venue.connect()


@pytest.fixture
async def listener(venue):
    """A connection that hears of the account."""
    client = await venue.connect()
    assert await client.result("userDataStream.subscribe.signature") == {"subscriptionId": 0}
    return client
