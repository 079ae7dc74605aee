"""Finds minutes that no beat could fetch and has them backfilled, so that no gap stays unexplained.

A beat asks from the newest candle on, so a minute the venue served too late, or never, is behind it
for good: the backfill asks again and confirms what is the venue's own hole.
"""

from __future__ import annotations

import structlog

from trading_system.domain.candles import MINUTE, Span, floor_minute
from trading_system.domain.errors import TradingError
from trading_system.market.backfill import BackfillService
from trading_system.ports import Clock, PriceRepository, RegisteredSymbol, SymbolRepository

log = structlog.get_logger(__name__)

_SETTLED = 5 * MINUTE  # younger minutes are the heartbeat's


class GapRepair:
    """Looks through the last `reach_minutes` of every active symbol, every `interval` seconds."""

    def __init__(
        self,
        *,
        symbols: SymbolRepository,
        prices: PriceRepository,
        backfills: BackfillService,
        clock: Clock,
        interval: float = 900.0,
        reach_minutes: int = 1_440,
    ) -> None:
        self._symbols = symbols
        self._prices = prices
        self._backfills = backfills
        self._clock = clock
        self._interval = interval
        self._reach = reach_minutes * MINUTE

    async def run(self) -> None:
        """Until cancelled; what fails is looked at again the next time."""
        while True:
            await self._clock.sleep(self._interval)
            try:
                await self.repair()
            except TradingError as error:
                log.warning("gaps could not be looked for", error=str(error))

    async def repair(self) -> int:
        """Start a backfill for each symbol with an unexplained gap; returns how many."""
        end = floor_minute(self._clock.milliseconds()) - _SETTLED
        active = await self._symbols.all(active=True)
        return sum([await self._started(each, end) for each in active])

    async def _started(self, registered: RegisteredSymbol, end: int) -> bool:
        stored = await self._prices.bounds(registered.symbol)
        start = max(stored.start, end - self._reach) if stored else end
        if start >= end:
            return False
        coverage = await self._prices.coverage(registered.symbol, Span(start, end), digest=False)
        if not coverage.missing:
            return False
        gap = Span(coverage.missing[0].start, coverage.missing[-1].end)
        log.warning("gap found", symbol=str(registered.symbol), minutes=gap.minutes)
        await self._backfills.start(registered.symbol, gap)
        return True
