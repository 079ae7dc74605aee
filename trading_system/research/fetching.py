"""Candles for a backtest from where the system keeps them, what it lacks fetched first.

Always asks for minutes and builds longer candles by the rule that files are read by, so that the
same call gives the same digest online and offline. Refuses candles that have not closed.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from trading_system.domain.candles import MINUTE, Span, floor_minute
from trading_system.domain.errors import InvalidRequest, TradingError
from trading_system.domain.instruments import Symbol
from trading_system.domain.timeframes import Timeframe
from trading_system.frames import Frame
from trading_system.ports import Backfill, Clock, JobState, PriceRepository
from trading_system.research.aggregation import aggregated
from trading_system.research.configuration import Configuration
from trading_system.research.history import History, asked, from_frame, told
from trading_system.research.history_cache import HistoryCache
from trading_system.research.history_files import lines

Progress = Callable[[float], None]
"""Hears how much of what is missing has been fetched, 0 to 1."""

_SETTLING_MS = 10_000  # longer than a backfill waits after a minute has closed
_POLL_SECONDS = 0.2
_REACHES = (1, 2, 4)  # times the warm-up that is looked back when holes leave too little of it


class Minutes(Protocol):
    """Where the one-minute candles are kept; raises NotRegistered."""

    async def complete(self, symbol: Symbol, span: Span, on_progress: Progress) -> None:
        """Have the venue asked for what is missing; raises TradingError when that fails."""
        ...

    async def rows(self, symbol: Symbol, span: Span) -> NDArray[np.float64]:
        """The candles that are there, shape (n, 6), see `frames.COLUMNS`."""
        ...

    async def digest(self, symbol: Symbol, span: Span) -> str:
        """SHA-256 over them, as `PriceRepository.coverage` gives it."""
        ...


class Histories:
    """Gets candles, out of a cache where there is one and its candles are still the same."""

    def __init__(
        self, minutes: Minutes, *, clock: Clock, cache: HistoryCache | None = None
    ) -> None:
        self._minutes = minutes
        self._clock = clock
        self._cache = cache

    async def get(
        self,
        *,
        symbol: str,
        timeframe: str,
        start: datetime,
        end: datetime,
        warmup: int,
        on_progress: Progress = lambda _: None,
    ) -> History:
        """The candles of a range and `warmup` ones before it, see `history.from_frame`.

        Raises InvalidRequest for what has not closed yet or does not exist, NotRegistered, and
        TradingError when what is missing could not be fetched.
        """
        pair, length = Symbol.parse(symbol), Timeframe.parse(timeframe)
        span = asked(length, start, end)
        closed = length.floor(floor_minute(self._clock.milliseconds() - _SETTLING_MS))
        if span.end > closed:
            raise InvalidRequest(f"candles of {timeframe} have closed up to {told(closed)} only")
        for reach in _REACHES:
            first = span.start - reach * warmup * length.length
            frame = await self._frame(pair, length, Span(max(first, 0), span.end), on_progress)
            if np.searchsorted(frame.open_time, span.start) >= warmup:
                break
        return await asyncio.to_thread(
            from_frame,
            frame,
            symbol=symbol,
            timeframe=timeframe,
            start=start,
            end=end,
            warmup=warmup,
        )

    async def of(self, configuration: Configuration, warmup: int, on_progress: Progress) -> History:
        """The candles of a configuration and `warmup` ones before it; raises what `get` does."""
        return await self.get(
            symbol=configuration.symbol,
            timeframe=configuration.timeframe,
            start=configuration.start,
            end=configuration.end,
            warmup=warmup,
            on_progress=on_progress,
        )

    async def _frame(
        self, symbol: Symbol, timeframe: Timeframe, span: Span, on_progress: Progress
    ) -> Frame:
        """All candles of the span that exist."""
        kept = await self._cached(symbol, timeframe, span)
        if kept is not None:
            return kept
        await self._minutes.complete(symbol, span, on_progress)
        rows = await self._minutes.rows(symbol, span)
        return await asyncio.to_thread(self._built, symbol, timeframe, span, rows)

    async def _cached(self, symbol: Symbol, timeframe: Timeframe, span: Span) -> Frame | None:
        """What is kept of it, unless candles were corrected or added since."""
        if self._cache is None:
            return None
        entry = await asyncio.to_thread(self._cache.find, symbol, timeframe, span)
        if entry is None:
            return None
        if await self._minutes.digest(symbol, entry.span) != entry.digest:
            await asyncio.to_thread(self._cache.forget, entry)
            return None
        return await asyncio.to_thread(self._cache.load, entry)

    def _built(
        self, symbol: Symbol, timeframe: Timeframe, span: Span, rows: NDArray[np.float64]
    ) -> Frame:
        minutes = Frame.from_array(rows)
        frame = minutes if timeframe.length == MINUTE else aggregated(minutes, timeframe)
        if self._cache is not None:
            # Of what was read and not of what is stored by now, which may be corrected already.
            digest = hashlib.sha256()
            for some in lines(minutes):
                digest.update(some)
            self._cache.put(symbol, timeframe, span, digest.hexdigest(), frame)
        return frame


Fetch = Callable[[Symbol, Span, Progress], Awaitable[None]]
"""Has the venue asked for what is missing of a span; raises TradingError when that fails."""


class StoredMinutes:
    """Those of a database that this process has open."""

    def __init__(self, *, prices: PriceRepository, fetch: Fetch) -> None:
        self._prices = prices
        self._fetch = fetch

    async def complete(self, symbol: Symbol, span: Span, on_progress: Progress) -> None:
        if (await self._prices.coverage(symbol, span, digest=False)).missing:
            await self._fetch(symbol, span, on_progress)

    async def rows(self, symbol: Symbol, span: Span) -> NDArray[np.float64]:
        return await self._prices.columns(symbol, span, Timeframe.parse("1m"))

    async def digest(self, symbol: Symbol, span: Span) -> str:
        return (await self._prices.coverage(symbol, span)).digest


class Backfills(Protocol):
    """Starts jobs that make a span complete; raises NotRegistered."""

    async def backfill(self, symbol: Symbol, span: Span, /) -> Backfill: ...


class Jobs(Protocol):
    """Jobs as they are this moment; raises NotFound."""

    async def get(self, job_id: UUID, /) -> Backfill: ...


class Fetcher:
    """Fetches by a backfill job of this process, which goes on though nobody waits any more."""

    def __init__(self, *, backfills: Backfills, jobs: Jobs, clock: Clock) -> None:
        self._backfills = backfills
        self._jobs = jobs
        self._clock = clock

    async def fetch(self, symbol: Symbol, span: Span, on_progress: Progress) -> None:
        """See a job through; raises TradingError as soon as it stops, be it for a while."""
        job = await self._backfills.backfill(symbol, span)
        while job.state != JobState.DONE:
            if job.error is not None:
                raise failed(symbol, job.error)
            on_progress((job.stored + job.holes) / job.expected)
            await self._clock.sleep(_POLL_SECONDS)
            job = await self._jobs.get(job.id)


def failed(symbol: Symbol, reason: str) -> TradingError:
    """What is said when a job stopped: asked again, it goes on from where it was."""
    return TradingError(f"what is missing of {symbol} could not be fetched: {reason}")
