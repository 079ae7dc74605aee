from __future__ import annotations

import asyncio
import hashlib
import hmac
from contextlib import asynccontextmanager
from decimal import Decimal

import aiohttp
import pytest
from aiohttp import web

from trading_system.simulator.auth import ApiKey, Keys, sorted_payload
from trading_system.simulator.calls import Answer
from trading_system.simulator.exchange import Exchange
from trading_system.simulator.interference import NoInterference
from trading_system.simulator.model import Deposit
from trading_system.simulator.ws_api.shell import WsApiShell

NOON = 1_767_614_400_250
PATIENCE = 60.0
KEY = ApiKey(key="K" * 64, secret="hush", account="main")
JSON = {"Content-Type": "application/json"}


class Meddler(NoInterference):
    """Does to each call what the test says, by path; lets the rest pass."""

    def __init__(self) -> None:
        self.calls = []
        self.frames = []
        self.gone = asyncio.Event()
        self.gates: dict[str, asyncio.Event] = {}
        self.answers: dict[str, Answer | None] = {}

    async def answer(self, call, serve):
        self.calls.append(call)
        answer = serve(call)
        if call.path in self.gates:
            await self.gates[call.path].wait()
        return self.answers.get(call.path, answer)

    def closed(self, link):
        self.gone.set()

    def outgoing(self, link, frame):
        self.frames.append(frame)
        return (frame, frame) if frame.stream == "user" else (frame,)


@pytest.fixture
def meddler():
    return Meddler()


@pytest.fixture
def exchange(feed):
    return Exchange(feed, {"main": {}})


@pytest.fixture
def connect(exchange, meddler):
    """A socket to a WebSocket API that the meddler meddles with."""

    @asynccontextmanager
    async def connect():
        shell = WsApiShell(
            exchange, Keys([KEY]), clock=lambda: NOON, speed=1.0, interference=meddler
        )
        runner = web.ServerRunner(web.Server(shell.accept))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        try:
            async with (
                aiohttp.ClientSession() as http,
                http.ws_connect(f"http://{host}:{port}/ws-api/v3") as socket,
            ):
                yield socket
        finally:
            await runner.cleanup()

    return connect


async def ask(socket, id_, method, **params):
    await socket.send_json({"id": id_, "method": method, "params": params})


async def test_an_answer_that_is_held_back_holds_up_no_other(connect, meddler):
    gate = meddler.gates["/api/v3/time"] = asyncio.Event()
    async with connect() as socket:
        await ask(socket, 1, "time")
        await ask(socket, 2, "ping")
        assert (await socket.receive_json(timeout=PATIENCE))["id"] == 2
        gate.set()
        assert (await socket.receive_json(timeout=PATIENCE))["id"] == 1


async def test_calls_are_shown_as_the_rest_calls_they_equal(connect, meddler):
    async with connect() as socket:
        await ask(socket, 1, "order.place", symbol="BTCUSDT", newClientOrderId="a b", apiKey="K")
        await ask(socket, 2, "session.status")
        for _ in range(2):
            await socket.receive_json(timeout=PATIENCE)
    order, status = meddler.calls
    assert (order.method, order.path) == ("POST", "/api/v3/order")
    assert order.query == "symbol=BTCUSDT&newClientOrderId=a+b&apiKey=K"
    assert (order.api_key, order.address) == ("K", "127.0.0.1")
    assert (status.method, status.path) == ("GET", "/ws-api/v3/session.status")


async def test_no_answer_cuts_the_connection(connect, meddler):
    meddler.answers["/api/v3/ping"] = None
    async with connect() as socket:
        await ask(socket, 1, "ping")
        message = await socket.receive(timeout=PATIENCE)
        assert message.type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
        assert socket.close_code == 1006


async def test_an_answer_may_be_another_one(connect, meddler):
    headers = JSON | {"Retry-After": "3"}
    meddler.answers["/api/v3/ping"] = Answer(429, b'{"code":-1003,"msg":"slow"}', headers)
    meddler.answers["/api/v3/time"] = Answer(403, b"<html></html>", {"Content-Type": "text/html"})
    async with connect() as socket:
        await ask(socket, 1, "ping")
        answer = await socket.receive_json(timeout=PATIENCE)
        assert answer["status"] == 429
        assert answer["error"]["data"] == {"serverTime": NOON, "retryAfter": NOON + 3_000}
        await ask(socket, 2, "time")
        answer = await socket.receive_json(timeout=PATIENCE)
        assert (answer["status"], answer["error"]["code"]) == (403, -1000)


async def test_a_connection_that_ends_while_an_answer_is_held_back_harms_nobody(connect, meddler):
    gate = meddler.gates["/api/v3/time"] = asyncio.Event()
    async with connect() as socket:
        await ask(socket, 1, "time")
        await ask(socket, 2, "ping")
        await socket.receive_json(timeout=PATIENCE)
        await socket.close()
        gate.set()


async def subscribe(socket):
    params = {"apiKey": KEY.key, "timestamp": str(NOON)}
    signature = hmac.new(b"hush", sorted_payload(params).encode(), hashlib.sha256).hexdigest()
    await ask(socket, 1, "userDataStream.subscribe.signature", **params, signature=signature)
    assert (await socket.receive_json(timeout=PATIENCE))["status"] == 200


async def test_a_connection_that_is_gone_is_told_nothing(connect, exchange, meddler):
    async with connect() as socket:
        await subscribe(socket)
        await socket.close()
        await asyncio.wait_for(meddler.gone.wait(), PATIENCE)
        exchange.handle(Deposit(account="main", asset="BTC", amount=Decimal(1)), NOON)
    assert [frame.stream for frame in meddler.frames] == [""]


async def test_events_are_shown_as_those_of_a_user_and_may_be_doubled(connect, exchange, meddler):
    async with connect() as socket:
        await subscribe(socket)
        exchange.handle(Deposit(account="main", asset="BTC", amount=Decimal(1)), NOON)
        events = [(await socket.receive_json(timeout=PATIENCE))["event"]["e"] for _ in range(4)]
    assert events == ["balanceUpdate"] * 2 + ["outboundAccountPosition"] * 2
    assert [frame.stream for frame in meddler.frames] == ["", "user", "user"]
