"""Market and user streams as python-binance's sockets bring them: plain frames, in order."""

from __future__ import annotations

import asyncio
import itertools
from decimal import Decimal

import pytest
import pytest_asyncio
from binance import AsyncClient, BinanceSocketManager
from binance.base_client import BaseClient
from binance.exceptions import BinanceAPIException
from binance.ws.reconnecting_websocket import ReconnectingWebsocket

from tests.simulator.judges.conftest import KEY, SECRET

pytestmark = pytest.mark.asyncio(loop_scope="module")

BTC, ETH = "BTCUSDT", "ETHUSDT"
PATIENCE = 60.0
BLOCKED = "http://blocked.invalid"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(live):
    patch = pytest.MonkeyPatch()
    for name in [name for name in vars(BaseClient) if name.endswith("_URL")]:
        patch.setattr(BaseClient, name, BLOCKED)
    patch.setattr(BaseClient, "API_URL", f"{live.url}/api")
    patch.setattr(BaseClient, "WS_API_URL", f"{live.url.replace('http', 'ws')}/ws-api/v3")
    patch.setattr(ReconnectingWebsocket, "TIMEOUT", 0.2)  # closing waits as long for a frame
    client = await AsyncClient.create(KEY, SECRET)  # asks for the exchange's time
    yield client
    await client.close_connection()
    patch.undo()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sockets(client, live):
    manager = BinanceSocketManager(client)
    for name in [name for name in dir(manager) if name.endswith("_URL")]:
        setattr(manager, name, BLOCKED)
    manager.STREAM_URL = f"{live.url.replace('http', 'ws')}/"
    return manager


class Ahead:
    """What python-binance adds to the machine's time to have the exchange's."""

    def __init__(self, clock):
        self._clock = clock

    def __radd__(self, _):
        return self._clock()


@pytest.fixture
def signing(client, running_clock):
    client.timestamp_offset = Ahead(running_clock)
    return client


async def heard(socket, count):
    """The first frames of a socket."""
    async with socket as frames:
        return [await asyncio.wait_for(frames.recv(), PATIENCE) for _ in range(count)]


async def test_trades_come_without_a_gap(sockets, client) -> None:
    frames = await heard(sockets.trade_socket(BTC), 5)
    first = frames[0]["t"]
    assert [frame["t"] for frame in frames] == [first + k for k in range(5)]
    told = {t["id"]: t for t in await client.get_recent_trades(symbol=BTC, limit=1_000)}
    for frame in frames:
        same = told[frame["t"]]
        assert (frame["p"], frame["q"], frame["T"], frame["m"]) == (
            same["price"],
            same["qty"],
            same["time"],
            same["isBuyerMaker"],
        )
        assert frame["E"] >= frame["T"]


async def test_candles_come_every_two_seconds(sockets, client) -> None:
    frames = await heard(sockets.kline_socket(BTC, "1m"), 3)
    assert {frame["e"] for frame in frames} == {"kline"}
    apart = [b["E"] - a["E"] for a, b in itertools.pairwise(frames)]
    assert all(1_000 <= each <= 4_000 for each in apart)
    opened = {row[0]: row[1] for row in await client.get_klines(symbol=BTC, interval="1m", limit=3)}
    for frame in frames:
        assert frame["k"]["o"] == opened[frame["k"]["t"]]


async def test_diffs_follow_each_other(sockets) -> None:
    frames = await heard(sockets.depth_socket(BTC, interval=100), 4)
    for before, after in itertools.pairwise(frames):
        assert after["U"] == before["u"] + 1
        assert after["E"] > before["E"]


async def test_a_part_of_the_book_comes_whole(sockets) -> None:
    (frame,) = await heard(sockets.depth_socket(BTC, depth="5"), 1)
    assert list(frame) == ["lastUpdateId", "bids", "asks"]
    assert [len(frame["bids"]), len(frame["asks"])] == [5, 5]
    assert Decimal(frame["bids"][0][0]) < Decimal(frame["asks"][0][0])


async def test_several_streams_come_over_one_socket(sockets) -> None:
    names = ["btcusdt@bookTicker", "ethusdt@aggTrade", "ethusdt@miniTicker"]
    frames = []
    async with sockets.multiplex_socket(names) as combined:
        while {frame["stream"] for frame in frames} != set(names):
            frames.append(await asyncio.wait_for(combined.recv(), PATIENCE))
    for frame in frames:
        assert frame["data"]["s"] == frame["stream"].partition("@")[0].upper()


async def test_the_socket_answers_as_rest_does(signing) -> None:
    assert await signing.ws_get_klines(
        symbol=BTC, interval="1m", limit=3, endTime=10**12 * 17 // 10
    )
    price = Decimal((await signing.get_symbol_ticker(symbol=ETH))["price"]) * Decimal("0.8")
    order = {"symbol": ETH, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    order |= {"quantity": "0.1", "price": f"{price:.2f}"}
    placed = await signing.ws_create_order(**order)
    assert placed["status"] == "NEW"
    found = await signing.ws_get_order(symbol=ETH, orderId=placed["orderId"])
    assert found == await signing.get_order(symbol=ETH, orderId=placed["orderId"])
    cancelled = await signing.ws_cancel_order(symbol=ETH, orderId=placed["orderId"])
    assert cancelled["status"] == "CANCELED"
    with pytest.raises(BinanceAPIException) as refusal:
        await signing.ws_cancel_order(symbol=ETH, orderId=placed["orderId"])
    assert refusal.value.code == -2011


async def test_the_owner_hears_of_an_order_in_the_order_of_events(sockets, signing) -> None:
    events = []
    async with sockets.user_socket() as user:
        await signing.ws_create_order(symbol=ETH, side="BUY", type="MARKET", quantity="0.2")
        while not events or events[-1]["e"] != "outboundAccountPosition":
            events.append(await asyncio.wait_for(user.recv(), PATIENCE))
    reports = events[:-1]
    assert [report["e"] for report in reports] == ["executionReport"] * len(reports)
    assert [reports[0]["x"], reports[0]["X"]] == ["NEW", "NEW"]
    assert {report["x"] for report in reports[1:]} == {"TRADE"}
    assert reports[-1]["X"] == "FILLED"
    assert Decimal(reports[-1]["z"]) == sum(Decimal(r["l"]) for r in reports) == Decimal("0.2")
    assert {balance["a"] for balance in events[-1]["B"]} >= {"ETH", "USDT"}
