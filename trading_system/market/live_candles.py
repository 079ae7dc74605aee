"""Closed candles from the streams, stored the moment they close and proven by the heartbeat after.

It only ever appends to the newest stored minute. So "from the last stored candle on" stays all the
heartbeat needs to know, and no stream, however broken, can leave a hole behind.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence

import structlog

from trading_system.bus import Bus
from trading_system.domain.candles import MINUTE, Candle
from trading_system.domain.errors import TradingError
from trading_system.domain.instruments import Symbol
from trading_system.domain.market import CandleUpdate
from trading_system.ports import Clock, PriceRepository

log = structlog.get_logger(__name__)

_REMEMBERED = 10  # minutes of a symbol that wait for their proof


class LiveCandles:
    """Stores what closed within `batch_seconds` in one transaction, then publishes it.

    A closed candle is published once, after it was stored, whether the stream or the heartbeat
    brought it, and once more when the heartbeat corrects it. Candles of symbols without any stored
    minute are published alone: the heartbeat and the backfill begin those.
    """

    def __init__(
        self, *, prices: PriceRepository, clock: Clock, bus: Bus, batch_seconds: float = 0.5
    ) -> None:
        self._prices = prices
        self._clock = clock
        self._bus = bus
        self._batch_seconds = batch_seconds
        self._closed: list[CandleUpdate] = []
        self._heard = asyncio.Event()
        self._told: dict[Symbol, int] = {}  # open time of the newest closed candle published
        self._unproven: defaultdict[Symbol, dict[int, Candle]] = defaultdict(dict)
        self._stored = 0
        self._left = 0
        self._proven = 0
        self._corrected = 0

    def on_update(self, update: CandleUpdate) -> None:
        """Publish an open candle at once, and keep a closed one for the next batch."""
        if not update.closed:
            self._bus.publish(update)
            return
        self._closed.append(update)
        self._heard.set()

    def prove(self, candles: Mapping[Symbol, Sequence[Candle]]) -> int:
        """Compare what REST just told and stored with what the stream had; returns how many differ.

        What the stream never brought is published, but never older than what was.
        """
        corrected = self._corrected
        for symbol, several in candles.items():
            for candle in several if symbol in self._told else several[-1:]:
                self._prove(symbol, candle)
        return self._corrected - corrected

    def figures(self) -> dict[str, object]:
        """Candles stored from the stream, left to the heartbeat, proven and corrected by it."""
        return {
            "candles_streamed": self._stored,
            "candles_left": self._left,
            "candles_proven": self._proven,
            "candles_corrected": self._corrected,
        }

    async def run(self) -> None:
        """Store batches until cancelled."""
        while True:
            await self._heard.wait()
            await self._clock.sleep(self._batch_seconds)
            await self.flush()

    async def flush(self) -> None:
        """Store what has closed; what cannot be stored now is left to the heartbeat."""
        batch, self._closed = self._closed, []
        self._heard.clear()
        batch.sort(key=lambda update: update.candle.open_time)
        try:
            last = await self._prices.last_open_times()
            fitting = _appending(batch, last)
            rows: defaultdict[Symbol, list[Candle]] = defaultdict(list)
            for update in fitting:
                rows[update.symbol].append(update.candle)
            self._stored += await self._prices.upsert(rows)
        except TradingError as error:
            self._left += len(batch)
            log.warning("streamed candles were not stored", error=str(error), candles=len(batch))
            return
        for update in fitting:
            self._await_proof(update.symbol, update.candle)
            self._publish(update)
        strangers = [update for update in batch if update.symbol not in last]
        for update in strangers:
            self._publish(update)
        self._left += len(batch) - len(fitting) - len(strangers)

    def _await_proof(self, symbol: Symbol, candle: Candle) -> None:
        waiting = self._unproven[symbol]
        waiting[candle.open_time] = candle
        if len(waiting) > _REMEMBERED:
            del waiting[min(waiting)]

    def _prove(self, symbol: Symbol, candle: Candle) -> None:
        streamed = self._unproven[symbol].pop(candle.open_time, None)
        if streamed == candle:
            self._proven += 1
            return
        if streamed is not None:
            self._corrected += 1
            log.warning(
                "candle corrected", symbol=str(symbol), streamed=tuple(streamed), now=tuple(candle)
            )
        elif candle.open_time <= self._told.get(symbol, -1):
            return
        now = self._clock.milliseconds()
        self._publish(
            CandleUpdate(
                symbol=symbol,
                candle=candle,
                closed=True,
                time=candle.open_time + MINUTE,
                received_at=now,
            )
        )

    def _publish(self, update: CandleUpdate) -> None:
        self._told[update.symbol] = max(
            update.candle.open_time, self._told.get(update.symbol, update.candle.open_time)
        )
        self._bus.publish(update)


def _appending(batch: Sequence[CandleUpdate], last: Mapping[Symbol, int]) -> list[CandleUpdate]:
    """Those that follow the newest stored minute, or one another after it, in the given order."""
    newest = dict(last)
    fitting = []
    for update in batch:
        if newest.get(update.symbol) == update.candle.open_time - MINUTE:
            newest[update.symbol] = update.candle.open_time
            fitting.append(update)
    return fitting
