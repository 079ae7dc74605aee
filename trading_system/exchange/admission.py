"""The queue before the venue: whoever the limiter does not let through yet waits here, in order.

By priority, then first come, first served; what is no new order goes before the orders of its
priority, so that a full order window keeps no cancel waiting.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from trading_system.domain.errors import RateLimited
from trading_system.domain.venues import LimitUse
from trading_system.ports import Clock
from trading_system.resilience.limiter import Limiter
from trading_system.resilience.limits import Cost, Grant, Kind, Priority

_LONGEST_WAIT = 65_000  # ms; one weight window: who must wait longer is told instead


class _Waiting(NamedTuple):
    cost: Cost
    priority: Priority
    granted: asyncio.Future[Grant]


class Admission:
    """Lets calls through one by one as the limiter grants them; `now` tells the venue's time."""

    def __init__(self, limiter: Limiter, clock: Clock, now: Callable[[], int]) -> None:
        self.limiter = limiter
        self._clock = clock
        self._now = now
        self._lanes: dict[tuple[Priority, bool], deque[_Waiting]] = {
            (priority, is_order): deque()
            for priority in sorted(Priority, reverse=True)
            for is_order in (False, True)
        }
        self._alarm: asyncio.Task[None] | None = None
        self._due = 0.0

    def waiting(self, kind: Kind) -> int:
        """How many calls wait that count for this kind of limit."""
        return sum(
            not each.granted.done()
            for (_, is_order), lane in self._lanes.items()
            for each in lane
            if is_order or kind is not Kind.ORDERS
        )

    def uses(self) -> tuple[LimitUse, ...]:
        """Each limit, what is used of it, and how many calls wait for it."""
        return tuple(
            LimitUse(
                kind=window.kind,
                seconds=window.seconds,
                limit=limit,
                used=used,
                waiting=self.waiting(window.kind),
            )
            for window, limit, used in self.limiter.uses(self._now())
        )

    async def enter(self, cost: Cost, priority: Priority) -> Grant:
        """Wait until the call may be made. Whoever enters settles or withdraws the grant.

        Raises RateLimited where that takes longer than a minute.
        """
        lane = self._lanes[priority, bool(cost.orders)]
        # What teaches the limits is what the whole queue may be waiting for.
        if cost.teaches or not self._must_queue(priority, lane):
            answer = self.limiter.ask(cost, priority, self._now())
            if isinstance(answer, Grant):
                return answer
            if answer > _LONGEST_WAIT:
                raise _too_long(answer)
        waiting = _Waiting(cost, priority, asyncio.get_running_loop().create_future())
        lane.append(waiting)
        self.go_on()
        try:
            return await waiting.granted
        except asyncio.CancelledError:
            answered = not waiting.granted.cancelled()  # in the very moment of giving up
            if answered and waiting.granted.exception() is None:
                self.withdraw(waiting.granted.result())
            self.go_on()
            raise

    def withdraw(self, grant: Grant) -> None:
        """The call was not made after all."""
        self.limiter.withdraw(grant, self._now())
        self.go_on()

    def go_on(self) -> None:
        """Let through whoever may go now; called whenever something may have become free."""
        soonest = 0
        for (_, is_order), lane in self._lanes.items():
            if wait := self._serve(lane):
                soonest = min(wait, soonest or wait)
                if not is_order:  # nobody overtakes who waits for what everybody needs
                    break
        if soonest:
            self._wake_up_in(soonest / 1000)

    def close(self) -> None:
        """Wake nobody up any more."""
        if self._alarm is not None:
            self._alarm.cancel()

    def _must_queue(self, priority: Priority, lane: deque[_Waiting]) -> bool:
        return bool(lane) or any(
            others and not is_order and before > priority
            for (before, is_order), others in self._lanes.items()
        )

    def _serve(self, lane: deque[_Waiting]) -> int:
        """Serve a lane from its head on; returns the ms that its new head has to wait."""
        while lane:
            head = lane[0]
            if not head.granted.done():
                answer = self.limiter.ask(head.cost, head.priority, self._now())
                if isinstance(answer, Grant):
                    head.granted.set_result(answer)
                elif answer > _LONGEST_WAIT:
                    head.granted.set_exception(_too_long(answer))
                else:
                    return answer
            lane.popleft()
        return 0

    def _wake_up_in(self, seconds: float) -> None:
        due = self._clock.monotonic() + seconds
        if self._alarm is not None:
            if self._due <= due:
                return
            self._alarm.cancel()
        self._due = due
        self._alarm = asyncio.create_task(self._wake_up(seconds), name="admission")

    async def _wake_up(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._alarm = None
        self.go_on()


def _too_long(milliseconds: int) -> RateLimited:
    return RateLimited("the venue's limit is used up for a while", retry_after=milliseconds / 1000)
