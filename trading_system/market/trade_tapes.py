"""The public trades of traded symbols, whole: what a stream missed is fetched by id.

On the bus the trades of a traded symbol ascend without gap, so newer ones wait for missing ones. A
gap is forgotten only when it is filled, or when the venue keeps saying that it has nothing for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from typing import NamedTuple

import structlog

from trading_system.bus import Bus
from trading_system.domain.errors import InvalidRequest, Rejected, TradingError
from trading_system.domain.instruments import Symbol
from trading_system.domain.market import CandleUpdate, Trade
from trading_system.market.keepers import Keepers
from trading_system.market.trade_tape import TradeTape
from trading_system.ports import Clock, MarketData
from trading_system.resilience.retry import Backoff, RetryPolicy

log = structlog.get_logger(__name__)

_PAGE = 1_000  # a full page may have more behind it
_PATIENCE = 8  # answers without what is missing; with the pauses between them about two minutes
_LATE_SECONDS = 5.0  # trades come as they happen, so this is no delay but a standstill


class TradeTapes:
    """Keeps a TradeTape of each followed symbol and fills it while `run` runs."""

    def __init__(
        self,
        *,
        market_data: MarketData,
        clock: Clock,
        bus: Bus,
        at_once: int = 4,
        retry: RetryPolicy | None = None,
    ) -> None:
        self._market_data = market_data
        self._clock = clock
        self._bus = bus
        self._retry = retry or RetryPolicy()
        self._kept: dict[Symbol, _Kept] = {}
        self._keepers = Keepers(self._keep)
        self._slots = asyncio.Semaphore(at_once)
        self._gaps = 0
        self._filled = 0
        self._fetched = 0
        self._given_up = 0

    def follow(self, symbols: Collection[Symbol]) -> None:
        """Keep the trades of exactly these symbols whole."""
        self._kept = {symbol: self._kept.get(symbol) or _Kept(symbol) for symbol in symbols}
        self._keepers.want(self._kept.values())

    def on_trade(self, trade: Trade) -> None:
        """Publish it when its turn has come; a jump of the ids before it starts a fill."""
        kept = self._kept.get(trade.symbol)
        if kept is None:
            self._bus.publish(trade)
            return
        was_whole = not kept.tape.is_waiting
        self._publish(kept.tape.add(trade))
        if was_whole and kept.tape.is_waiting:
            self._gaps += 1
            log.warning("trades missing", symbol=str(trade.symbol), trades=kept.tape.missing)
            kept.gap.set()

    def on_candle(self, update: CandleUpdate) -> None:
        """A candle that counts later trades than were heard: those have to come soon.

        A stream of trades that stopped by itself says nothing; that of the candles goes on.
        """
        kept, counted = self._kept.get(update.symbol), update.last_trade_id
        if kept is None or kept.tape.next_id is None or counted is None or kept.is_open:
            return
        now = self._clock.monotonic()
        if kept.awaited and kept.tape.next_id > kept.awaited.id:
            kept.awaited = None
        if kept.awaited is None and counted >= kept.tape.next_id:
            kept.awaited = _Awaited(counted, now + _LATE_SECONDS)
        elif kept.awaited and now >= kept.awaited.until:
            log.warning("trades stand still", symbol=str(update.symbol))
            kept.awaited = None
            self.on_gap([update.symbol])

    def on_gap(self, symbols: Collection[Symbol]) -> None:
        """Trades of these symbols may have been missed since the last one heard."""
        for symbol in symbols:
            if (kept := self._kept.get(symbol)) and kept.tape.next_id is not None:
                self._gaps += 1
                kept.gap.set()

    def figures(self) -> dict[str, int]:
        """Gaps seen, filled and open, trades fetched for them, and those given up as lost."""
        return {
            "trade_gaps": self._gaps,
            "trade_gaps_filled": self._filled,
            "trade_gaps_open": sum(kept.is_open for kept in self._kept.values()),
            "trades_fetched": self._fetched,
            "trades_given_up": self._given_up,
        }

    async def run(self) -> None:
        """Fill what is missing until cancelled."""
        await self._keepers.run()

    async def _keep(self, kept: _Kept) -> None:
        while True:
            await kept.gap.wait()
            await self._fill(kept)
            self._filled += 1

    async def _fill(self, kept: _Kept) -> None:
        """Fetch page by page until nothing is missing, however long the venue does not answer."""
        backoff, useless = Backoff(self._retry), 0
        while kept.gap.is_set() or kept.tape.is_waiting:
            kept.gap.clear()  # one that is reported while the venue is asked makes another round
            try:
                helped = await self._fetch(kept)
                useless = 0 if helped else useless + 1
            except (InvalidRequest, Rejected) as error:
                log.warning("missed trades refused", symbol=str(kept.symbol), error=str(error))
                helped, useless = False, useless + 1
            except TradingError as error:
                log.warning("missed trades not fetched", symbol=str(kept.symbol), error=str(error))
                kept.gap.set()
                helped = False
            if useless == _PATIENCE:
                self._give_up(kept)
                useless = 0
            if helped:
                backoff.reset()
            else:
                await self._clock.sleep(backoff.next())

    async def _fetch(self, kept: _Kept) -> bool:
        """Ask for what comes next; False when that brought nothing although something waits."""
        if kept.tape.next_id is None:
            return True
        async with self._slots:
            page = await self._market_data.trades(kept.symbol, first_id=kept.tape.next_id)
        self._fetched += len(page)
        self._publish(kept.tape.fill(page))
        if len(page) >= _PAGE:
            kept.gap.set()
        return bool(page) or not kept.tape.is_waiting

    def _give_up(self, kept: _Kept) -> None:
        self._given_up += kept.tape.missing
        log.error("trades given up", symbol=str(kept.symbol), trades=kept.tape.missing)
        self._publish(kept.tape.give_up())

    def _publish(self, trades: Iterable[Trade]) -> None:
        for trade in trades:
            self._bus.publish(trade)


class _Awaited(NamedTuple):
    """The trade of this id is to come until then, in monotonic seconds."""

    id: int
    until: float


class _Kept:
    """A followed symbol: its tape, and whether a gap was reported that is not being filled yet."""

    __slots__ = ("awaited", "gap", "symbol", "tape")

    def __init__(self, symbol: Symbol) -> None:
        self.symbol = symbol
        self.tape = TradeTape()
        self.awaited: _Awaited | None = None
        self.gap = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Something may be missing."""
        return self.gap.is_set() or self.tape.is_waiting
