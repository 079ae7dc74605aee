"""Waiting no longer than allowed, by the clock that was handed in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any, TypeVar

from trading_system.ports import Clock

T = TypeVar("T")


async def within(clock: Clock, seconds: float, work: Awaitable[T]) -> T:
    """Its result, or TimeoutError (and `work` cancelled) when it takes longer by this clock."""
    task = asyncio.ensure_future(work)
    timer = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait((task, timer), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise TimeoutError(f"took longer than {seconds:g} s")
        return task.result()
    finally:
        timer.cancel()
        task.cancel()
        await asyncio.wait((task, timer))


async def rest(clock: Clock, seconds: float, *until: asyncio.Future[Any]) -> None:
    """Return when one of these futures is done, after this many seconds at the latest."""
    timer = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait((timer, *until), return_when=asyncio.FIRST_COMPLETED)
    finally:
        timer.cancel()


async def set_within(clock: Clock, seconds: float, event: asyncio.Event) -> bool:
    """Whether the event is set by then; returns at once when it is."""
    with suppress(TimeoutError):
        await within(clock, seconds, event.wait())
    return event.is_set()
