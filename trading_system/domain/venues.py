"""What is known of the way to a venue: its limits, our breakers, its streams, its clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitUse:
    """One limit of the venue: `kind` weight, requests or orders; per `seconds`; `used` so far."""

    kind: str
    seconds: int
    limit: int
    used: int
    waiting: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerStatus:
    """A circuit breaker: `state` closed, open or half-open; `opened` counts how often."""

    group: str
    state: str
    failures: int
    opened: int
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStatus:
    """One connection: `role` execution, monitoring, standby or user; ages and lags in ms.

    `lag_ms` is receipt minus the venue's event time, by the corrected clock, of the last message;
    `streams` lists name -> lag of its own last message (None before the first).
    """

    role: str
    state: str
    since: datetime
    url: str
    connects: int
    messages: int
    dropped: int
    last_message_age_ms: int | None
    lag_ms: float | None
    streams: Mapping[str, float | None] = field(default_factory=dict)
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueReport:
    """Everything known of the way to a venue, for GET /venue."""

    url: str
    reachable: bool
    since: datetime
    detail: str
    clock_offset_ms: int
    round_trip_ms: float | None
    banned_until: datetime | None
    limits: tuple[LimitUse, ...]
    breakers: tuple[BreakerStatus, ...]
    streams: tuple[StreamStatus, ...] = ()
