"""What travels over the API, as pydantic models; each knows how to be made from a domain value."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from trading_system.api.scalars import Instant, InstantOut, SymbolText
from trading_system.domain.candles import Span
from trading_system.ports import (
    Backfill,
    ComponentHealth,
    Coverage,
    JobState,
    RegisteredSymbol,
)

_JOB_ID = "5f0d7a52-6a0e-4f57-9d52-0f3c9f6f7a11"
_NOON, _LATER = "2026-01-01T12:00:00Z", "2026-01-01T12:00:04Z"


class In(BaseModel):
    """A request's body: an unknown member is a mistake, so it is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Out(BaseModel):
    """An answer."""

    model_config = ConfigDict(frozen=True)


def example(**members: Any) -> ConfigDict:
    """The example that a model shows in the documentation."""
    return ConfigDict(json_schema_extra={"examples": [members]})


_BACKFILL = {
    "id": _JOB_ID,
    "symbol": "BTC/USDT",
    "start": "2025-12-31T12:00:00Z",
    "end": _NOON,
    "state": "running",
    "expected": 1440,
    "stored": 720,
    "holes": 0,
    "percent": 50.0,
    "error": None,
    "created_at": _NOON,
    "updated_at": _LATER,
}


class BackfillOut(Out):
    """A job that makes a span complete; `percent` counts stored minutes and venue holes."""

    model_config = example(**_BACKFILL)

    id: UUID
    symbol: SymbolText
    start: InstantOut
    end: InstantOut
    state: JobState
    expected: int
    stored: int
    holes: int
    percent: float
    error: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, job: Backfill) -> Self:
        """Made from the job."""
        share = (job.stored + job.holes) / job.expected if job.expected else 1.0
        return cls(
            id=job.id,
            symbol=job.symbol,
            start=job.span.start,
            end=job.span.end,
            state=job.state,
            expected=job.expected,
            stored=job.stored,
            holes=job.holes,
            percent=round(100 * share, 2),
            error=job.error,
            created_at=job.created_at,
            updated_at=job.updated_at,
        )


class BackfillIn(In):
    """Either the last `minutes`, or from `start` to `end` (default: now)."""

    model_config = example(minutes=10_080)

    minutes: Annotated[int, Field(ge=1, le=10_000_000, strict=True)] | None = None
    start: Instant | None = None
    end: Instant | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.minutes is None) == (self.start is None):
            raise ValueError("send either minutes, or start (and end)")
        if self.minutes is not None and self.end is not None:
            raise ValueError("minutes count back from now; end belongs to start")
        return self


class SymbolIn(In):
    """The pair to keep candles of."""

    model_config = example(symbol="BTC/USDT")

    symbol: SymbolText


class SymbolOut(Out):
    """A registered symbol; a deactivated one keeps its data."""

    model_config = example(symbol="BTC/USDT", active=True, registered_at=_NOON)

    symbol: SymbolText
    active: bool
    registered_at: datetime

    @classmethod
    def of(cls, registered: RegisteredSymbol) -> Self:
        """Made from the registration."""
        return cls(
            symbol=registered.symbol,
            active=registered.active,
            registered_at=registered.registered_at,
        )


class RegistrationOut(Out):
    """A symbol just registered, with the job that fetches its past."""

    model_config = example(symbol="BTC/USDT", active=True, registered_at=_NOON, backfill=_BACKFILL)

    symbol: SymbolText
    active: bool
    registered_at: datetime
    backfill: BackfillOut

    @classmethod
    def of(cls, registered: RegisteredSymbol, backfill: Backfill) -> Self:
        """Made from both."""
        return cls(
            symbol=registered.symbol,
            active=registered.active,
            registered_at=registered.registered_at,
            backfill=BackfillOut.of(backfill),
        )


class CandleOut(Out):
    """One closed candle: prices in quote, volume in base, every digit as stored."""

    open_time: str
    open_time_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class PricesOut(Out):
    """Closed candles in ascending order."""

    model_config = example(
        symbol="BTC/USDT",
        timeframe="1m",
        candles=[
            {
                "open_time": _NOON,
                "open_time_ms": 1767268800000,
                "open": 93576.01,
                "high": 93600.0,
                "low": 93570.5,
                "close": 93599.99,
                "volume": 12.34567,
            }
        ],
    )

    symbol: SymbolText
    timeframe: str
    candles: list[CandleOut]


class SpanOut(Out):
    """The minutes from `start` up to but not including `end`."""

    start: InstantOut
    end: InstantOut
    minutes: int

    @classmethod
    def of(cls, span: Span) -> Self:
        """Made from the span."""
        return cls(start=span.start, end=span.end, minutes=span.minutes)


class GapsOut(Out):
    """How complete a span is: expected = stored + minutes of venue_holes + minutes of missing.

    `sha256` is over the stored candles, equal for any two databases that hold the same ones.
    """

    model_config = example(
        symbol="BTC/USDT",
        start="2025-12-31T12:00:00Z",
        end=_NOON,
        complete=True,
        expected=1440,
        stored=1435,
        venue_holes=[
            {"start": "2026-01-01T03:00:00Z", "end": "2026-01-01T03:05:00Z", "minutes": 5}
        ],
        missing=[],
        sha256="e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    )

    symbol: SymbolText
    start: InstantOut
    end: InstantOut
    complete: bool
    expected: int
    stored: int
    venue_holes: list[SpanOut]
    missing: list[SpanOut]
    sha256: str

    @classmethod
    def of(cls, symbol: SymbolText, coverage: Coverage) -> Self:
        """Made from the coverage."""
        return cls(
            symbol=symbol,
            start=coverage.span.start,
            end=coverage.span.end,
            complete=not coverage.missing,
            expected=coverage.span.minutes,
            stored=coverage.stored,
            venue_holes=[SpanOut.of(hole) for hole in coverage.holes],
            missing=[SpanOut.of(gap) for gap in coverage.missing],
            sha256=coverage.digest,
        )


class ComponentOut(Out):
    """One part's state: ok or why not, and figures worth knowing."""

    ok: bool
    detail: str
    figures: dict[str, Any]


class HealthOut(Out):
    """All parts; `status` is "ok" only when every part is."""

    model_config = example(
        status="ok",
        time=_NOON,
        components={
            "venue": {"ok": True, "detail": "", "figures": {"since": _NOON}},
            "clock": {"ok": True, "detail": "", "figures": {"offset_ms": 3}},
            "heartbeat": {"ok": True, "detail": "", "figures": {"last": _NOON, "next": _LATER}},
            "database": {"ok": True, "detail": "", "figures": {"answer_ms": 0.4}},
        },
    )

    status: str
    time: datetime
    components: dict[str, ComponentOut]

    @classmethod
    def of(cls, report: Mapping[str, ComponentHealth], at: datetime) -> Self:
        """Made from each part's report."""
        return cls(
            status="ok" if all(part.ok for part in report.values()) else "degraded",
            time=at,
            components={
                name: ComponentOut(ok=part.ok, detail=part.detail, figures=dict(part.figures))
                for name, part in report.items()
            },
        )
