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


_PATIENCE = 8  # tries for symbols that fail while others do not; beats go on with those


class CandleGaps:
    """Calls `collect` (a PriceFetcher's) after a gap, and again until no symbol of it failed.

    Symbols that go on failing while the venue answers for others are left to the beats.
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
        self._filling: set[Symbol] = set()
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
            "candle_gaps_open": len(self._open | self._filling),
            "candles_fetched": self._stored,
        }

    async def run(self) -> None:
        """Fill until cancelled."""
        while True:
            await self._reported.wait()
            self._reported.clear()
            await self._fill()

    async def _fill(self) -> None:
        backoff, tries = Backoff(self._retry), 0
        while self._open:
            self._filling, self._open = self._open, set()
            failed, answers = await self._failed()
            self._filling = set()
            tries = tries + 1 if answers else 0
            if not failed or tries == _PATIENCE:
                self._filled += 1
                continue
            self._open |= failed
            await self._clock.sleep(backoff.next())

    async def _failed(self) -> tuple[set[Symbol], bool]:
        """Collect up to the minute that closed last.

        Returns the symbols of the gap that failed, and whether the venue answers for any at all.
        """
        minute = floor_minute(self._clock.milliseconds())
        try:
            collected = await self._collect(datetime.fromtimestamp(minute / 1000, UTC))
        except TradingError as error:
            log.warning("missed candles not collected", error=str(error))
            return self._filling, False
        self._stored += collected.stored
        return self._filling & collected.failed.keys(), collected.error is None
