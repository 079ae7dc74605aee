"""One task for each of a changing set of things; knows nothing of what the tasks do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Hashable
from typing import Any, Generic, TypeVar

Thing = TypeVar("Thing", bound=Hashable)


class Keepers(Generic[Thing]):
    """Runs `keep(thing)` for everything wanted, and ends it when it is wanted no more."""

    def __init__(self, keep: Callable[[Thing], Coroutine[Any, Any, None]]) -> None:
        self._keep = keep
        self._wanted: frozenset[Thing] = frozenset()
        self._changed = asyncio.Event()

    def want(self, things: Collection[Thing]) -> None:
        """Have exactly these kept from now on."""
        self._wanted = frozenset(things)
        self._changed.set()

    async def run(self) -> None:
        """Keep what is wanted until cancelled; a keeper that fails ends all."""
        running: dict[Thing, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._changed.clear()
                for gone in running.keys() - self._wanted:
                    running.pop(gone).cancel()
                for new in self._wanted - running.keys():
                    running[new] = tasks.create_task(self._keep(new))
                await self._changed.wait()
