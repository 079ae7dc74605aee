from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial

import aiohttp
import orjson
import pytest
from aiohttp import WSMsgType, web

from tests.simulator.streams.conftest import NOON
from trading_system.simulator.interference import NoInterference
from trading_system.simulator.options import SimulatorOptions
from trading_system.simulator.server import serve
from trading_system.simulator.streams.shell import StreamShell
from trading_system.simulator.streams.sources import open_source

SPEED = 20
PATIENCE = 60.0


class Listener:
    """A client's connection, read frame by frame."""

    def __init__(self, socket) -> None:
        self.socket = socket

    async def next(self):
        async with asyncio.timeout(PATIENCE):
            message = await self.socket.receive()
        assert message.type is WSMsgType.TEXT, message
        return orjson.loads(message.data)

    async def ask(self, method, *params, number=1):
        """The answer to a request; frames before it are passed over."""
        await self.socket.send_json({"method": method, "params": list(params), "id": number})
        while "id" not in (answer := await self.next()):
            pass
        return answer

    async def streams_heard(self, frames):
        return [(await self.next())["stream"] for _ in range(frames)]


class Place:
    """The shell behind a socket, its clock moved by hand."""

    def __init__(self, exchange) -> None:
        self.now = NOON
        self.shell = StreamShell(
            partial(open_source, exchange),
            clock=lambda: self.now,
            speed=SPEED,
            interference=NoInterference(),
        )
        self.url = ""
        self.http: aiohttp.ClientSession

    async def listen(self, path) -> Listener:
        return Listener(await self.http.ws_connect(f"{self.url}{path}"))


