"""Makes any span of a symbol complete, as a job that survives a kill.

A job asks only for what the database lacks, so starting it again goes on where it was; what the
venue lacks too, asked twice, is recorded as its hole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import UUID, uuid4

import structlog

from trading_system.domain.candles import Span, floor_minute
from trading_system.domain.errors import (
    ExchangeError,
    RateLimited,
    Rejected,
    StorageError,
    TradingError,
    UnknownSymbol,
)
from trading_system.domain.instruments import Symbol
from trading_system.market.download import Download
from trading_system.market.pages import Page, cut, together
from trading_system.ports import (
    Backfill,
    BackfillRepository,
    Clock,
    Coverage,
    JobState,
    MarketData,
    PriceRepository,
)

log = structlog.get_logger(__name__)

_SETTLING_MS = 5_000  # a venue may serve a minute only some seconds after it closed
_SAVE_SECONDS = 1.0  # how often progress is written down; resuming does not need it
_RETRY_SECONDS = (2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)


class BackfillService:
    """Works backfill jobs, at most `concurrency` requests at a time over all of them.

    `on_progress` is called with the job after every step.
    """

    def __init__(
        self,
        *,
        market_data: MarketData,
        prices: PriceRepository,
        jobs: BackfillRepository,
        clock: Clock,
        concurrency: int = 8,
        on_progress: Callable[[Backfill], None] | None = None,
    ) -> None:
        self._market_data = market_data
        self._prices = prices
        self._jobs = jobs
        self._clock = clock
        self._concurrency = concurrency
        self._requests = asyncio.Semaphore(concurrency)
        self._slots = asyncio.Semaphore(concurrency)
        self._on_progress = on_progress
        self._live: dict[UUID, Backfill] = {}
        self._saved_at = float("-inf")
        self._queue: asyncio.Queue[Backfill] = asyncio.Queue()

    async def start(self, symbol: Symbol, span: Span) -> Backfill:
        """Save a job for the minutes of the span that have closed; `run` works it.

        Raises NotRegistered.
        """
        end = min(span.end, floor_minute(self._clock.milliseconds() - _SETTLING_MS))
        closed = Span(min(span.start, end), end)
        now = self._clock.now()
        job = Backfill(
            id=uuid4(),
            symbol=symbol,
            span=closed,
            state=JobState.PENDING,
            expected=closed.minutes,
            created_at=now,
            updated_at=now,
        )
        await self._save(job)
        self._queue.put_nowait(job)
        return job

    async def get(self, job_id: UUID) -> Backfill:
        """The job as it is this moment; raises NotFound."""
        return self._live.get(job_id) or await self._jobs.get(job_id)

    async def run(self) -> None:
        """Work all jobs, also those a former process left, until cancelled."""
        for job in await self._jobs.unfinished():
            if job.id not in self._live:
                self._live[job.id] = job
                self._queue.put_nowait(job)
        async with asyncio.TaskGroup() as workers:
            while True:
                job = await self._queue.get()
                workers.create_task(self._work(job), name=f"backfill {job.symbol}")

    async def complete(self, job: Backfill) -> Backfill:
        """Work the job now, to its end, and return it done; raises what stopped it.

        `run` does this by itself: call it only where nothing runs.
        """
        covered = await self._covered(job)
        running = replace(job, state=JobState.RUNNING, error=None)
        await self._save(_with_figures(running, covered))
        if covered.missing:
            await self._download(job, together(cut(covered.missing)))
            covered = await self._covered(job)
        if covered.missing:
            await self._download(job, together(covered.missing))
            unconfirmed = await self._covered(job)
            await self._prices.record_holes(job.symbol, unconfirmed.missing, self._clock.now())
            covered = await self._covered(job)
        done = _with_figures(replace(running, state=JobState.DONE), covered)
        return await self._save(done)

    async def _work(self, job: Backfill) -> None:
        """Complete the job, however often it takes; whatever happens, other jobs go on."""
        attempt = 0
        while True:
            try:
                async with self._slots:
                    await self.complete(job)
            except (UnknownSymbol, Rejected) as refusal:
                await self._put(job, JobState.FAILED, str(refusal))
                return
            except (ExchangeError, StorageError) as error:
                await self._put(job, JobState.PENDING, str(error))
                await self._clock.sleep(_pause(attempt, error))
                attempt += 1
            except Exception as bug:
                log.exception("the backfill met a bug", symbol=str(job.symbol))
                await self._put(job, JobState.FAILED, repr(bug))
                return
            else:
                return

    async def _download(self, job: Backfill, pages: Sequence[Page]) -> None:
        async def stored(candles: int) -> None:
            live = self._live[job.id]
            await self._progress(replace(live, stored=live.stored + candles))

        download = Download(
            market_data=self._market_data,
            prices=self._prices,
            symbol=job.symbol,
            requests=self._requests,
            on_stored=stored,
        )
        await download.fetch(pages, concurrency=self._concurrency)

    async def _covered(self, job: Backfill) -> Coverage:
        return await self._prices.coverage(job.symbol, job.span, digest=False)

    async def _progress(self, job: Backfill) -> None:
        """Tell how far it got; written down only now and then, each time costs a transaction."""
        if self._clock.monotonic() - self._saved_at >= _SAVE_SECONDS:
            await self._save(job)
        else:
            self._show(replace(job, updated_at=self._clock.now()))

    async def _put(self, job: Backfill, state: JobState, error: str) -> None:
        """Note why the job stopped; when even that fails, the next start takes it up again."""
        log.warning("backfill stopped", symbol=str(job.symbol), state=state, reason=error)
        job = replace(self._live.get(job.id, job), state=state, error=error)
        self._show(job)
        try:
            await self._save(job)
        except TradingError as failure:
            log.warning("the backfill could not be saved", reason=str(failure))

    async def _save(self, job: Backfill) -> Backfill:
        job = replace(job, updated_at=self._clock.now())
        await self._jobs.save(job)
        self._saved_at = self._clock.monotonic()
        self._show(job)
        if job.state in {JobState.DONE, JobState.FAILED}:
            del self._live[job.id]
        return job

    def _show(self, job: Backfill) -> None:
        self._live[job.id] = job
        if self._on_progress is not None:
            self._on_progress(job)


def _with_figures(job: Backfill, covered: Coverage) -> Backfill:
    return replace(job, stored=covered.stored, holes=sum(hole.minutes for hole in covered.holes))


def _pause(attempt: int, error: TradingError) -> float:
    """Seconds until the next try: doubling, and never sooner than the venue allows."""
    allowed = error.retry_after if isinstance(error, RateLimited) else 0.0
    return max(allowed, _RETRY_SECONDS[min(attempt, len(_RETRY_SECONDS) - 1)])
