"""What was received and not yet handled, and which of it may be lost when it becomes too much.

Overflow rule: above the capacity the oldest of what a later message makes worthless (quotes,
tickers, candles that still grow) is dropped. What must not be lost one by one (trades, changes of
the book, closed candles) may go on to the limit; above that the whole backlog is dropped, and
whoever fills the buffer has to say so, for it to be asked for.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

_SLICE = 0.004  # seconds of the event loop that a burst may take in one turn


class StreamBuffer(Generic[T]):
    """Hands items on in the order of their arrival; never holds more than `limit` of them."""

    def __init__(self, capacity: int, *, limit: int) -> None:
        self._capacity = capacity
        self._limit = limit
        self._arrivals = 0
        self._lasting: deque[tuple[int, T]] = deque()
        self._passing: deque[tuple[int, T]] = deque()
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return len(self._lasting) + len(self._passing)

    def put(self, item: T, *, passing: bool) -> list[T]:
        """Keep it; returns what had to be dropped for it, or with it, in the order of arrival."""
        self._arrivals += 1
        queue = self._passing if passing else self._lasting
        queue.append((self._arrivals, item))
        self._filled.set()
        if len(self) > self._capacity and self._passing:
            return [self._passing.popleft()[1]]
        if len(self) > self._limit:
            return [self.take() for _ in range(len(self))]
        return []

    def take(self) -> T:
        """The oldest item. Raises IndexError when there is none."""
        if not self._lasting or (self._passing and self._passing[0] < self._lasting[0]):
            return self._passing.popleft()[1]
        return self._lasting.popleft()[1]

    async def drain(self, handle: Callable[[T], None]) -> None:
        """Hand on whatever comes, until cancelled; others get their turn within a burst."""
        loop = asyncio.get_running_loop()
        while True:
            await self._filled.wait()
            end = loop.time() + _SLICE
            while len(self) and loop.time() < end:
                handle(self.take())
            if not len(self):
                self._filled.clear()
            await asyncio.sleep(0)
