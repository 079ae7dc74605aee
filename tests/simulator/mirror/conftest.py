"""A paper exchange that mirrors another simulator over loopback; both read one manual clock."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from contextlib import asynccontextmanager
from decimal import Decimal
from urllib.parse import urlencode

import aiohttp
import pytest

from trading_system.simulator.options import Mirrored
from trading_system.simulator.server import SimulatorOptions, serve

PATIENCE = 60.0
FUNDS = {"USDT": Decimal(100_000), "BTC": Decimal(1)}


class Desk:
    """A client of a running simulator, asked in short sentences."""

    def __init__(self, running, http, clock) -> None:
        self.running = running
        self.http = http
        self.clock = clock

    async def raw(self, path, **fields):
        """A public GET: (status, body, headers)."""
        url = f"{self.running.url}/{path if path.startswith('fapi') else f'api/v3/{path}'}"
        async with self.http.get(url, params=fields) as answer:
            return answer.status, await answer.read(), answer.headers

    async def get(self, path, **fields):
        url = f"{self.running.url}/api/v3/{path}"
        async with self.http.get(url, params=fields) as answer:
            body = await answer.json()
            assert answer.status == 200, body
            return body

    async def signed(self, method, path, **fields):
        """A signed call: (status, body)."""
        query = urlencode({**fields, "timestamp": self.clock.milliseconds()})
        secret = self.running.secret.encode()
        query += f"&signature={hmac.new(secret, query.encode(), hashlib.sha256).hexdigest()}"
        url = f"{self.running.url}/api/v3/{path}?{query}"
        headers = {"X-MBX-APIKEY": self.running.api_key}
        async with self.http.request(method, url, headers=headers) as answer:
            return answer.status, await answer.json()

    async def ask(self, method, path, **fields):
        status, body = await self.signed(method, path, **fields)
        assert status == 200, body
        return body

    async def place(self, side, type_, quantity, **more):
        fields = {"symbol": "BTCUSDT", "side": side, "type": type_, "quantity": quantity} | more
        if type_.endswith("LIMIT"):
            fields["timeInForce"] = "GTC"
        return await self.ask("POST", "order", **fields)

    async def record(self):
        """Everything the account has, as it tells it."""
        return [
            await self.ask("GET", "account"),
            await self.ask("GET", "allOrders", symbol="BTCUSDT"),
            await self.ask("GET", "myTrades", symbol="BTCUSDT"),
            await self.ask("GET", "openOrders"),
        ]


async def eventually(condition):
    """Wait for real sockets, while the market's time stands still."""
    async with asyncio.timeout(PATIENCE):
        while True:
            result = condition()
            if asyncio.iscoroutine(result):
                result = await result
            if result:
                return result
            await asyncio.sleep(0.005)


@pytest.fixture(scope="session")
def until():
    return eventually


@pytest.fixture
async def http():
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def mirrored(clock, http):
    """Start an origin, at a port that is free or given."""

    @asynccontextmanager
    async def start(port=0, symbols=3):
        options = SimulatorOptions(clock=clock.milliseconds, symbols=symbols, port=port)
        async with serve(options) as running:
            yield Desk(running, http, clock)

    return start


@pytest.fixture
async def origin(mirrored):
    async with mirrored() as desk:
        yield desk


@pytest.fixture
def paper(clock, http, tmp_path):
    """Start a paper exchange on the market of an origin; its journal outlives it."""

    @asynccontextmanager
    async def start(url, *, patience=PATIENCE, **more):
        there = Mirrored(rest=url, streams=f"{url.replace('http', 'ws')}/stream", patience=patience)
        options = SimulatorOptions(
            clock=clock.milliseconds,
            mirrored=there,
            **({"funds": FUNDS, "journal": tmp_path / "paper.jsonl"} | more),
        )
        async with serve(options) as running:
            yield Desk(running, http, clock)

    return start
