from __future__ import annotations

import pytest
from aiohttp import web

from trading_system.simulator.calls import Away
from trading_system.simulator.limits import TooMuch
from trading_system.simulator.mirror.origin import SHARE, Origin
from trading_system.simulator.model import Refused

MOST = 1_000
MINUTE = 60_000


class Server:
    """Answers as a test wants it to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status, self.body, self.headers = 200, b"{}", {}

    async def serve(self, request):
        self.asked.append(request.path_qs)
        return web.Response(status=self.status, body=self.body, headers=self.headers)


class Setting:
    def __init__(self, server, origin) -> None:
        self.server = server
        self.origin = origin
        self.now = 100 * MINUTE

    async def ask(self, weight=1):
        return await self.origin.ask("/api/v3/time", weight=weight)


@pytest.fixture
async def setting(http):
    server = Server()
    runner = web.ServerRunner(web.Server(server.serve))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    root = f"http://127.0.0.1:{runner.addresses[0][1]}"
    made = Setting(server, None)
    made.origin = Origin(root, http, clock=lambda: made.now, most=MOST)
    yield made
    await runner.cleanup()


async def test_its_own_count_is_believed_where_it_is_higher(setting) -> None:
    await setting.ask(weight=20)
    assert setting.origin.used == 20
    setting.server.headers = {"x-mbx-used-weight-1m": "300"}
    await setting.ask()
    assert setting.origin.used == 300
    setting.server.headers = {"x-mbx-used-weight-1m": "5"}
    await setting.ask()
    assert setting.origin.used == 301
    setting.now += MINUTE
    assert setting.origin.used == 0
    assert setting.origin.asked == 3


async def test_it_is_not_asked_beyond_its_share_until_the_next_minute(setting) -> None:
    setting.now += 45_500
    setting.server.headers = {"x-mbx-used-weight-1m": str(int(SHARE * MOST) - 10)}
    await setting.ask()
    with pytest.raises(TooMuch) as refusal:
        await setting.ask(weight=11)
    assert (refusal.value.status, refusal.value.retry_after) == (429, 15)
    await setting.ask(weight=10)
    setting.now += 14_500
    setting.server.headers = {}
    await setting.ask(weight=11)
    assert len(setting.server.asked) == 3


@pytest.mark.parametrize("status", [418, 429])
async def test_a_refusal_for_asking_too_much_is_heeded(setting, status) -> None:
    setting.server.status = status
    setting.server.headers = {"Retry-After": "90"}
    setting.server.body = b'{"code":-1003,"msg":"Way too much request weight used."}'
    with pytest.raises(TooMuch) as refusal:
        await setting.ask()
    assert (refusal.value.status, refusal.value.retry_after) == (status, 90)
    setting.server.status = 200
    setting.now += 89_000
    with pytest.raises(TooMuch):
        await setting.ask()
    setting.now += 1_000
    setting.server.body = b"{}"
    assert await setting.ask() == {}
    assert len(setting.server.asked) == 2


async def test_a_refusal_is_told_on(setting) -> None:
    setting.server.status = 400
    setting.server.body = b'{"code":-1121,"msg":"Invalid symbol."}'
    with pytest.raises(Refused, match="Invalid symbol") as refusal:
        await setting.ask()
    assert (refusal.value.code, refusal.value.status) == (-1121, 400)


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b'{"msg":1}'])
async def test_what_is_no_answer_is_none(setting, body) -> None:
    setting.server.status = 502
    setting.server.body = body
    with pytest.raises(Away):
        await setting.ask()


async def test_a_connection_that_fails_is_told_once_until_it_works_again(
    setting, caplog, monkeypatch
) -> None:
    there = setting.origin.root
    setting.origin.root = "http://127.0.0.1:9"
    for _ in range(2):
        with pytest.raises(Away):
            await setting.ask()
    setting.origin.root = there
    await setting.ask()
    assert caplog.text.count("does not answer") == 1
    assert caplog.text.count("answers again") == 1


async def test_the_listing_says_how_much_is_allowed(setting) -> None:
    setting.server.body = (
        b'{"symbols":[],"rateLimits":[{"rateLimitType":"ORDERS","interval":"DAY","intervalNum":1,'
        b'"limit":9},{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":2,'
        b'"limit":400}]}'
    )
    assert (await setting.origin.listing())["symbols"] == []
    assert setting.origin.most == 200
    assert setting.server.asked == ["/api/v3/exchangeInfo?permissions=SPOT"]


@pytest.mark.parametrize(
    ("status", "body"), [(200, b"<html>"), (502, b"<html>"), (204, b"{}"), (200, b"[]")]
)
async def test_a_listing_that_is_none_is_away(setting, status, body) -> None:
    setting.server.status, setting.server.body = status, body
    with pytest.raises(Away):
        await setting.origin.listing()
