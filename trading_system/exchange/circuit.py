"""One group of calls and its breaker: who may call, what counts as a failure, and who is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import structlog

from trading_system.domain.errors import (
    CircuitOpen,
    OutcomeUnknown,
    TradingError,
    Unreachable,
    Unreadable,
)
from trading_system.domain.events import VenueChanged
from trading_system.domain.venues import BreakerStatus
from trading_system.ports import Clock
from trading_system.resilience.breaker import Breaker, BreakerPolicy, BreakerState

log = structlog.get_logger(__name__)

_FAILURES = (Unreachable, Unreadable, OutcomeUnknown)


class Circuit:
    """Refuses calls of the group while the venue does not answer them."""

    def __init__(
        self,
        group: str,
        *,
        clock: Clock,
        publish: Callable[[object], None],
        policy: BreakerPolicy,
    ) -> None:
        self.group = group
        self._clock = clock
        self._publish = publish
        self._breaker = Breaker(policy, self._changed)

    @property
    def wants_probe(self) -> bool:
        """It has rested, and nobody has tried again yet."""
        closed = self._breaker.state is BreakerState.CLOSED
        return not closed and self._breaker.would_admit(self._clock.monotonic())

    def check(self) -> None:
        """Raise CircuitOpen where `enter` would."""
        if not self._breaker.would_admit(self._clock.monotonic()):
            raise CircuitOpen(f"{self.group}: not asked for a while after repeated failures")

    def enter(self) -> int:
        """A permit for one call, whose end `leave` is told. Raises CircuitOpen: do not send."""
        permit = self._breaker.admit(self._clock.monotonic())
        if permit is None:
            raise CircuitOpen(f"{self.group}: not asked for a while after repeated failures")
        return permit

    def leave(self, permit: int, outcome: BaseException | None) -> None:
        """How the call went; a refusal is an answer too, a cancelled call says nothing."""
        if isinstance(outcome, _FAILURES):
            self._breaker.failed(permit, self._clock.monotonic(), str(outcome))
        elif outcome is None or isinstance(outcome, TradingError):
            self._breaker.succeeded(permit)
        else:
            self._breaker.abandoned(permit)

    def status(self) -> BreakerStatus:
        """For people."""
        now, breaker = self._clock.monotonic(), self._breaker
        retry_at = breaker.retry_at
        return BreakerStatus(
            group=self.group,
            state=breaker.state,
            failures=breaker.failures(now),
            opened=breaker.opened,
            retry_at=None
            if retry_at is None
            else self._clock.now() + timedelta(seconds=retry_at - now),
        )

    def _changed(self, state: BreakerState, reason: str) -> None:
        level = log.warning if state is BreakerState.OPEN else log.info
        level("breaker", group=self.group, state=str(state), reason=reason)
        self._publish(VenueChanged(part=f"breaker {self.group}", state=state, detail=reason))
