"""What is kept: one repository an aggregate, each method one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from trading_system.domain.candles import Candle, Span
from trading_system.domain.instruments import Symbol
from trading_system.domain.positions import Equity
from trading_system.domain.stops import Stop
from trading_system.domain.timeframes import Timeframe


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredSymbol:
    """A symbol somebody asked us to keep candles of; deactivated ones keep their data."""

    symbol: Symbol
    active: bool
    registered_at: datetime


class SymbolRepository(Protocol):
    """The symbols somebody registered."""

    async def add(self, symbol: Symbol, at: datetime) -> RegisteredSymbol:
        """Register, or activate again; raises AlreadyRegistered when it is active."""
        ...

    async def deactivate(self, symbol: Symbol) -> RegisteredSymbol:
        """Keep the data, stop collecting; raises NotRegistered."""
        ...

    async def get(self, symbol: Symbol) -> RegisteredSymbol:
        """Raises NotRegistered."""
        ...

    async def all(self, *, active: bool | None = None) -> list[RegisteredSymbol]:
        """Sorted by symbol; `active` selects."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How complete a span is: `expected` = `stored` + minutes in `holes` + minutes in `missing`.

    `holes` the venue itself has no candles for; `missing` are ours to fetch; `digest` is the
    SHA-256 over the stored candles in the span.
    """

    span: Span
    stored: int
    holes: tuple[Span, ...]
    missing: tuple[Span, ...]
    digest: str


class PriceRepository(Protocol):
    """Closed one-minute candles of registered symbols; unregistered ones raise NotRegistered."""

    async def upsert(self, candles: Mapping[Symbol, Sequence[Candle]]) -> int:
        """Store all in one transaction, replacing earlier ones; returns how many rows."""
        ...

    async def last_open_times(self) -> dict[Symbol, int]:
        """The newest stored minute of every registered symbol that has one."""
        ...

    async def candles(
        self, symbol: Symbol, span: Span, timeframe: Timeframe, limit: int | None = None
    ) -> list[Candle]:
        """Ascending, built from the stored minutes; with `limit`, the first that many."""
        ...

    async def bounds(self, symbol: Symbol) -> Span | None:
        """First stored minute to the end of the last; None while there is none."""
        ...

    async def columns(
        self, symbol: Symbol, span: Span, timeframe: Timeframe
    ) -> NDArray[np.float64]:
        """The same candles as an array of shape (n, 6), its columns those of Candle."""
        ...

    async def coverage(self, symbol: Symbol, span: Span, *, digest: bool = True) -> Coverage:
        """What is there at this moment; `digest` is empty when not asked for, which is faster."""
        ...

    async def record_holes(self, symbol: Symbol, holes: Sequence[Span], at: datetime) -> None:
        """Remember spans the venue confirmed to have nothing for."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """One heartbeat: when it was due, ran, and what came of it."""

    due: datetime
    started: datetime
    ended: datetime | None = None
    stored: int = 0
    failed: int = 0
    error: str | None = None


class BeatRepository(Protocol):
    """The record of every beat."""

    async def begin(self, beat: Beat) -> int: ...
    async def end(self, beat_id: int, beat: Beat) -> None: ...
    async def latest(self, limit: int = 1) -> list[Beat]: ...


class JobState(StrEnum):
    """Where a backfill stands; pending and running ones go on after a restart."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """A job that makes a span complete: `expected` minutes = `stored` + `holes` when done."""

    id: UUID
    symbol: Symbol
    span: Span
    state: JobState
    expected: int
    stored: int = 0
    holes: int = 0
    error: str | None = None
    created_at: datetime
    updated_at: datetime


class BackfillRepository(Protocol):
    """Backfill jobs, kept over restarts."""

    async def save(self, job: Backfill) -> None: ...
    async def get(self, job_id: UUID) -> Backfill:
        """Raises NotFound."""
        ...

    async def unfinished(self) -> list[Backfill]: ...


class EquityRepository(Protocol):
    """What the account was worth, mark by mark; each quote asset has a history of its own."""

    async def record(self, mark: Equity) -> None: ...
    async def last(self, quote: str) -> Equity | None: ...

    async def between(
        self, quote: str, start: int | None, end: int | None, *, points: int
    ) -> list[Equity]:
        """From start to before end, ms UTC, ascending.

        When there are more than `points`, the span is cut into so many and of each the last taken.
        """
        ...

    async def thin(self, before: datetime) -> None:
        """Of the marks before this keep the last of each hour."""
        ...


class StopRepository(Protocol):
    """Stop losses, kept over restarts."""

    async def save(self, stop: Stop) -> None:
        """As it now is, whether new or not."""
        ...

    async def get(self, stop_id: UUID) -> Stop:
        """Raises NotFound."""
        ...

    async def all(self, *, symbol: Symbol | None = None, limit: int = 500) -> list[Stop]:
        """Newest first."""
        ...

    async def unfinished(self) -> list[Stop]:
        """Those that still guard something."""
        ...

    async def failed(self) -> list[Stop]:
        """Those that gave up."""
        ...