@asynccontextmanager
async def opened(exchange):
    place = Place(exchange)
    runner = web.ServerRunner(web.Server(place.shell.accept), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    place.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    publishing = asyncio.create_task(place.shell.run())
    async with aiohttp.ClientSession() as place.http:
        yield place
        place.shell.cut()
    publishing.cancel()
    await runner.cleanup()


@pytest.fixture
async def place(exchange):
    async with opened(exchange) as place:
        yield place


@pytest.mark.parametrize(
    ("path", "serves"),
    [
        ("/ws", True),
        ("/ws/btcusdt@trade", True),
        ("/stream", True),
        ("/stream.sim/ws/0", True),
        ("/ws-api/v3", False),
        ("/api/v3/time", False),
    ],
)
def test_some_paths_are_of_market_streams(path, serves) -> None:
    assert StreamShell.serves(path) is serves


@pytest.mark.parametrize("path", ["/ws/btcusdt@bookTicker", "/stream.sim/ws/btcusdt@bookTicker"])
async def test_a_raw_connection_gets_bare_frames(place, path) -> None:
    listener = await place.listen(path)
    place.now += 1_000
    assert (await listener.next())["s"] == "BTCUSDT"


async def test_a_raw_connection_may_name_several_streams(place) -> None:
    listener = await place.listen("/ws/btcusdt@bookTicker/ethusdt@bookTicker/nonsense")
    place.now += 1_000
    assert {(await listener.next())["s"] for _ in range(2)} == {"BTCUSDT", "ETHUSDT"}
    listed = await listener.ask("LIST_SUBSCRIPTIONS")
    assert listed["result"] == ["btcusdt@bookTicker", "ethusdt@bookTicker"]


@pytest.mark.parametrize("path", ["/stream?streams=", "/stream.sim/stream?streams="])
async def test_a_combined_connection_gets_wrapped_frames(place, path) -> None:
    listener = await place.listen(f"{path}btcusdt@bookTicker/ethusdt@bookTicker")
    place.now += 1_000
    heard = await listener.streams_heard(2)
    assert heard == ["btcusdt@bookTicker", "ethusdt@bookTicker"]


@pytest.mark.parametrize("path", ["/ws", "/ws/", "/ws/0", "/stream.sim/ws/17", "/stream"])
async def test_streams_may_be_subscribed_to_later(place, path) -> None:
    listener = await place.listen(path)
    answer = await listener.ask("SUBSCRIBE", "btcusdt@bookTicker", number="a1")
    assert answer == {"result": None, "id": "a1"}
    place.now += 1_000
    frame = await listener.next()
    assert ("stream" in frame) is ("stream" in path.rpartition("/")[2])
    assert (await listener.ask("UNSUBSCRIBE", "btcusdt@bookTicker"))["result"] is None
    place.now += 1_000
    assert (await listener.ask("LIST_SUBSCRIPTIONS"))["result"] == []


async def test_what_is_named_and_then_subscribed_to_is_delivered_once(place) -> None:
    """As a client does that does not trust the address."""
    listener = await place.listen("/stream?streams=btcusdt@bookTicker")
    await listener.ask("SUBSCRIBE", "btcusdt@bookTicker", "ethusdt@bookTicker")
    place.now += 1_000
    assert await listener.streams_heard(2) == ["btcusdt@bookTicker", "ethusdt@bookTicker"]


async def test_a_connection_may_change_its_form(place) -> None:
    listener = await place.listen("/ws/btcusdt@bookTicker")
    await listener.ask("SET_PROPERTY", "combined", True)
    place.now += 1_000
    assert await listener.streams_heard(1) == ["btcusdt@bookTicker"]


async def test_times_may_be_asked_for_in_microseconds(place) -> None:
    listener = await place.listen("/ws/btcusdt@kline_1m?timeUnit=MICROSECOND")
    place.now += 2_000
    assert (await listener.next())["E"] == (NOON + 2_000) * 1_000


async def test_who_has_gone_is_forgotten(place) -> None:
    listener = await place.listen("/ws/btcusdt@trade")
    assert place.shell.hub._streams
    await listener.socket.close()
    async with asyncio.timeout(PATIENCE):
        while place.shell.hub._streams:  # noqa: ASYNC110 -- sockets tell nobody
            await asyncio.sleep(0.001)


async def test_a_planned_stop_is_announced_to_everybody(place) -> None:
    raw = await place.listen("/ws/0")
    wrapped = await place.listen("/stream")
    fine = await place.listen("/ws?timeUnit=microsecond")
    place.now += 1
    await place.shell.shut_down(grace=1.0)
    notice = {"e": "serverShutdown", "E": NOON + 1}
    assert await raw.next() == notice
    assert await wrapped.next() == {"stream": "!serverShutdown", "data": notice}
    assert await fine.next() == notice | {"E": (NOON + 1) * 1_000}
    for listener in (raw, wrapped, fine):
        assert (await listener.socket.receive()).type is WSMsgType.CLOSE
        assert listener.socket.close_code == 1001


async def test_many_streams_do_not_keep_the_process_from_everything_else(place, feed) -> None:
    """Publishing lets others have their turn between two streams."""
    listener = await place.listen("/stream")
    symbols = [symbol.lower() for symbol in feed.symbols]
    names = [f"{symbol}@{kind}" for symbol in symbols for kind in ("ticker", "depth", "kline_1M")]
    await listener.ask("SUBSCRIBE", *names)
    place.now += 2_000
    assert set(await listener.streams_heard(len(names))) == set(names)


async def test_the_exchange_serves_streams_beside_rest_and_stops_at_once() -> None:
    clock = {"now": NOON}
    options = SimulatorOptions(symbols=2, clock=lambda: clock["now"], speed=SPEED)
    async with aiohttp.ClientSession() as http:
        async with serve(options) as exchange:
            listener = Listener(await http.ws_connect(f"{exchange.url}/ws/btcusdt@bookTicker"))
            clock["now"] += 1_000
            quote = await listener.next()
            async with http.get(f"{exchange.url}/api/v3/depth?symbol=BTCUSDT&limit=1") as answer:
                book = await answer.json()
            assert (quote["u"], quote["b"]) == (book["lastUpdateId"], book["bids"][0][0])
            started = asyncio.get_running_loop().time()
            await exchange.stop()
            assert asyncio.get_running_loop().time() - started < 0.9
        assert (await listener.socket.receive()).type in {WSMsgType.CLOSED, WSMsgType.ERROR}
