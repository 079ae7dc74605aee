"""Against a server that says exactly what a test has it say."""

from __future__ import annotations

import asyncio

import aiohttp
import orjson
import pytest
from aiohttp import web

from trading_system.simulator.mirror import link as module
from trading_system.simulator.mirror.link import MOST_STREAMS, Link
from trading_system.simulator.mirror.links import Links


class Streams:
    """A server of combined streams: what it was asked, and the socket to speak through."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[str]]] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.url = ""

    async def serve(self, request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        async for message in socket:
            asked = orjson.loads(message.data)
            self.asked.append((asked["method"], asked["params"]))
            await socket.send_json({"result": None, "id": asked["id"]})
        return socket

    async def say(self, text: str) -> None:
        await self.sockets[-1].send_str(text)


class Listener:
    """What a link tells."""

    def __init__(self, url, http) -> None:
        self.open: set[str] = set()
        self.lost: list[set[str]] = []
        self.frames: list[tuple] = []
        self.link = Link(
            url,
            http,
            on_open=self.open.update,
            on_lost=lambda streams: self.lost.append(set(streams)),
            on_frame=lambda *frame: self.frames.append(frame),
        )

    def want(self, *names):
        self.link.streams |= dict.fromkeys(names)
        self.link.changed()


@pytest.fixture
async def server():
    told = Streams()
    runner = web.ServerRunner(web.Server(told.serve), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    told.url = f"http://127.0.0.1:{runner.addresses[0][1]}/stream"
    yield told
    for socket in told.sockets:
        await socket.close()
    await runner.cleanup()


@pytest.fixture
async def listener(server, monkeypatch):
    monkeypatch.setattr(module, "_FIRST_RETRY", 0.01)
    monkeypatch.setattr(module, "_PAUSE", 0.01)
    async with aiohttp.ClientSession() as http:
        made = Listener(server.url, http)
        task = asyncio.create_task(made.link.run())
        yield made
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_it_asks_for_what_is_wanted_and_no_longer_for_what_is_not(
    server, listener, until
) -> None:
    listener.want("a@trade", "b@trade")
    await until(lambda: listener.open == {"a@trade", "b@trade"})
    assert listener.link.heard == {"a@trade", "b@trade"}
    del listener.link.streams["a@trade"]
    listener.want("c@trade")
    await until(lambda: "c@trade" in listener.open)
    assert listener.link.heard == {"b@trade", "c@trade"}
    assert server.asked == [
        ("SUBSCRIBE", ["a@trade", "b@trade"]),
        ("UNSUBSCRIBE", ["a@trade"]),
        ("SUBSCRIBE", ["c@trade"]),
    ]


async def test_many_streams_are_asked_for_in_messages_of_a_hundred(server, listener, until) -> None:
    listener.want(*(f"s{number}@trade" for number in range(250)))
    await until(lambda: len(listener.open) == 250)
    assert [len(names) for _, names in server.asked] == [100, 100, 50]


async def test_a_frame_comes_with_its_text_as_it_was_sent(server, listener, until) -> None:
    listener.want("a@trade")
    await until(lambda: listener.open)
    await server.say('{"stream":"a@trade","data":{"p":"1.10",  "n":1e2}}')
    await until(lambda: listener.frames)
    assert listener.frames == [("a@trade", '{"p":"1.10",  "n":1e2}', {"p": "1.10", "n": 100.0})]


@pytest.mark.parametrize("how", ["closed", "garbled"])
async def test_a_broken_connection_is_told_and_made_anew(server, listener, until, how) -> None:
    listener.want("a@trade")
    await until(lambda: listener.open)
    listener.open.clear()
    if how == "closed":
        await server.sockets[-1].close()
    else:
        await server.say('{"stream":')
    await until(lambda: listener.open == {"a@trade"})
    assert listener.lost == [{"a@trade"}]
    assert listener.link.connects == 2


async def test_a_binary_frame_ends_the_connection_and_a_notice_does_not(
    server, listener, until, caplog
) -> None:
    listener.want("a@trade")
    await until(lambda: listener.open)
    await server.say('{"error":{"code":2,"msg":"Invalid request"},"id":9}')
    await until(lambda: "Invalid request" in caplog.text)
    assert listener.link.connects == 1
    await server.sockets[-1].send_bytes(b"what?")
    await until(lambda: listener.link.connects == 2)


async def test_a_server_that_is_not_there_is_tried_again_and_told_once(
    monkeypatch, until, caplog
) -> None:
    monkeypatch.setattr(module, "_FIRST_RETRY", 0.001)
    async with aiohttp.ClientSession() as http:
        made = Listener("http://127.0.0.1:9/stream", http)
        task = asyncio.create_task(made.link.run())
        await until(lambda: len(made.lost) > 3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert caplog.text.count("is not heard") == 1


class Silent:
    """A link that is never up."""

    def __init__(self) -> None:
        self.streams: dict[str, None] = {}
        self.heard: set[str] = set()
        self.changes = 0
        self.ended = False

    def changed(self) -> None:
        self.changes += 1

    async def run(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.ended = True


@pytest.fixture
async def links():
    made: list[Silent] = []

    def connect() -> Silent:
        made.append(Silent())
        return made[-1]

    links = Links(connect)
    links.made = made
    yield links
    await links.close()


async def test_a_connection_is_opened_when_it_is_needed_and_shared_until_it_is_full(links) -> None:
    assert links.made == []
    links.want(*(f"s{number}@trade" for number in range(MOST_STREAMS - 2)))
    links.want("a", "b", "c")
    links.want("d", "e")
    assert [len(link.streams) for link in links.made] == [MOST_STREAMS, 3]
    assert set(links.made[1].streams) == {"a", "b", "c"}
    assert len(links.streams) == MOST_STREAMS + 3


async def test_what_is_listened_to_already_is_not_asked_for_again(links) -> None:
    links.want("a", "b")
    links.want("b")
    links.want("b", "c")
    (link,) = links.made
    assert (list(link.streams), link.changes) == (["a", "b", "c"], 2)


async def test_what_comes_in_and_is_wanted_is_heard(links) -> None:
    links.want("a", "b")
    (link,) = links.made
    link.heard = {"a", "b", "just dropped"}
    links.drop("b")
    assert links.heard == {"a"}


async def test_a_connection_with_nothing_to_listen_to_ends(links, until) -> None:
    links.want("a", "b")
    await asyncio.sleep(0)
    (link,) = links.made
    links.drop("never wanted")
    links.drop("a", "never wanted")
    assert (list(link.streams), link.ended) == (["b"], False)
    links.drop("b")
    await until(lambda: link.ended)
    assert links.streams == []
    links.want("c")
    assert len(links.made) == 2
