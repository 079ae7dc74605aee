"""Is every part well, and by what figures: for /health and for Prometheus."""

from __future__ import annotations

from collections.abc import Mapping

from trading_system.domain.errors import StorageError
from trading_system.exchange.gateway import Gateway
from trading_system.market.heartbeat import HeartbeatScheduler
from trading_system.ports import Clock, ComponentHealth
from trading_system.storage.database import Database

_LATE_SECONDS = 60.0  # a beat that is a whole minute overdue is not coming
_OFFSET_LIMIT_MS = 1_000  # the venue refuses requests further ahead than this


class Health:
    """Asks the parts; each is `ok` or says why not."""

    def __init__(
        self,
        *,
        clock: Clock,
        gateway: Gateway,
        data_gateway: Gateway,
        heartbeat: HeartbeatScheduler,
        database: Database,
    ) -> None:
        self._clock = clock
        self._gateway = gateway
        self._data_gateway = data_gateway
        self._heartbeat = heartbeat
        self._database = database

    async def report(self) -> Mapping[str, ComponentHealth]:
        """Each part's state by name."""
        parts = {"venue": self._venue(self._gateway)}
        if self._data_gateway is not self._gateway:
            parts["data_venue"] = self._venue(self._data_gateway)
        return parts | {
            "clock": self._clock_offset(),
            "heartbeat": self._beats(),
            "database": await self._storage(),
        }

    def gauges(self) -> Mapping[str, tuple[str, float]]:
        """The same as numbers, for Prometheus."""
        beats = self._heartbeat.statistics
        return {
            "venue_reachable": ("1 while the venue answers", float(self._gateway.status.reachable)),
            "clock_offset_ms": ("Venue's clock minus ours", float(self._gateway.offset_ms)),
            "beats": ("Heartbeats since the start", float(beats.beats)),
            "beats_failed": ("Heartbeats that failed", float(beats.failed)),
            "beats_skipped": ("Minutes a long beat ran over", float(beats.skipped)),
            "beat_late_seconds": ("How late the last beat began", beats.last_late_seconds),
            "uptime_seconds": ("Since the heartbeat began", beats.uptime_seconds),
        }

    def _venue(self, gateway: Gateway) -> ComponentHealth:
        status = gateway.status
        return ComponentHealth(
            ok=status.reachable, detail=status.detail, figures={"since": status.since.isoformat()}
        )

    def _clock_offset(self) -> ComponentHealth:
        offset = self._gateway.offset_ms
        far = abs(offset) > _OFFSET_LIMIT_MS
        return ComponentHealth(
            # Signed calls carry the corrected time, so a clock that is off is told, not ill.
            ok=True,
            detail="the machine's clock is off; it is corrected for" if far else "",
            figures={"offset_ms": offset},
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
