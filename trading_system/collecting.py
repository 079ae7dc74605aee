"""The part of the composition root that gets candles, and plays over them: one line an object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trading_system.bus import Bus
from trading_system.exchange.market_data import BinanceMarketData
from trading_system.market.backfill import BackfillService
from trading_system.market.fetcher import OnCandles, PriceFetcher
from trading_system.market.heartbeat import HeartbeatScheduler
from trading_system.market.live_candles import LiveCandles
from trading_system.market.registry import SymbolRegistry
from trading_system.market.repair import GapRepair
from trading_system.ports import Clock
from trading_system.research.backtest_queue import BacktestQueue
from trading_system.research.fetching import Fetcher, Histories, StoredMinutes
from trading_system.research.history_cache import HistoryCache
from trading_system.storage.backfills import Backfills
from trading_system.storage.beats import Beats
from trading_system.storage.prices import Prices
from trading_system.storage.symbols import Symbols
from trading_system.streaming import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectingOptions:
    """How far back a new symbol is fetched, when a beat is due after its minute, and the folders.

    `strategies` has users' own strategies, `results` what backtests came to, `cache` their candles.
    """

    first_minutes: int
    buffer_seconds: float
    results: Path
    cache: Path
    strategies: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Collecting:
    """All that asks for candles, and what keeps it going."""

    registry: SymbolRegistry
    backfills: BackfillService
    backtests: BacktestQueue
    candles: LiveCandles
    fetcher: PriceFetcher
    heartbeat: HeartbeatScheduler
    tasks: Mapping[str, Run]


def collecting(
    market_data: BinanceMarketData,
    history: BinanceMarketData,
    *,
    symbols: Symbols,
    prices: Prices,
    beats: Beats,
    jobs: Backfills,
    on_candles: OnCandles,
    clock: Clock,
    bus: Bus,
    options: CollectingOptions,
) -> Collecting:
    """Build it; `history` is asked for the past, `on_candles` hears of what each beat stored."""
    backfills = BackfillService(market_data=history, prices=prices, jobs=jobs, clock=clock)
    registry = SymbolRegistry(
        symbols=symbols,
        market_data=market_data,
        backfills=backfills,
        clock=clock,
        backfill_minutes=options.first_minutes,
    )
    missing = Fetcher(backfills=registry, jobs=backfills, clock=clock)
    backtests = BacktestQueue(
        candles=Histories(
            StoredMinutes(prices=prices, fetch=missing.fetch),
            clock=clock,
            cache=HistoryCache(options.cache),
        ),
        folder=options.results,
        strategies=options.strategies,
        clock=clock,
    )
    repair = GapRepair(symbols=symbols, prices=prices, backfills=backfills, clock=clock)
    candles = LiveCandles(prices=prices, clock=clock, bus=bus)
    fetcher = PriceFetcher(
        market_data=market_data,
        symbols=symbols,
        prices=prices,
        clock=clock,
        first_minutes=options.first_minutes,
        on_stored=candles.prove,
        on_candles=on_candles,
    )
    heartbeat = HeartbeatScheduler(
        clock=clock,
        beats=beats,
        collect=fetcher.collect,
        buffer_seconds=options.buffer_seconds,
    )
    return Collecting(
        registry=registry,
        backfills=backfills,
        backtests=backtests,
        candles=candles,
        fetcher=fetcher,
        heartbeat=heartbeat,
        tasks={
            "backfills": backfills.run,
            "backtests": backtests.run,
            "gap repair": repair.run,
            "heartbeat": heartbeat.run,
        },
    )
