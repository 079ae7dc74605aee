"""What a rule may use: the exchange's time, pauses of it, luck, and what became of orders."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random

from trading_system.simulator.mischief.witness import Witness
from trading_system.simulator.rest import Answer, Call

Follow = Callable[[Call], Awaitable[Answer | None]]
"""What would have answered without this rule; None is a connection that is cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """`shown` is the exchange's clock, ms UTC; `luck` belongs to one rule, whatever others do.

    `ban` refuses every call from now on for so many seconds.
    """

    shown: Callable[[], int]
    luck: Random
    speed: float
    witness: Witness
    ban: Callable[[float], None]

    async def pause(self, seconds: float) -> None:
        """Let so many seconds of the exchange's clock pass."""
        await asyncio.sleep(seconds / self.speed)

    async def await_until(self, happened: asyncio.Event, seconds: float) -> None:
        """Until that has happened, at most so many seconds of the exchange's clock."""
        try:
            async with asyncio.timeout(seconds / self.speed):
                await happened.wait()
        except TimeoutError:
            return
