"""Backtests that somebody asked the running system for: one at a time, each in its own process.

Nothing is computed in the event loop, and a process that crashes or never ends costs its backtest
alone. What is done is its file, which a restart finds again; what was not done by then is gone.
"""

from __future__ import annotations

import asyncio
import json
import pickle
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import structlog

from trading_system.domain.errors import InvalidRequest, NotFound, TradingError
from trading_system.ports import Clock
from trading_system.research import result_files
from trading_system.research.configuration import Configuration
from trading_system.research.history import History
from trading_system.research.result_files import Head
from trading_system.strategies import registry
from trading_system.waiting import within

log = structlog.get_logger(__name__)

_MOST_WAITING = 100
_MOST_FAILED = 100
_WORKER = (sys.executable, "-m", "trading_system.research.worker")


class Candles(Protocol):
    """Where candles come from; see `fetching.Histories`, which raises TradingError."""

    async def get(
        self,
        *,
        symbol: str,
        timeframe: str,
        start: datetime,
        end: datetime,
        warmup: int,
        on_progress: Callable[[float], None],
    ) -> History: ...


class BacktestState(StrEnum):
    """Where a backtest stands."""

    WAITING = "waiting"
    FETCHING = "fetching"
    COMPUTING = "computing"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """One that was asked for; `progress`, 0 to 1, is that of its candles, `head` its result."""

    id: str
    state: BacktestState
    configuration: Mapping[str, Any]
    progress: float = 0.0
    error: str | None = None
    head: Head | None = None


class BacktestQueue:
    """Asked for in order, answered in order."""

    def __init__(
        self,
        *,
        candles: Candles,
        folder: Path,
        strategies: Path | None,
        clock: Clock,
        limit_seconds: float = 3_600.0,
        worker: tuple[str, ...] = _WORKER,
    ) -> None:
        """Results go to `folder`; `strategies` holds somebody's own ones, loaded by the worker.

        A worker that is silent for `limit_seconds` is ended.
        """
        self._candles = candles
        self._folder = folder
        self._strategies = strategies
        self._clock = clock
        self._limit = limit_seconds
        self._worker = worker
        self._jobs: dict[str, Backtest] = {}
        self._waiting: deque[str] = deque()
        self._failed: deque[str] = deque()
        self._asked = asyncio.Event()

    def submit(self, configuration: Configuration) -> Backtest:
        """Queue it; raises InvalidRequest for what cannot be, as far as nothing needs to be run."""
        if len(self._waiting) >= _MOST_WAITING:
            raise InvalidRequest(f"{_MOST_WAITING} backtests wait already: ask again later")
        built_in = {kind.name: kind for kind in registry.BUILT_IN}
        if configuration.strategy in built_in or self._strategies is None:
            configuration.strategy_among(built_in)
        job = Backtest(
            id=self._new_id(),
            state=BacktestState.WAITING,
            configuration=configuration.to_json(),
        )
        self._jobs[job.id] = job
        self._waiting.append(job.id)
        self._asked.set()
        return job

    async def get(self, name: str) -> Backtest:
        """The backtest of that id; raises NotFound."""
        job = self._jobs.get(name)
        return job if job is not None else await asyncio.to_thread(self._done, name)

    async def recent(self, limit: int) -> list[Backtest]:
        """The latest first: those that are not done, then what is in the folder."""
        jobs = list(reversed(self._jobs.values()))
        heads = await asyncio.to_thread(result_files.heads, self._folder, limit)
        return [*jobs, *(_finished(head) for head in heads if head.id not in self._jobs)][:limit]

    async def run(self) -> None:
        """Answer one after the other, for ever."""
        while True:
            while self._waiting:
                await self._answer(self._waiting.popleft())
            self._asked.clear()
            await self._asked.wait()

    async def _answer(self, name: str) -> None:
        try:
            path = await self._worked(name)
            log.info("backtest done", id=name, file=path)
            del self._jobs[name]  # from now on its file speaks for it
        except TradingError as error:
            self._fail(name, str(error))
        except Exception:
            log.exception("backtest failed", id=name)
            self._fail(name, "an error of our own; the log says more")

    async def _worked(self, name: str) -> str:
        job = self._jobs[name]
        self._change(name, state=BacktestState.COMPUTING)
        async with self._working() as process:
            order = {
                "name": name,
                "configuration": job.configuration,
                "folder": str(self._folder),
                "strategies": None if self._strategies is None else str(self._strategies),
                "asked_at": self._clock.now().isoformat(),
            }
            warmup = (await self._said(process, order))["warmup"]
            configuration = Configuration.from_json(job.configuration)
            self._change(name, state=BacktestState.FETCHING)
            history = await self._candles.get(
                symbol=configuration.symbol,
                timeframe=configuration.timeframe,
                start=configuration.start,
                end=configuration.end,
                warmup=warmup,
                on_progress=lambda share: self._change(name, progress=share),
            )
            self._change(name, state=BacktestState.COMPUTING, progress=1.0)
            with tempfile.TemporaryDirectory(prefix="trading-system-") as private:
                file = Path(private) / "candles"
                await asyncio.to_thread(_put, history, file)
                return str((await self._said(process, {"candles": str(file)}))["path"])

    @asynccontextmanager
    async def _working(self) -> AsyncIterator[Process]:
        """A worker that does not outlive the block."""
        process = await asyncio.create_subprocess_exec(*self._worker, stdin=PIPE, stdout=PIPE)
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _said(self, process: Process, words: Mapping[str, Any]) -> Any:
        """What the worker answers; raises InvalidRequest with what it says went wrong."""
        assert process.stdin is not None  # noqa: S101 -- asked for above
        assert process.stdout is not None  # noqa: S101 -- the same
        with suppress(ConnectionError):  # it ended; so does its answer
            process.stdin.write(json.dumps(words).encode() + b"\n")
            await process.stdin.drain()
        try:
            line = await within(self._clock, self._limit, process.stdout.readline())
        except TimeoutError as late:
            raise InvalidRequest(
                f"it took longer than {self._limit:,.0f} s and was ended"
            ) from late
        if not line:
            raise InvalidRequest(f"its process ended with {_ending(await process.wait())}")
        answer = json.loads(line)
        if "error" in answer:
            raise InvalidRequest(answer["error"])
        return answer

    def _change(self, name: str, **changes: Any) -> None:
        self._jobs[name] = replace(self._jobs[name], **changes)

    def _fail(self, name: str, reason: str) -> None:
        self._change(name, state=BacktestState.FAILED, error=reason)
        self._failed.append(name)
        if len(self._failed) > _MOST_FAILED:
            del self._jobs[self._failed.popleft()]

    def _new_id(self) -> str:
        return result_files.new_id(self._folder, self._clock.now(), taken=self._jobs)

    def _done(self, name: str) -> Backtest:
        try:
            return _finished(result_files.read_head(result_files.find(self._folder, name)))
        except InvalidRequest as gone:
            raise NotFound(str(gone)) from None


def _finished(head: Head) -> Backtest:
    return Backtest(
        id=head.id,
        state=BacktestState.DONE,
        configuration=head.result["configuration"],
        progress=1.0,
        head=head,
    )


def _put(history: History, file: Path) -> None:
    with file.open("wb") as out:
        pickle.dump(history, out, protocol=5)


def _ending(code: int) -> str:
    """The end of a process in words."""
    if code >= 0:
        return f"exit code {code}"
    return f"signal {signal.Signals(-code).name}"
