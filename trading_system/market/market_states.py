"""Judges every followed market every few seconds and says when one behaves differently.

The figures come from what the streams told and from the stored candles; a symbol whose figures
cannot be read keeps its state.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping

import numpy as np
import structlog
from numpy.typing import NDArray

from trading_system.bus import Bus
from trading_system.domain.candles import MINUTE, Span, floor_minute
from trading_system.domain.errors import TradingError
from trading_system.domain.events import MarketStateChanged
from trading_system.domain.instruments import Instrument, Symbol
from trading_system.domain.market import LivePrice, MarketState
from trading_system.domain.timeframes import Timeframe
from trading_system.market.live import LiveMarket
from trading_system.market.states import (
    ATR_CANDLES,
    Figures,
    Standing,
    StateThresholds,
    atr_percent,
    liquidity,
    spread_bps,
    step,
)
from trading_system.ports import Clock, MarketData, PriceRepository

log = structlog.get_logger(__name__)

_MINUTES = Timeframe.parse("1m")
_SLICE = 25  # symbols judged before others get the loop
_ALIVE_SECONDS = 10.0  # the venue is heard while any symbol was within these


class MarketStates:
    """Evaluates all symbols of a LiveMarket every `every_seconds` while `run` runs."""

    def __init__(
        self,
        *,
        live: LiveMarket,
        prices: PriceRepository,
        market_data: MarketData,
        clock: Clock,
        bus: Bus,
        thresholds: StateThresholds | None = None,
        every_seconds: float = 5.0,
        recheck_seconds: float = 60.0,
    ) -> None:
        self._live = live
        self._prices = prices
        self._market_data = market_data
        self._clock = clock
        self._bus = bus
        self._thresholds = thresholds or StateThresholds()
        self._every_seconds = every_seconds
        self._recheck_seconds = recheck_seconds
        self._rechecked_at = float("-inf")
        self._standings: dict[Symbol, Standing] = {}
        self._candles: dict[Symbol, tuple[int, NDArray[np.float64]]] = {}
        self._instruments: Mapping[Symbol, Instrument] = {}

    async def run(self) -> None:
        """Evaluate until cancelled."""
        while True:
            await self._clock.sleep(self._every_seconds)
            await self.evaluate()

    async def evaluate(self) -> None:
        """Judge every followed symbol once."""
        prices = self._live.prices()
        followed = {price.symbol for price in prices}
        try:
            if self._clock.monotonic() - self._rechecked_at > self._recheck_seconds:
                await self._market_data.recheck(followed)
                self._rechecked_at = self._clock.monotonic()
            self._instruments = await self._market_data.instruments()
        except TradingError as error:
            log.warning("states go by the last known listing", error=str(error))
        for forgotten in self._standings.keys() - followed:
            del self._standings[forgotten]
            self._candles.pop(forgotten, None)
        for number, price in enumerate(prices):
            if number % _SLICE == 0:
                await asyncio.sleep(0)
            figures = await self._figures(price)
            if self._live.silence(price.symbol) is None:
                continue  # no longer followed
            self._take(price.symbol, step(self._standing(price.symbol), figures, self._thresholds))

    def standing(self, symbol: Symbol) -> Standing:
        """Where a market stands and why; without a state before it was judged."""
        return self._standing(symbol)

    def figures(self) -> dict[str, int]:
        """How many symbols are in each state."""
        counted = Counter(standing.state for standing in self._standings.values())
        return {f"state_{state.lower()}": counted[state] for state in MarketState}

    def _standing(self, symbol: Symbol) -> Standing:
        return self._standings.get(symbol, Standing())

    def _take(self, symbol: Symbol, after: Standing) -> None:
        before = self._standing(symbol).state
        self._standings[symbol] = after
        if after.state is None or after.state is before:
            return
        self._live.note_state(symbol, after.state)
        log.info("market state", symbol=str(symbol), state=after.state, reason=after.reason)
        self._bus.publish(
            MarketStateChanged(symbol=symbol, before=before, after=after.state, reason=after.reason)
        )

    async def _figures(self, price: LivePrice) -> Figures:
        symbol = price.symbol
        quote = self._live.quote(symbol)
        listed = self._instruments.get(symbol)
        alive = self._live.heard_seconds_ago < _ALIVE_SECONDS
        return Figures(
            # A symbol that is no longer listed cannot be traded either.
            tradable=listed.tradable if listed else not self._instruments,
            atr_percent=atr_percent(await self._minutes(symbol), self._live.running(symbol)),
            spread_bps=spread_bps(quote) if quote else None,
            quote_volume=price.day_quote_volume,
            liquidity=liquidity(quote, price.day_quote_volume, self._thresholds),
            silence_seconds=self._live.silence(symbol) if alive else None,
        )

    async def _minutes(self, symbol: Symbol) -> NDArray[np.float64]:
        """The newest stored candles; read again when a minute has passed."""
        end = floor_minute(self._clock.milliseconds())
        known = self._candles.get(symbol)
        if known and known[0] == end:
            return known[1]
        span = Span(end - (ATR_CANDLES + 1) * MINUTE, end)
        try:
            rows = await self._prices.columns(symbol, span, _MINUTES)
        except TradingError:  # not registered, or storage is busy: judged without
            rows = np.empty((0, 6))
        # The minute that just closed may not be stored yet: the running one makes up for it.
        self._candles[symbol] = end, rows
        return rows
