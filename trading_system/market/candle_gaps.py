"""Candles that the streams missed, collected at once instead of with the next beat.

It takes the heartbeat's own way, so what it stores is what a beat would have stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime

import structlog

from trading_system.domain.candles import floor_minute
from trading_system.domain.errors import TradingError
from trading_system.domain.instruments import Symbol
from trading_system.market.fetcher import Collected
from trading_system.ports import Clock
from trading_system.resilience.retry import Backoff, RetryPolicy

log = structlog.get_logger(__name__)


_PATIENCE = 8  # tries in which only some failed; beats go on with those


class CandleGaps:
    """Calls `collect` (a PriceFetcher's) after a gap, and again until no symbol of it failed.

    Where the venue answers for others but for some not, it stops after a few tries: what a symbol
    lacks is asked for by every beat anyway.
    """

    def __init__(
        self,
        *,
        collect: Callable[[datetime], Awaitable[Collected]],
        clock: Clock,
        retry: RetryPolicy | None = None,
    ) -> None:
        self._collect = collect
        self._clock = clock
        self._retry = retry or RetryPolicy()
        self._open: set[Symbol] = set()
        self._reported = asyncio.Event()
        self._seen = 0
        self._filled = 0
        self._stored = 0

    def on_gap(self, symbols: Collection[Symbol], since_ms: int) -> None:
        """Candles of these symbols may have been missed since then (our clock)."""
        log.info("stream gap", symbols=len(symbols), since_ms=since_ms)
        self._seen += 1
        self._open.update(symbols)
        self._reported.set()

    def figures(self) -> dict[str, int]:
        """Gaps reported, fills that ended well, symbols still open, candles stored by fills."""
        return {
            "candle_gaps": self._seen,
            "candle_gaps_filled": self._filled,
            "candle_gaps_open": len(self._open),
            "candles_fetched": self._stored,
        }

    async def run(self) -> None:
        """Fill until cancelled."""
        while True:
            await self._reported.wait()
            await self._fill()
            self._filled += 1

    async def _fill(self) -> None:
        backoff, tries = Backoff(self._retry), 0
        while self._open:
            self._reported.clear()
            symbols, self._open = self._open, set()
            failed = await self._failing(symbols)
            tries += 1
            if not failed or (failed < symbols and tries > _PATIENCE):
                continue
            self._open |= failed
            await self._clock.sleep(backoff.next())

    async def _failing(self, symbols: set[Symbol]) -> set[Symbol]:
        """Collect up to the minute that closed last; returns those of `symbols` that failed."""
        minute = floor_minute(self._clock.milliseconds())
        try:
            collected = await self._collect(datetime.fromtimestamp(minute / 1000, UTC))
        except TradingError as error:
            log.warning("missed candles not collected", error=str(error))
            return symbols
        self._stored += collected.stored
        return symbols & collected.failed.keys()
