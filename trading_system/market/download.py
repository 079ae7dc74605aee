"""Pages of one symbol, fetched concurrently; what arrives together is stored together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence

from trading_system.domain.candles import MINUTE, Candle, Span
from trading_system.domain.instruments import Symbol
from trading_system.market.pages import PAGE_MINUTES, Page
from trading_system.ports import MarketData, PriceRepository


class Download:
    """Fetches pages of a symbol; `requests` bounds how many are under way here and elsewhere.

    `on_stored` is awaited with the number of new candles after each transaction.
    """

    def __init__(
        self,
        *,
        market_data: MarketData,
        prices: PriceRepository,
        symbol: Symbol,
        requests: asyncio.Semaphore,
        on_stored: Callable[[int], Awaitable[None]],
    ) -> None:
        self._market_data = market_data
        self._prices = prices
        self._symbol = symbol
        self._requests = requests
        self._on_stored = on_stored
        self._arrived: list[Candle] = []
        self._new = 0
        self._storing = asyncio.Lock()
        self._looking_ahead = asyncio.Lock()
        self._empty_until = 0

    async def fetch(self, pages: Sequence[Page], *, concurrency: int) -> None:
        """Ask for every page and store what comes; raises the first failure.

        A failure ends one worker while the others go on: a page that always fails costs only
        itself, and a venue that is down one request a worker.
        """
        remaining = iter(pages)
        workers = (self._work(remaining, pages[-1].span.end) for _ in pages[:concurrency])
        for outcome in await asyncio.gather(*workers, return_exceptions=True):
            if outcome is not None:
                raise outcome

    async def _work(self, remaining: Iterator[Page], end: int) -> None:
        for page in remaining:
            if page.span.end > self._empty_until and not await self._fetch(page):
                await self._look_ahead(page.span.end, end)

    async def _fetch(self, page: Page) -> bool:
        """Ask for the page, as often as it holds answers; tells whether there was anything."""
        start, new = page.span.start, page.missing
        while start < page.span.end:
            candles = await self._ask(Span(start, page.span.end))
            if candles:
                await self._store(candles, min(new, len(candles)))
                new -= min(new, len(candles))
            if len(candles) < PAGE_MINUTES:
                return bool(candles) or start > page.span.start
            start = candles[-1].open_time + MINUTE
        return True

    async def _look_ahead(self, start: int, end: int) -> None:
        """After an empty page find where candles begin: years before a listing cost one request."""
        async with self._looking_ahead:
            if self._empty_until < start < end:
                candles = await self._ask(Span(start, end))
                self._empty_until = candles[0].open_time if candles else end

    async def _ask(self, span: Span) -> list[Candle]:
        async with self._requests:
            return await self._market_data.candles(self._symbol, span)

    async def _store(self, candles: list[Candle], new: int) -> None:
        """Leave them for the next transaction; who waited for the last one finds them stored."""
        self._arrived += candles
        self._new += new
        async with self._storing:
            if self._arrived:
                batch, self._arrived = self._arrived, []
                stored, self._new = self._new, 0
                await self._prices.upsert({self._symbol: batch})
                await self._on_stored(stored)
