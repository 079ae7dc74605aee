from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import WSMsgType, web

from trading_system.simulator.interference import Frame, NoInterference
from trading_system.simulator.link_rules import LinkRules
from trading_system.simulator.links import Door

QUICK = LinkRules(ping_every=0.02, pong_within=0.1, most_messages=100)
PATIENCE = 60.0
HANDSHAKE = b"""GET /ws HTTP/1.1\r
Host: here\r
Upgrade: websocket\r
Connection: Upgrade\r
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
Sec-WebSocket-Version: 13\r
\r
"""


class Place:
    """A server with one door, and clients that answer nothing by themselves."""

    def __init__(self, rules: LinkRules, interference: NoInterference) -> None:
        self.door = Door(kind="streams", interference=interference, rules=rules)
        self.heard: list[str] = []
        self.ended: list[object] = []
        self.url = ""
        self.http: aiohttp.ClientSession

    async def accept(self, request):
        link = await self.door.open(request)
        link.whenever_over(self.ended.append)
        await link.serve(self.heard.append)
        return link.response

    async def connect(self, **more):
        before = set(self.door.links)
        socket = await self.http.ws_connect(self.url, autoping=False, **more)
        await until(lambda: set(self.door.links) - before)
        (link,) = set(self.door.links) - before
        return socket, link


async def until(happened):
    async with asyncio.timeout(PATIENCE):
        while not happened():  # noqa: ASYNC110 -- sockets tell nobody
            await asyncio.sleep(0.001)


@asynccontextmanager
async def placed(rules=None, interference=None):
    place = Place(rules or LinkRules(), interference or NoInterference())
    runner = web.ServerRunner(web.Server(place.accept), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    place.url = f"ws://127.0.0.1:{runner.addresses[0][1]}/ws"
    async with aiohttp.ClientSession() as place.http:
        yield place
        place.door.cut()
    await runner.cleanup()


async def receive(socket, *kinds):
    """The next message of these kinds."""
    async with asyncio.timeout(PATIENCE):
        while (message := await socket.receive()).type not in kinds:
            assert message.type not in {WSMsgType.CLOSE, WSMsgType.CLOSED}, message
    return message


async def ended(socket):
    """Read on to the end; the code of the close frame, 1006 where there was none."""
    async with asyncio.timeout(PATIENCE):
        while (message := await socket.receive()).type not in {
            WSMsgType.CLOSE,
            WSMsgType.CLOSED,
            WSMsgType.ERROR,
        }:
            pass
    return message.data, message.extra


async def test_texts_go_both_ways_in_order() -> None:
    async with placed() as place:
        socket, link = await place.connect()
        await socket.send_str("one")
        await socket.send_str("two")
        await until(lambda: place.heard == ["one", "two"])
        for number in range(50):
            link.send(Frame(str(number)))
        assert [(await socket.receive()).data for _ in range(50)] == [str(n) for n in range(50)]
        assert (link.kind, link.address) == ("streams", "127.0.0.1")


async def test_a_ping_has_the_time_in_it_and_its_pong_keeps_the_connection() -> None:
    async with placed(QUICK) as place:
        socket, _ = await place.connect()
        for _ in range(12):
            ping = await receive(socket, WSMsgType.PING)
            assert ping.data.isdigit()
            await socket.pong(ping.data)


async def test_without_a_pong_it_is_closed() -> None:
    async with placed(QUICK) as place:
        socket, _ = await place.connect()
        assert await ended(socket) == (1008, "Pong timeout")
        await until(lambda: place.ended)


async def test_unsolicited_pongs_do_not_keep_it() -> None:
    async with placed(QUICK) as place:
        socket, _ = await place.connect()
        for _ in range(8):
            message = await socket.receive()
            if message.type is WSMsgType.CLOSE:
                break
            await socket.pong(b"something else")
        assert (message.type, message.data) == (WSMsgType.CLOSE, 1008)


async def test_a_clients_ping_is_answered_with_its_payload() -> None:
    async with placed() as place:
        socket, _ = await place.connect()
        await socket.ping(b"abc")
        assert (await receive(socket, WSMsgType.PONG)).data == b"abc"


@pytest.mark.parametrize("speak", ["send_str", "ping", "pong"])
async def test_who_speaks_too_often_is_disconnected(speak) -> None:
    """Texts, pings and pongs all count."""
    async with placed(LinkRules(message_window=60.0)) as place:
        socket, _ = await place.connect()
        for kind in ("send_str", "ping", "pong", "ping", "send_str", speak):
            await getattr(socket, kind)("x" if kind == "send_str" else b"x")
        assert await ended(socket) == (1008, "Too many requests")
        await until(lambda: place.ended)
        assert len(place.heard) == 2


async def test_after_its_life_it_is_closed() -> None:
    async with placed(LinkRules(life=0.05)) as place:
        socket, _ = await place.connect()
        assert (await ended(socket))[0] == 1001


async def test_a_close_is_answered_in_kind() -> None:
    async with placed() as place:
        socket, _ = await place.connect()
        assert await socket.close(code=1000)
        assert socket.close_code == 1000
        await until(lambda: place.ended)
        assert not place.door.links


async def test_an_aborted_connection_ends_without_a_goodbye() -> None:
    async with placed() as place:
        socket, link = await place.connect()
        link.abort()
        assert (await socket.receive()).type in {WSMsgType.CLOSED, WSMsgType.ERROR}
        assert socket.close_code == 1006
        await until(lambda: place.ended)
        link.abort()


async def test_a_silent_link_sends_nothing_and_answers_nothing_until_it_speaks_again() -> None:
    async with placed(QUICK) as place:
        socket, link = await place.connect()
        link.silent = True
        link.send(Frame("later"))
        await socket.send_str("lost")
        await socket.ping(b"lost")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.receive(), 0.2)  # longer than pings and pongs take
        assert not place.heard
        link.silent = False
        assert (await receive(socket, WSMsgType.TEXT)).data == "later"
        await receive(socket, WSMsgType.PING)


