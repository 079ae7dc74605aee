"""Is every part well, and by what figures: for /health and for Prometheus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trading_system.domain.errors import StorageError
from trading_system.domain.venues import StreamStatus
from trading_system.exchange.gateway import Gateway
from trading_system.exchange.venue import Streams, Venue
from trading_system.execution.stops import StopKeeper
from trading_system.market.heartbeat import HeartbeatScheduler
from trading_system.market.live import LiveMarket
from trading_system.ports import Clock, ComponentHealth
from trading_system.storage.database import Database

_LATE_SECONDS = 60.0  # a beat that is a whole minute overdue is not coming
_OFFSET_LIMIT_MS = 1_000  # the venue refuses requests further ahead than this
_NAMES = ("venue", "data_venue")
_PREFIXES = ("", "data_")  # of their figures
_UP = frozenset({"connected", "ready"})


class Health:
    """Asks the parts; each is `ok` or says why not. The venue that trades comes first."""

    def __init__(
        self,
        *,
        clock: Clock,
        venues: Mapping[Venue, Sequence[Streams]],
        live: LiveMarket,
        heartbeat: HeartbeatScheduler,
        stops: StopKeeper,
        database: Database,
    ) -> None:
        self._clock = clock
        self._venues = venues
        self._live = live
        self._heartbeat = heartbeat
        self._stops = stops
        self._database = database

    async def report(self) -> Mapping[str, ComponentHealth]:
        """Each part's state by name."""
        venues = {
            name: _venue(venue.gateway) for name, venue in zip(_NAMES, self._venues, strict=False)
        }
        return venues | {
            "clock": self._clock_offset(),
            "streams": self._streams(),
            "heartbeat": self._beats(),
            "stops": await self._guards(),
            "database": await self._storage(),
        }

    def gauges(self) -> Mapping[str, tuple[str, float]]:
        """The same as numbers, for Prometheus."""
        beats = self._heartbeat.statistics
        figures = {
            "beats": ("Heartbeats since the start", float(beats.beats)),
            "beats_failed": ("Heartbeats that failed", float(beats.failed)),
            "beats_skipped": ("Minutes a long beat ran over", float(beats.skipped)),
            "beat_late_seconds": ("How late the last beat began", beats.last_late_seconds),
            "uptime_seconds": ("Since the heartbeat began", beats.uptime_seconds),
        }
        for prefix, venue in zip(_PREFIXES, self._venues, strict=False):
            for name, figure in _venue_gauges(venue.gateway).items():
                figures[prefix + name] = figure
        for name, count in self._live.figures().items():
            if isinstance(count, int | float):
                figures[f"live_{name}"] = ("Of the live market", float(count))
        for line in self._lines():
            name = f"stream_{line.role.replace(' ', '_')}"
            figures[f"{name}_up"] = ("1 while connected", float(line.state in _UP))
            figures[f"{name}_messages"] = ("Since the start", float(line.messages))
            figures[f"{name}_dropped"] = ("Stale ones pushed out", float(line.dropped))
            if line.lag_ms is not None:
                figures[f"{name}_lag_ms"] = ("Receipt minus event time", line.lag_ms)
        return figures

    @property
    def _gateway(self) -> Gateway:
        return next(iter(self._venues)).gateway

    def _lines(self) -> list[StreamStatus]:
        return [
            line for several in self._venues.values() for each in several for line in each.status()
        ]

    def _streams(self) -> ComponentHealth:
        """Told, never ill: candles and orders are right without any stream."""
        lines = self._lines()
        down = [
            f"{line.role}: {line.state} {line.detail}".strip()
            for line in lines
            if line.state not in _UP
        ]
        return ComponentHealth(
            ok=True,
            detail="; ".join(down) if lines else "switched off",
            figures={line.role: line.state for line in lines} | self._live.figures(),
        )

    def _clock_offset(self) -> ComponentHealth:
        offset = self._gateway.offset_ms
        far = abs(offset) > _OFFSET_LIMIT_MS
        return ComponentHealth(
            # Signed calls carry the corrected time, so a clock that is off is told, not ill.
            ok=True,
            detail="the machine's clock is off; it is corrected for" if far else "",
            figures={"offset_ms": offset, "round_trip_ms": self._gateway.round_trip_ms},
        )

    def _beats(self) -> ComponentHealth:
        statistics = self._heartbeat.statistics
        last, due = statistics.last_beat, statistics.next_due
        overdue = (self._clock.now() - due).total_seconds() if due else 0.0
        if due is None:
            detail = "not started"
        elif overdue > _LATE_SECONDS:
            detail = f"overdue by {overdue:.0f} s"
        else:
            detail = (last.error or "") if last else ""
        return ComponentHealth(
            ok=not detail,
            detail=detail,
            figures={
                "beats": statistics.beats,
                "failed": statistics.failed,
                "skipped": statistics.skipped,
                "last": last.due.isoformat() if last else None,
                "next": due.isoformat() if due else None,
                "uptime_seconds": round(statistics.uptime_seconds, 1),
            },
        )

    async def _guards(self) -> ComponentHealth:
        """Ill while something is held that a stop has given up on: somebody has to look."""
        try:
            failed = await self._stops.failed()
        except StorageError as error:
            return ComponentHealth(ok=False, detail=str(error))
        told = [f"{stop.symbol} is unguarded: {stop.reason}" for stop in failed]
        return ComponentHealth(
            ok=not failed, detail="; ".join(told), figures={"gave_up": len(failed)}
        )

    async def _storage(self) -> ComponentHealth:
        started = self._clock.monotonic()
        try:
            async with self._database.reading() as connection:
                await connection.execute_fetchall("SELECT 1")
        except StorageError as error:
            return ComponentHealth(ok=False, detail=str(error))
        return ComponentHealth(
            ok=True, figures={"answer_ms": round((self._clock.monotonic() - started) * 1000, 2)}
        )


def _venue(gateway: Gateway) -> ComponentHealth:
    status = gateway.status
    banned = gateway.banned_until
    return ComponentHealth(
        ok=status.reachable,
        detail=status.detail,
        figures={
            "since": status.since.isoformat(),
            "banned_until": banned.isoformat() if banned else None,
        }
        | {f"breaker {each.group}": each.state for each in gateway.breakers()},
    )


def _venue_gauges(gateway: Gateway) -> dict[str, tuple[str, float]]:
    gauges = {
        "venue_reachable": ("1 while the venue answers", float(gateway.status.reachable)),
        "clock_offset_ms": ("Venue's clock minus ours", float(gateway.offset_ms)),
    }
    for breaker in gateway.breakers():
        name = f"breaker_{breaker.group.replace(' ', '_')}"
        gauges[f"{name}_closed"] = ("1 while calls go through", float(breaker.state == "closed"))
        gauges[f"{name}_opened"] = ("How often it has opened", float(breaker.opened))
    for use in gateway.limits():
        name = f"limit_{use.kind}_{use.seconds}s_used"
        gauges[name] = ("Of the venue's limit in this window", float(use.used))
    return gauges
