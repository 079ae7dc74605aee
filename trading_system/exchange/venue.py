"""One venue as this program reaches it: where it is, the one way there, and what it lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from trading_system.domain.venues import StreamStatus, VenueReport
from trading_system.exchange.endpoints import Endpoints
from trading_system.exchange.gateway import Gateway
from trading_system.exchange.listing import Listing
from trading_system.resilience.breaker import BreakerState


class Streams(Protocol):
    """Connections to a venue that live while `run` runs."""

    def status(self) -> list[StreamStatus]:
        """One entry a connection."""
        ...

    async def run(self) -> None:
        """Until cancelled."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Venue:
    """Endpoints, gateway and listing that belong together."""

    endpoints: Endpoints
    gateway: Gateway
    listing: Listing

    def report(self, streams: Sequence[Streams]) -> VenueReport:
        """Everything known of the way there, with the state of these connections."""
        status = self.gateway.status
        return VenueReport(
            url=self.endpoints.public,
            reachable=status.reachable,
            since=status.since,
            detail=status.detail,
            clock_offset_ms=self.gateway.offset_ms,
            round_trip_ms=self.gateway.round_trip_ms,
            banned_until=self.gateway.banned_until,
            limits=self.gateway.limits(),
            breakers=self.gateway.breakers(),
            streams=tuple(line for each in streams for line in each.status()),
        )

    def resting(self) -> str | None:
        """Why no signed call goes there at the moment; None while calls go through."""
        (trading,) = (each for each in self.gateway.breakers() if each.group == "trading")
        if trading.state != BreakerState.OPEN:
            return None
        until = "" if trading.retry_at is None else f" until {trading.retry_at:%H:%M:%S} UTC"
        return f"{trading.failures} failures, breaker open{until}"
