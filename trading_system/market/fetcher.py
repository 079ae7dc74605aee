"""One beat's work: bring every active symbol up to the minute that just closed.

Asks from the last stored candle on, so a missed minute heals itself; never retries, the next beat
does. Every minute is asked for twice, also when a stream has brought it: a venue may tell a candle
before it is final, or have set its clock back since.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from trading_system.domain.candles import MINUTE, Candle, Span, floor_minute
from trading_system.domain.errors import TradingError
from trading_system.domain.instruments import Symbol
from trading_system.ports import Clock, MarketData, PriceRepository, SymbolRepository

log = structlog.get_logger(__name__)

_PAGE = 1_000 * MINUTE
_PAGES_A_BEAT = 3  # of one symbol; the rest is for the next beat, or for a backfill
_TWICE = 2 * MINUTE
_PROOF = 10 * MINUTE  # how far back minutes that REST has not told are still asked for
_PATIENCE_SECONDS = 20.0  # a beat older than this asks for no second page
_REASONS_TOLD = 3

OnCandles = Callable[[Mapping[Symbol, Sequence[Candle]]], object]
"""Is told what was stored of each symbol, oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What a beat brought: rows stored, why symbols failed, each symbol's newest closed candle.

    `error` is set when nothing but failures came back.
    """

    stored: int
    failed: Mapping[Symbol, str]
    candles: Mapping[Symbol, Candle]
    error: str | None = None


class PriceFetcher:
    """Collects closed candles of all active symbols, at most `concurrency` requests at a time.

    A symbol without any candle starts `first_minutes` back. `on_stored` is told what was stored,
    and after it `on_candles`, which trades by it.
    """

    def __init__(
        self,
        *,
        market_data: MarketData,
        symbols: SymbolRepository,
        prices: PriceRepository,
        clock: Clock,
        first_minutes: int,
        concurrency: int = 32,
        on_stored: OnCandles = lambda _: None,
        on_candles: OnCandles = lambda _: None,
    ) -> None:
        self._market_data = market_data
        self._symbols = symbols
        self._prices = prices
        self._clock = clock
        self._first = first_minutes * MINUTE
        self._concurrency = concurrency
        self._on_stored = on_stored
        self._on_candles = on_candles
        self._asked: dict[Symbol, int] = {}  # the end of what REST has told of each

    async def collect(self, minute: datetime) -> Collected:
        """Fetch and store, in one transaction, all closed candles before this full minute.

        One symbol's failure is in `failed` and costs the others nothing. Raises StorageError.
        """
        wanted = await self._wanted(floor_minute(round(minute.timestamp() * 1000)))
        catch = _Catch(started=self._clock.monotonic())
        # Longest last: a symbol far behind does not keep the others waiting.
        remaining = iter(sorted(wanted.items(), key=lambda item: item[1].minutes))
        async with asyncio.TaskGroup() as workers:
            for _ in range(min(self._concurrency, len(wanted))):
                workers.create_task(self._work(remaining, catch))
        stored = await self._prices.upsert(catch.candles)
        self._on_stored(catch.candles)
        self._on_candles(catch.candles)
        if catch.bugs:
            log.error("collecting met a bug", times=len(catch.bugs), exc_info=catch.bugs[0])
        nothing_else = bool(wanted) and len(catch.failed) == len(wanted)
        return Collected(
            stored=stored,
            failed=catch.failed,
            candles={symbol: candles[-1] for symbol, candles in catch.candles.items()},
            error=reasons(catch.failed) if nothing_else else None,
        )

    async def _wanted(self, end: int) -> dict[Symbol, Span]:
        active = await self._symbols.all(active=True)
        last = await self._prices.last_open_times()
        wanted = {}
        for symbol in (each.symbol for each in active):
            if symbol not in last:
                wanted[symbol] = Span(end - self._first, end)
                continue
            unproven = max(self._asked.get(symbol, end), end - _PROOF)
            start = min(last[symbol] + MINUTE, unproven, end - _TWICE)
            wanted[symbol] = Span(start, end)
        return wanted

    async def _work(self, remaining: Iterator[tuple[Symbol, Span]], catch: _Catch) -> None:
        for symbol, span in remaining:
            try:
                await self._fetch(symbol, span, catch)
            except TradingError as error:
                catch.failed[symbol] = str(error)
            except Exception as error:  # noqa: BLE001 -- told with its traceback after the beat
                catch.failed[symbol] = repr(error)
                catch.bugs.append(error)

    async def _fetch(self, symbol: Symbol, span: Span, catch: _Catch) -> None:
        for start in range(span.start, span.end, _PAGE)[:_PAGES_A_BEAT]:
            late = self._clock.monotonic() - catch.started > _PATIENCE_SECONDS
            if late and start > span.start:
                return
            page = Span(start, min(start + _PAGE, span.end))
            if candles := await self._market_data.candles(symbol, page):
                catch.candles.setdefault(symbol, []).extend(candles)
                self._asked[symbol] = candles[-1].open_time + MINUTE


@dataclass(slots=True, kw_only=True)
class _Catch:
    """What the workers of one beat share."""

    started: float
    candles: dict[Symbol, list[Candle]] = field(default_factory=dict)
    failed: dict[Symbol, str] = field(default_factory=dict)
    bugs: list[Exception] = field(default_factory=list)


def reasons(failed: Mapping[Symbol, str]) -> str:
    """Why symbols failed, told once a reason instead of once a symbol."""
    told = Counter(failed.values()).most_common()
    lines = [f"{count} symbols: {reason}" for reason, count in told[:_REASONS_TOLD]]
    if len(told) > _REASONS_TOLD:
        lines.append(f"and {len(told) - _REASONS_TOLD} other")
    return "; ".join(lines)
