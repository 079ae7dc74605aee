"""Nobody waits longer than allowed, and nobody longer than there is need."""

from __future__ import annotations

import asyncio

from trading_system.waiting import set_within


async def test_an_event_that_comes_in_time_ends_the_wait_at_once(clock):
    event = asyncio.Event()
    waiting = asyncio.ensure_future(set_within(clock, 10, event))
    await clock.advance(9)
    assert not waiting.done()
    event.set()
    assert await waiting


async def test_an_event_that_does_not_come_is_not_waited_for_any_longer(clock):
    event = asyncio.Event()
    waiting = asyncio.ensure_future(set_within(clock, 10, event))
    await clock.advance(10)
    assert not await waiting
    event.set()
    assert await set_within(clock, 10, event)
