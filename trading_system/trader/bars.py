"""Which bars have closed and are complete: what a strategy may look at, and what it waits for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from trading_system.domain.candles import Span
from trading_system.domain.instruments import Symbol
from trading_system.domain.timeframes import Timeframe
from trading_system.ports import PriceRepository

_AT_ONCE = 1_000  # bars; a long time away is caught up with in portions


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedBars:
    """Bars in a row, shape (n, 6), up to `end` (ms UTC, not included); `waiting` for a minute.

    Bars that the venue has no candle for are not among the rows, and are none that is waited for.
    """

    rows: NDArray[np.float64]
    end: int
    waiting: str | None = None


async def closed_bars(
    prices: PriceRepository, symbol: Symbol, timeframe: Timeframe, start: int, until: int
) -> ClosedBars:
    """Those that open from `start` on and have closed by `until`, both ms UTC.

    The first that misses a minute, and all after it, wait until the minute is there or known to be
    the venue's own hole. Raises NotRegistered.
    """
    end = min(timeframe.floor(until), start + _AT_ONCE * timeframe.length)
    if end <= start:
        return ClosedBars(rows=np.empty((0, 6)), end=start)
    waiting = None
    coverage = await prices.coverage(symbol, Span(start, end), digest=False)
    if coverage.missing:
        minute = coverage.missing[0].start
        end = timeframe.floor(minute)
        told = datetime.fromtimestamp(minute / 1000, UTC).isoformat(timespec="minutes")
        waiting = f"the candle of {told} is missing"
    if end <= start:
        return ClosedBars(rows=np.empty((0, 6)), end=start, waiting=waiting)
    rows = await prices.columns(symbol, Span(start, end), timeframe)
    return ClosedBars(rows=rows, end=end, waiting=waiting)
