"""Which orders a call to the venue is under way about, so that no second one crosses it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import UUID

from trading_system.domain.errors import NotAllowed
from trading_system.domain.orders import Order

Result = TypeVar("Result")


class Calls:
    """A call about an order ends before the next about it begins; whoever asked may go away."""

    def __init__(self) -> None:
        self._ends: dict[UUID, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    def __contains__(self, order_id: UUID) -> bool:
        return order_id in self._ends

    def begin(self, order_id: UUID) -> None:
        """From now on until `end`."""
        self._ends[order_id] = asyncio.Event()

    def end(self, order_id: UUID) -> None:
        """Let go whoever waits for it."""
        self._ends.pop(order_id).set()

    async def ended(self, order_id: UUID) -> None:
        """Wait until no call is under way about it."""
        while (end := self._ends.get(order_id)) is not None:
            await end.wait()

    @asynccontextmanager
    async def alone(self, order_id: UUID) -> AsyncIterator[None]:
        """The only call about this order while the block lasts."""
        await self.ended(order_id)
        self.begin(order_id)
        try:
            yield
        finally:
            self.end(order_id)

    async def to_its_end(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Its result; a caller that goes away must not tear a call and its booking apart."""
        task = asyncio.create_task(work)
        self._tasks.add(task)  # the loop itself would forget it
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)


def guard(may_send: Callable[[Order], str | None], *orders: Order) -> Callable[[], None]:
    """What to call right before these go out: raises NotAllowed once one of them must not."""

    def still_wanted() -> None:
        for order in orders:
            if (forbidden := may_send(order)) is not None:
                raise NotAllowed(forbidden)

    return still_wanted