async def test_a_silent_link_does_not_even_say_goodbye() -> None:
    async with placed() as place:
        socket, link = await place.connect(timeout=aiohttp.ClientWSTimeout(ws_close=0.1))
        link.silent = True
        await socket.close()
        assert socket.close_code == 1006
        await until(lambda: place.ended)


async def test_a_reader_too_far_behind_is_disconnected() -> None:
    async with placed(LinkRules(most_waiting=20)) as place:
        socket, link = await place.connect()
        for _ in range(21):
            link.send(Frame("x"))
        await until(lambda: place.ended)
        assert (await ended(socket))[1] is None


async def test_a_silent_link_drops_what_it_cannot_keep() -> None:
    async with placed(LinkRules(most_waiting=3)) as place:
        socket, link = await place.connect()
        link.silent = True
        for number in range(10):
            link.send(Frame(str(number)))
        link.silent = False
        assert [(await socket.receive()).data for _ in range(3)] == ["0", "1", "2"]
        assert link in place.door.links


async def test_what_is_delivered_goes_through_the_interference() -> None:
    class Meddler(NoInterference):
        def __init__(self):
            self.known = []

        def opened(self, link):
            self.known.append("opened")

        def closed(self, link):
            self.known.append("closed")

        def outgoing(self, link, frame):
            return (frame, Frame(f"{frame.stream} again"))

    meddler = Meddler()
    async with placed(interference=meddler) as place:
        socket, link = await place.connect()
        link.deliver("told", "btcusdt@trade")
        assert [(await socket.receive()).data for _ in range(2)] == ["told", "btcusdt@trade again"]
        await socket.close()
        await until(lambda: place.ended)
    assert meddler.known == ["opened", "closed"]


async def test_who_tries_too_often_is_not_let_in() -> None:
    async with placed(LinkRules(most_attempts=2)) as place:
        await place.connect()
        await place.connect()
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await place.http.ws_connect(place.url)
        assert refused.value.status == 429
        assert 295 <= int(refused.value.headers["Retry-After"]) <= 300


async def test_what_is_no_handshake_is_a_bad_request() -> None:
    async with placed() as place, place.http.get(place.url.replace("ws:", "http:")) as answer:
        assert answer.status == 400


async def test_compression_is_taken_when_it_is_offered() -> None:
    async with placed() as place:
        socket, link = await place.connect(compress=15)
        assert socket.compress
        link.send(Frame("x" * 10_000))
        assert (await socket.receive()).data == "x" * 10_000
        plain, _ = await place.connect()
        assert not plain.compress


async def test_closing_twice_is_closing_once() -> None:
    async with placed() as place:
        socket, link = await place.connect()
        link.close(1001, "bye")
        link.close(1008, "again")
        assert await ended(socket) == (1001, "bye")
        await until(lambda: place.ended)


async def test_who_reads_no_more_is_cut_instead_of_waited_for() -> None:
    async with placed() as place:
        reader, writer = await asyncio.open_connection(*place.url[5:-3].split(":"))
        writer.write(HANDSHAKE)
        await reader.readuntil(b"\r\n\r\n")
        reader._transport.pause_reading()
        (link,) = place.door.links
        for _ in range(200):
            link.send(Frame("x" * 100_000))
        await asyncio.sleep(0)
        link.close(1001)
        await until(lambda: place.ended)
        writer.close()
