"""The key to what an account is told: asked for, kept, and shown to nobody."""

from __future__ import annotations

import asyncio

import pytest

from trading_system.domain.errors import OutcomeUnknown, Rejected, Unreachable
from trading_system.exchange.futures.listen_key import ListenKey


class Gateway:
    """Notes every change asked for; answers or raises what the script says."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.script: list = []

    async def change(self, path, *, method):
        self.asked.append((method, path))
        answer = self.script.pop(0) if self.script else {"listenKey": "secret"}
        if isinstance(answer, Exception):
            raise answer
        return answer

    def count(self, method):
        return self.asked.count((method, "listenKey"))


@pytest.fixture
def gateway():
    return Gateway()


@pytest.fixture
def access(gateway, clock):
    return ListenKey("ws://venue/private/ws", gateway=gateway, clock=clock)


@pytest.fixture
async def lost(access):
    """Reasons to connect anew, while the key is being kept."""
    reasons: list[str] = []
    keeping = asyncio.create_task(access.keep(reasons.append))
    await asyncio.sleep(0)
    yield reasons
    assert not keeping.done()
    keeping.cancel()
    await asyncio.wait([keeping])


async def test_every_dial_asks_for_a_key_and_the_url_shown_has_none(access, gateway):
    assert await access.address() == "ws://venue/private/ws/secret"
    gateway.script = [{"listenKey": "another"}]
    assert await access.address() == "ws://venue/private/ws/another"
    assert gateway.asked == [("POST", "listenKey")] * 2
    assert access.url == "ws://venue/private/ws"


@pytest.mark.parametrize("answer", [{}, [], {"key": "secret"}])
async def test_an_answer_without_a_key_is_none(access, gateway, answer):
    gateway.script = [answer]
    with pytest.raises(OutcomeUnknown):
        await access.address()


async def test_the_stream_itself_takes_no_requests(access):
    assert await access.enter(object()) is None


async def test_the_key_is_extended_every_half_hour(gateway, clock, lost):
    await clock.advance(29 * 60)
    assert gateway.count("PUT") == 0
    await clock.advance(60)
    assert gateway.count("PUT") == 1
    await clock.advance(30 * 60)
    assert gateway.count("PUT") == 2
    assert lost == []


async def test_what_could_not_be_extended_is_tried_again_soon(gateway, clock, lost):
    gateway.script = [Unreachable("no network"), OutcomeUnknown("no answer")]
    await clock.advance(30 * 60)
    await clock.advance(60)
    await clock.advance(60)
    assert gateway.count("PUT") == 3
    await clock.advance(60)
    assert gateway.count("PUT") == 3
    assert lost == []


async def test_a_key_that_is_none_any_more_means_to_connect_anew(gateway, clock, lost):
    gateway.script = [Rejected(-1125, "This listenKey does not exist.")]
    await clock.advance(30 * 60)
    assert lost == ["its key was not extended: This listenKey does not exist. (-1125)"]
