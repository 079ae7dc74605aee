"""The venue's clock as far as we know it.

Between two measurements it goes by the monotonic clock, so that a wall clock that jumps takes no
candle for closed that is not, and no request out of its window.
"""

from __future__ import annotations

from trading_system.ports import Clock

_JUMP_MS = 250


class VenueTime:
    """Ours before the first measurement."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead = self._skew()  # venue's milliseconds minus our monotonic ones
        self._skew_then = self._ahead
        self.round_trip_ms: float | None = None

    @property
    def offset_ms(self) -> int:
        """What to add to our wall clock to get the venue's."""
        return self.milliseconds() - self._clock.milliseconds()

    @property
    def uncertainty_ms(self) -> int:
        """By how much we may be wrong."""
        return 500 if self.round_trip_ms is None else 100 + round(self.round_trip_ms)

    @property
    def jumped(self) -> bool:
        """The wall clock and the monotonic one disagree: measure again.

        Either the wall clock was set, or the machine slept and the monotonic one with it.
        """
        return abs(self._skew() - self._skew_then) > _JUMP_MS

    def milliseconds(self) -> int:
        """The venue's time, ms UTC."""
        return round(self._clock.monotonic() * 1000 + self._ahead)

    def measured(self, server_ms: int, *, sent: float, received: float) -> None:
        """The venue said it was `server_ms` between these two monotonic moments (seconds)."""
        self.round_trip_ms = (received - sent) * 1000
        self._ahead = server_ms - (sent + received) * 500
        self._skew_then = self._skew()

    def _skew(self) -> float:
        return self._clock.milliseconds() - self._clock.monotonic() * 1000
