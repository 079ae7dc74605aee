"""One watched connection, from the dial to the last reason."""

from __future__ import annotations

import asyncio

import pytest

from tests.exchange.socket_venue import pass_time, until
from trading_system.domain.errors import RateLimited, Rejected, Unreachable
from trading_system.exchange.streams.dialling import Dialler, Redial
from trading_system.exchange.streams.supervision import Timing
from trading_system.exchange.streams.websocket import WebSocket, open_session
from trading_system.resilience.retry import RetryPolicy
from trading_system.waiting import within


@pytest.fixture
async def dialler(sockets, clock):
    async with Dialler(sockets.url, clock=clock, timing=Timing()) as dialler:
        yield dialler


@pytest.fixture
def frames():
    return []


@pytest.fixture
async def connection(dialler, frames):
    return await dialler.once(frames.append)


async def passing(clock, work):
    """What comes of it while time passes."""
    task = asyncio.ensure_future(work)
    await until(task.done, clock)
    return await task


async def test_frames_and_answers_are_told_apart(sockets, connection, frames, clock):
    sockets.answers["LIST"] = {"result": ["a"]}
    assert await passing(clock, connection.request("LIST", [])) == ["a"]
    await sockets.peers[0].send(id=99, result="nobody asked")
    await sockets.peers[0].send(e="trade")
    await until(lambda: frames)
    assert frames == [{"e": "trade"}]


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        ({"error": {"code": 2, "msg": "bad"}}, Rejected, r"bad \(2\)"),
        ({"code": 3, "msg": "bad"}, Rejected, r"bad \(3\)"),
        ({"status": 400, "error": {"code": -1, "msg": "x"}}, Rejected, r"x \(-1\)"),
        ({"status": 503, "error": {"code": -1, "msg": "x"}}, Unreachable, "x"),
        ({"status": 429, "error": {"code": -1003, "msg": "slow"}}, RateLimited, "slow"),
    ],
)
async def test_refusals_become_errors(sockets, connection, clock, answer, error, text):
    sockets.answers["ASK"] = answer
    with pytest.raises(error, match=text):
        await passing(clock, connection.request("ASK", []))


async def test_no_answer_is_an_error_after_a_while(sockets, connection, clock):
    sockets.deaf.add("ASK")
    with pytest.raises(Unreachable, match="no answer to ASK"):
        await passing(clock, connection.request("ASK", []))


async def test_whoever_waits_for_an_answer_hears_that_the_connection_has_gone(
    sockets, connection, clock
):
    sockets.deaf.add("ASK")
    waiting = asyncio.ensure_future(connection.request("ASK", []))
    await until(lambda: sockets.peers[0].messages, clock)
    sockets.peers[0].cut()
    with pytest.raises(Unreachable):
        await waiting
    with pytest.raises(Unreachable):
        await connection.request("ASK", [])


@pytest.mark.parametrize("way", ["cut", "closed"])
async def test_the_end_is_told_once_with_its_reason(sockets, connection, way):
    if way == "cut":
        sockets.peers[0].cut()
        assert await connection.ended
    else:
        await sockets.peers[0].socket.close(code=1008)
        assert "1008" in await connection.ended


@pytest.mark.parametrize("phase", [0.0, 0.3, 0.6, 0.9])
async def test_silence_is_noticed_within_15_seconds_whenever_it_begins(
    sockets, connection, clock, phase
):
    await pass_time(clock, 2 + phase, step=0.1)
    await sockets.peers[0].send(e="trade")
    await until(lambda: connection.silent_for == 0)
    sockets.peers[0].mute = True
    began = clock.monotonic()
    await until(connection.ended.done, clock, step=0.1)
    assert 13.0 <= clock.monotonic() - began <= 15.0


async def test_a_dial_that_gets_no_answer_is_given_up(clock):
    async def mute(reader, writer):
        await reader.read()
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/stream"
    async with server, Dialler(url, clock=clock, timing=Timing()) as dialler:
        with pytest.raises(Unreachable, match="within 10 s"):
            await passing(clock, dialler.once(print))


async def test_a_dial_that_nobody_takes_is_told(clock):
    async with Dialler("ws://127.0.0.1:9/stream", clock=clock, timing=Timing()) as dialler:
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1:9"):
            await passing(clock, dialler.once(print))


async def test_no_more_than_a_third_of_the_dials_the_venue_allows(sockets, dialler, clock):
    async def dial():
        return await dialler.once(print)

    for _ in range(100):
        await (await dial()).close()
    waiting = asyncio.ensure_future(dial())
    await pass_time(clock, 295, step=5)
    assert not waiting.done()
    await until(waiting.done, clock)
    assert len(sockets.peers) == 101
    await (await waiting).close()


def test_pauses_grow_until_a_connection_has_lasted():
    backoff = Redial(RetryPolicy(attempts=2, cap=5, jitter=0))
    assert [backoff.pause() for _ in range(6)] == [0, 1, 2, 4, 5, 5]
    backoff.reset()
    assert [backoff.pause() for _ in range(2)] == [0, 1]


async def test_a_handler_that_fails_does_not_stop_what_follows(sockets, dialler, frames):
    def handle(frame):
        frames.append(frame)
        raise RuntimeError("a bug")

    connection = await dialler.once(handle)
    await sockets.peers[0].send(e="one")
    await sockets.peers[0].send(e="two")
    await until(lambda: len(frames) == 2)
    assert connection.unreadable == 2


async def test_sockets_to_the_outside_are_checked_against_known_authorities():
    async with open_session("wss://stream.example/stream") as session:
        context = session.connector._ssl
        assert context.check_hostname
        assert context.get_ca_certs()


async def test_waiting_for_what_fails_raises_its_error(clock):
    async def fail():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await within(clock, 1.0, fail())


async def test_what_has_gone_says_so_when_it_is_used(sockets, clock):
    socket = WebSocket(sockets.url, clock=clock, on_frame=print)
    async with open_session(sockets.url) as session:
        await socket.open(session, patience=5)
        sockets.peers[0].cut()
        await socket.ended
        for use in (socket.send({"method": "ASK"}), socket.ping()):
            with pytest.raises(Unreachable, match="gone"):
                await use
        await socket._client._pong(b"")
        socket.abort("again")
        await socket.close()
