"""The server over a real loopback port; signals go to this very process, as from a terminal."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading

import httpx
import pytest
import structlog
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.api.conftest import ANY_PORT, forever, serving
from trading_system.api.application import create_app
from trading_system.api.security import ApiOptions
from trading_system.api.server import bind, serve, url
from trading_system.domain.errors import ConfigurationError


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_server_and_system_with_code_0(system, number):
    ended = []

    async def run() -> None:
        try:
            await forever()
        finally:
            ended.append("cleanly")

    before = signal.getsignal(number)
    async with serving(create_app(system, ANY_PORT), run) as (task, client):
        assert (await client.get("/health")).status_code == 200
        os.kill(os.getpid(), number)
        async with asyncio.timeout(60):
            assert await task == 0
        with pytest.raises(httpx.TransportError):
            await client.get("/health")
    assert ended == ["cleanly"]
    assert signal.getsignal(number) is before


async def test_an_answer_under_way_is_given_before_the_end():
    arrived, leave = asyncio.Event(), asyncio.Event()

    async def slow(_request):
        arrived.set()
        await leave.wait()
        return PlainTextResponse("done")

    async with serving(Starlette(routes=[Route("/", slow)])) as (task, client):
        asking = asyncio.create_task(client.get("/"))
        await arrived.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0)
        leave.set()
        assert (await asking).text == "done"
        assert await task == 0


async def test_the_first_signal_gives_the_second_back_to_python(system):
    """Whoever presses Ctrl-C twice does not want to wait."""
    before = signal.getsignal(signal.SIGINT)
    during = []

    async def run() -> None:
        try:
            await forever()
        finally:
            during.append(signal.getsignal(signal.SIGINT))

    async with serving(create_app(system, ANY_PORT), run) as (task, client):
        await client.get("/health")
        os.kill(os.getpid(), signal.SIGINT)
        assert await task == 0
    assert during == [before]


async def test_when_the_system_fails_the_server_ends_with_code_1_and_says_why(system):
    go = asyncio.Event()

    async def run() -> None:
        await go.wait()
        raise RuntimeError("the heartbeat is dead")

    with structlog.testing.capture_logs() as logs:
        async with serving(create_app(system, ANY_PORT), run) as (task, client):
            assert (await client.get("/health")).status_code == 200
            go.set()
            async with asyncio.timeout(60):
                assert await task == 1
    assert [entry["event"] for entry in logs] == ["listening", "the system failed"]
    assert logs[1]["exc_info"]


async def test_when_the_system_returns_the_server_ends_with_code_0(system):
    go = asyncio.Event()
    async with serving(create_app(system, ANY_PORT), go.wait) as (task, client):
        await client.get("/health")
        go.set()
        async with asyncio.timeout(60):
            assert await task == 0


async def test_a_system_that_fails_at_once_ends_the_server_too(system):
    async def run() -> None:
        raise RuntimeError("no luck")

    with structlog.testing.capture_logs():
        assert await serve(create_app(system, ANY_PORT), ANY_PORT, run=run) == 1


async def test_a_cancelled_server_cancels_the_system(system):
    ended = asyncio.Event()

    async def run() -> None:
        try:
            await forever()
        finally:
            ended.set()

    async with serving(create_app(system, ANY_PORT), run) as (task, client):
        await client.get("/health")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert ended.is_set()


async def test_a_busy_port_is_one_clear_line(system):
    with bind(ANY_PORT) as taken:
        options = ApiOptions(port=taken.getsockname()[1])
        with pytest.raises(
            ConfigurationError, match=r"API_PORT=.*in use.*another API_PORT"
        ) as caught:
            await serve(create_app(system, options), options, run=forever)
    assert "\n" not in str(caught.value)


def test_a_host_that_is_none_of_ours_is_one_clear_line():
    with pytest.raises(ConfigurationError, match=r"API_HOST=192\.0\.2\.1"):
        bind(ApiOptions(host="192.0.2.1", port=0))


def test_a_host_that_is_no_host_is_one_clear_line():
    with pytest.raises(ConfigurationError, match=r"API_HOST=300\.0\.0\.1"):
        bind(ApiOptions(host="300.0.0.1", port=0))


def test_the_url_is_that_of_the_bound_port():
    with bind(ANY_PORT) as listener:
        assert url(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        listener = bind(ApiOptions(host="::1", port=0))
    except ConfigurationError:
        pytest.skip("this machine has no IPv6")
    with listener:
        assert url(listener) == f"http://[::1]:{listener.getsockname()[1]}"


async def test_the_guard_knows_the_port_the_system_chose(system):
    async with serving(create_app(system, ANY_PORT)) as (task, client):
        assert (await client.get("/health")).status_code == 200
        foreign = await client.get("/health", headers={"Host": "127.0.0.1:1"})
        assert foreign.status_code == 403
        os.kill(os.getpid(), signal.SIGTERM)
        assert await task == 0


def test_in_another_thread_it_serves_without_signals(system):
    """Signal handlers belong to the main thread; there, whoever runs us owns them."""
    code = []

    async def nothing() -> None:
        return

    def work() -> None:
        code.append(asyncio.run(serve(create_app(system, ANY_PORT), ANY_PORT, run=nothing)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    assert code == [0]


def test_a_closed_port_can_be_bound_again_at_once():
    with bind(ANY_PORT) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            served, _ = _accepted(listener)
            served.close()
            client.recv(1)
    bind(ApiOptions(port=port)).close()


def _accepted(listener):
    listener.settimeout(60)
    return listener.accept()
