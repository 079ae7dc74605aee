"""Whether the venue answers at all: told once when that changes, and never by whom it was asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from trading_system.domain.events import VenueChanged
from trading_system.ports import Clock

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueStatus:
    """How the last calls went: since when it is `reachable` or not, and why not."""

    reachable: bool
    since: datetime
    detail: str


class Reachability:
    """How the venue stands by the calls so far; `status` is for whoever asks."""

    def __init__(self, clock: Clock, publish: Callable[[object], None]) -> None:
        self._clock = clock
        self._publish = publish
        self.status = VenueStatus(reachable=False, since=clock.now(), detail="not asked yet")

    def answered(self, detail: str = "") -> None:
        """It did, if only to refuse."""
        self._note(reachable=True, detail=detail)

    def failed(self, detail: str) -> None:
        """No answer came, or none that could be read."""
        self._note(reachable=False, detail=detail)

    def _note(self, *, reachable: bool, detail: str) -> None:
        if reachable != self.status.reachable:
            state = "reachable" if reachable else "unreachable"
            log.info("venue", state=state, detail=detail)
            self.status = VenueStatus(reachable=reachable, since=self._clock.now(), detail=detail)
            self._publish(VenueChanged(part="venue", state=state, detail=detail))
        elif detail != self.status.detail:
            self.status = VenueStatus(reachable=reachable, since=self.status.since, detail=detail)
