"""Waiting no longer than allowed, by the clock that was handed in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

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
        await _cancelled(task, timer)


async def first(*works: Awaitable[object]) -> None:
    """Return when one of them has ended, and cancel the others; its error is raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _cancelled(*tasks)
    for task in tasks:
        if not task.cancelled():
            task.result()


async def _cancelled(*tasks: asyncio.Future[T] | asyncio.Future[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
