"""How one connection by role stands, as /venue shows it and the bus hears of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog

from trading_system.domain.events import VenueChanged
from trading_system.domain.venues import StreamStatus
from trading_system.ports import Clock

log = structlog.get_logger(__name__)


class Standing:
    """Counters of one role over all its connections; `on_change` hears of every new state."""

    def __init__(
        self, role: str, *, url: str, clock: Clock, on_change: Callable[[VenueChanged], None]
    ) -> None:
        self.role = role
        self.state = "connecting"
        self.connects = 0
        self.messages = 0
        self.dropped = 0
        self.lag_ms: float | None = None
        self.heard_at: float | None = None
        """Monotonic time of the last message."""
        self._detail = ""
        self._url = url
        self._clock = clock
        self._on_change = on_change
        self._since = clock.now()

    def enter(self, state: str, detail: str = "") -> None:
        """From now on it is like this."""
        if (state, detail) == (self.state, self._detail):
            return
        if state != self.state:
            self._since = self._clock.now()
        self.state, self._detail = state, detail
        log.info("stream", role=self.role, state=state, detail=detail)
        self._on_change(VenueChanged(part=f"stream {self.role}", state=state, detail=detail))

    def status(self, streams: Mapping[str, float | None] | None = None) -> StreamStatus:
        """As the port says it."""
        age = None if self.heard_at is None else self._clock.monotonic() - self.heard_at
        return StreamStatus(
            role=self.role,
            state=self.state,
            since=self._since,
            url=self._url,
            connects=self.connects,
            messages=self.messages,
            dropped=self.dropped,
            last_message_age_ms=None if age is None else round(age * 1000),
            lag_ms=self.lag_ms,
            streams=streams or {},
            detail=self._detail,
        )
