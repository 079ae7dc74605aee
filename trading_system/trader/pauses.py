"""What was refused is not tried again at once: each refusal wakes the loop that would try it."""

from __future__ import annotations

from collections.abc import Hashable

from trading_system.ports import Clock

_SECONDS = 30.0


class Pauses:
    """Half a minute for whatever is named; forgotten when it has passed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[Hashable, float] = {}

    def begin(self, *name: Hashable) -> None:
        """From now on."""
        now = self._clock.monotonic()
        self._until = {each: until for each, until in self._until.items() if now < until}
        self._until[name] = now + _SECONDS

    def end(self, *name: Hashable) -> None:
        """It may be tried at once."""
        self._until.pop(name, None)

    def lasts(self, *name: Hashable) -> bool:
        """Whether it is too early."""
        return self._clock.monotonic() < self._until.get(name, 0.0)
