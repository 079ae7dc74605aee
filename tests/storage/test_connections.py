from __future__ import annotations

import asyncio

import pytest

from trading_system.storage.connections import to_its_end


async def test_what_must_end_is_awaited_through_every_cancellation():
    gate, ended = asyncio.Event(), []

    async def roll_back():
        await gate.wait()
        ended.append(True)

    task = asyncio.create_task(to_its_end(roll_back()))
    for _ in range(3):
        await asyncio.sleep(0)
        task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == [True]


async def test_without_a_cancellation_it_is_a_plain_await():
    async def fail():
        raise ValueError("on purpose")

    assert await to_its_end(asyncio.sleep(0, "result")) == "result"
    with pytest.raises(ValueError, match="on purpose"):
        await to_its_end(fail())
