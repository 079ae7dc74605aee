"""A circuit breaker: after repeated failures nobody asks for a while, then one probe decides.

It counts and decides only: what a failure is, is for the caller to say; times are monotonic
seconds, passed in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class BreakerState(StrEnum):
    """CLOSED lets everything pass, OPEN nothing, HALF_OPEN one probe at a time."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerPolicy:
    """Opens after `failures` within `within` seconds, rests for `rest` seconds."""

    failures: int = 5
    within: float = 30.0
    rest: float = 60.0


class Breaker:
    """Who wants to ask takes a permit and tells how it went, with exactly one of three methods.

    A permit is a number of the period it was given in: an outcome that arrives after the state has
    changed says nothing about the present and is not counted. `on_change(state, reason)` is called
    at each transition.
    """

    def __init__(
        self, policy: BreakerPolicy, on_change: Callable[[BreakerState, str], None]
    ) -> None:
        self._policy = policy
        self._on_change = on_change
        self._failed_at: deque[float] = deque(maxlen=policy.failures)
        self._opened_at = 0.0
        self._probing = False
        self._period = 0
        self.state = BreakerState.CLOSED
        self.opened = 0

    @property
    def retry_at(self) -> float | None:
        """When a probe may go out, monotonic seconds; None while closed."""
        if self.state is BreakerState.CLOSED:
            return None
        return self._opened_at + self._policy.rest

    def failures(self, now: float) -> int:
        """Those that count now."""
        return sum(at > now - self._policy.within for at in self._failed_at)

    def would_admit(self, now: float) -> bool:
        """Whether `admit` would give a permit."""
        if self.state is BreakerState.CLOSED:
            return True
        if self.state is BreakerState.HALF_OPEN:
            return not self._probing
        return now >= self._opened_at + self._policy.rest

    def admit(self, now: float) -> int | None:
        """A permit to ask once, or None: do not ask. After the rest the first one is the probe."""
        if not self.would_admit(now):
            return None
        if self.state is BreakerState.OPEN:
            self._change(BreakerState.HALF_OPEN, "rested")
        self._probing = self.state is BreakerState.HALF_OPEN
        return self._period

    def succeeded(self, permit: int) -> None:
        """The other side answered: a probe that does closes the circuit."""
        if permit == self._period and self.state is BreakerState.HALF_OPEN:
            self._failed_at.clear()
            self._change(BreakerState.CLOSED, "the probe was answered")

    def failed(self, permit: int, now: float, reason: str) -> None:
        """There was no answer: one too many of them, or one to a probe, opens the circuit."""
        if permit != self._period:
            return
        self._failed_at.append(now)
        if self.state is BreakerState.HALF_OPEN or self.failures(now) >= self._policy.failures:
            self._opened_at = now
            self.opened += 1
            self._change(BreakerState.OPEN, reason)

    def abandoned(self, permit: int) -> None:
        """Nobody will know how it went: the next one who asks is the probe."""
        if permit == self._period:
            self._probing = False

    def _change(self, state: BreakerState, reason: str) -> None:
        self.state = state
        self._probing = False
        self._period += 1
        self._on_change(state, reason)
