"""Beats once a minute, a few seconds after it closed, whatever the clock or the laptop does.

Every due time comes from the wall clock anew, never from how long the last sleep took.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog

from trading_system.domain.candles import MINUTE, floor_minute
from trading_system.domain.errors import TradingError
from trading_system.market.fetcher import Collected, reasons
from trading_system.ports import Beat, BeatRepository, Clock

log = structlog.get_logger(__name__)

_SLICE_SECONDS = 1.0  # how soon a jump of the wall clock or the end of a laptop's sleep is noticed
_JUMPED_BACK = 2 * MINUTE  # smaller corrections just make the next beat come later


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatStatistics:
    """How the beats went since the start; `skipped` counts minutes without a beat of their own."""

    beats: int = 0
    failed: int = 0
    skipped: int = 0
    last_late_seconds: float = 0.0
    max_late_seconds: float = 0.0
    started_at: datetime | None = None
    last_beat: Beat | None = None
    next_due: datetime | None = None
    uptime_seconds: float = 0.0


class HeartbeatScheduler:
    """Calls `collect` with every full minute, `buffer_seconds` after it, one beat at a time.

    A minute missed by an overrun, a jump or a sleep is not beaten for: the next collect heals it.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        beats: BeatRepository,
        collect: Callable[[datetime], Awaitable[Collected]],
        buffer_seconds: float,
        on_beat: Callable[[Beat], None] | None = None,
        grace_seconds: float = 3.0,
    ) -> None:
        self._clock = clock
        self._beats = beats
        self._collect = collect
        self._buffer = round(buffer_seconds * 1000)
        self._on_beat = on_beat
        self._grace_seconds = grace_seconds
        self._stopping = asyncio.Event()
        self._beating = False
        self._started_at = 0.0  # monotonic
        self._statistics = HeartbeatStatistics()

    @property
    def statistics(self) -> HeartbeatStatistics:
        """As of now."""
        if self._statistics.started_at is None:
            return self._statistics
        uptime = self._clock.monotonic() - self._started_at
        return replace(self._statistics, uptime_seconds=uptime)

    def stop(self) -> None:
        """Make `run` return: at once, or after the running beat, which has the grace time left."""
        self._stopping.set()

    async def run(self) -> None:
        """Beat until stopped or cancelled; a beat cut short stays recorded without its end."""
        self._started_at = self._clock.monotonic()
        self._note(started_at=self._clock.now())
        beats = asyncio.create_task(self._beat_until_stopped())
        try:
            await _first(beats, self._stopping.wait())
            if self._beating:
                await _first(beats, self._clock.sleep(self._grace_seconds))
        finally:
            beats.cancel()
            await asyncio.gather(beats, return_exceptions=True)
        if not beats.cancelled():
            beats.result()

    async def _beat_until_stopped(self) -> None:
        minute = self._latest() + MINUTE
        while not self._stopping.is_set():
            minute = await self._due(minute)
            self._beating = True
            await self._beat(minute)
            self._beating = False
            minute = self._after(minute)

    async def _due(self, minute: int) -> int:
        """Sleep until the minute is due; returns it, or the newest one if time jumped ahead."""
        while True:
            left = minute + self._buffer - self._clock.milliseconds()
            if left > _JUMPED_BACK:
                minute = self._latest() + MINUTE
                log.warning("the clock was set back", next_due=str(_moment(minute + self._buffer)))
                continue
            self._note(next_due=_moment(minute + self._buffer))
            if left <= 0:
                break
            await self._clock.sleep(min(left / 1000, _SLICE_SECONDS))
        newest = self._latest()
        if newest > minute:
            self._skip((newest - minute) // MINUTE, "minutes passed without a beat")
        return newest

    def _after(self, minute: int) -> int:
        """The minute to beat for next: the following one, or the first still to come."""
        following, newest = minute + MINUTE, self._latest()
        if self._clock.milliseconds() <= following + self._buffer:
            return following
        self._skip((newest - minute) // MINUTE, "the beat ran over the next ones")
        return newest + MINUTE

    async def _beat(self, minute: int) -> None:
        """One beat from its record to its line in the log; raises nothing but cancellation."""
        started = self._clock.monotonic()
        beat = Beat(due=_moment(minute + self._buffer), started=self._clock.now())
        collected = Collected(stored=0, failed={}, candles={})
        beat_id = None
        error: str | None
        try:
            beat_id = await self._beats.begin(beat)
            collected = await self._collect(_moment(minute))
            error = collected.error
        except TradingError as failure:
            error = str(failure)
        except Exception as bug:
            log.exception("the beat met a bug")
            error = repr(bug)
        beat = replace(
            beat,
            ended=self._clock.now(),
            stored=collected.stored,
            failed=len(collected.failed),
            error=error,
        )
        await self._finish(beat_id, beat)
        self._tell(beat, collected, self._clock.monotonic() - started)

    async def _finish(self, beat_id: int | None, beat: Beat) -> None:
        try:
            if beat_id is not None:
                await self._beats.end(beat_id, beat)
        except TradingError as error:
            log.error("the beat could not be recorded", error=str(error))  # noqa: TRY400 -- said all
        except Exception:
            log.exception("recording the beat met a bug")

    def _tell(self, beat: Beat, collected: Collected, seconds: float) -> None:
        late = (beat.started - beat.due).total_seconds()
        self._note(
            beats=self._statistics.beats + 1,
            failed=self._statistics.failed + (beat.error is not None),
            last_late_seconds=late,
            max_late_seconds=max(self._statistics.max_late_seconds, late),
            last_beat=beat,
        )
        line = log.bind(
            due=beat.due.isoformat(),
            late_ms=round(late * 1000),
            took_ms=round(seconds * 1000),
            stored=beat.stored,
            failed=beat.failed,
        )
        if reason := beat.error or reasons(collected.failed):
            line.warning("beat", reason=reason)
        else:
            line.info("beat")
        if self._on_beat is not None:
            try:
                self._on_beat(beat)
            except Exception:
                log.exception("observer failed")

    def _skip(self, minutes: int, why: str) -> None:
        self._note(skipped=self._statistics.skipped + minutes)
        log.warning(why, skipped=minutes)

    def _note(self, **changes: object) -> None:
        self._statistics = replace(self._statistics, **changes)  # type: ignore[arg-type]

    def _latest(self) -> int:
        """The newest full minute that was already due."""
        return floor_minute(self._clock.milliseconds() - self._buffer)


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


async def _first(task: asyncio.Task[None], other: Awaitable[object]) -> None:
    """Wait for the task or the other, whichever ends first; only the other is given up."""
    waiting = asyncio.ensure_future(other)
    try:
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
