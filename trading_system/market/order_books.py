"""An order book of every traded symbol, kept in step with the venue by its changes.

One snapshot at a time for a symbol and a few at a time in all, with growing pauses between
failures: a venue that stumbles is not stormed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection
from typing import NamedTuple

import structlog

from trading_system.bus import Bus
from trading_system.domain.errors import TradingError
from trading_system.domain.events import BookChanged
from trading_system.domain.instruments import Symbol
from trading_system.domain.market import BookUpdate, OrderBook, Quote
from trading_system.market.keepers import Keepers
from trading_system.market.local_book import BookGap, LocalBook
from trading_system.ports import Clock, MarketData
from trading_system.resilience.retry import Backoff, RetryPolicy

log = structlog.get_logger(__name__)

_BUFFERED = 5_000  # changes of one symbol; at ten a second some eight minutes
_LATE_SECONDS = 5.0  # changes come every 100 ms, so this is no delay but a standstill
_SHALLOW = 0.1  # of the snapshot's levels; a book that knows fewer for sure is taken anew
_STEADY_SECONDS = 60.0  # in sync for so long, and the next failure begins at the first pause again


class OrderBooks:
    """Keeps a LocalBook of each followed symbol; `run` takes the snapshots.

    `depth` levels a side make a snapshot. BookChanged is published when a book falls out of step or
    comes back, and otherwise every `tell_seconds` while it moves. A book that quotes have left
    behind for five seconds is out of step: its stream stands still. It is taken anew with the first
    change that is heard again.
    """

    def __init__(
        self,
        *,
        market_data: MarketData,
        clock: Clock,
        bus: Bus,
        depth: int = 1_000,
        at_once: int = 2,
        tell_seconds: float = 0.25,
        retry: RetryPolicy | None = None,
    ) -> None:
        self._market_data = market_data
        self._clock = clock
        self._bus = bus
        self._depth = depth
        self._tell_seconds = tell_seconds
        self._retry = retry or RetryPolicy()
        self._kept: dict[Symbol, _Kept] = {}
        self._moved: set[Symbol] = set()
        self._keepers = Keepers(self._keep)
        self._slots = asyncio.Semaphore(at_once)
        self._gaps = 0
        self._snapshots = 0

    def follow(self, symbols: Collection[Symbol]) -> None:
        """Keep books of exactly these symbols."""
        self._kept = {symbol: self._kept.get(symbol) or _Kept(symbol) for symbol in symbols}
        self._moved &= self._kept.keys()
        self._keepers.want(self._kept.values())

    def on_update(self, update: BookUpdate) -> None:
        """Apply what the stream told, or keep it until there is a snapshot to apply it to."""
        kept = self._kept.get(update.symbol)
        if kept is None:
            return
        if kept.book is None:
            kept.buffer.append(update)
            kept.work.set()
            return
        try:
            changed = kept.book.apply(update)
        except BookGap as gap:
            self._gaps += 1
            log.warning("book out of step", symbol=str(update.symbol), gap=str(gap))
            self._lose(kept)
            kept.buffer.append(update)
            kept.work.set()
            return
        if changed:
            self._moved.add(update.symbol)
            if kept.awaited and kept.book.update_id >= kept.awaited.update_id:
                kept.awaited = None

    def on_quote(self, quote: Quote) -> None:
        """A quote of a later book than ours: the changes up to it have to come soon."""
        kept = self._kept.get(quote.symbol)
        if kept is None or kept.book is None or kept.awaited is not None:
            return
        if quote.update_id > kept.book.update_id:
            kept.awaited = _Awaited(quote.update_id, self._clock.monotonic() + _LATE_SECONDS)

    def distrust(self, symbols: Collection[Symbol]) -> None:
        """Changes of these symbols were missed, or are not coming: their books begin anew."""
        for symbol in symbols:
            if kept := self._kept.get(symbol):
                kept.distrusted += 1
                kept.work.clear()
                kept.buffer.clear()
                if kept.book is not None:
                    self._lose(kept)

    def top(self, symbol: Symbol, levels: int) -> OrderBook | None:
        """The best levels, best first; None while that much is not known for sure."""
        kept = self._kept.get(symbol)
        if kept is None or kept.book is None:
            return None
        certain = kept.book.certain_levels()
        return kept.book.top(levels) if certain is None or levels <= certain else None

    def figures(self) -> dict[str, object]:
        """How many books are kept and in sync, gaps seen and snapshots taken."""
        return {
            "books": len(self._kept),
            "books_in_sync": sum(kept.book is not None for kept in self._kept.values()),
            "book_gaps": self._gaps,
            "book_snapshots": self._snapshots,
        }

    async def run(self) -> None:
        """Keep every followed symbol's book in step until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tell(), name="book changes")
            tasks.create_task(self._keepers.run(), name="book keepers")

    async def _tell(self) -> None:
        while True:
            await self._clock.sleep(self._tell_seconds)
            self._lose_frozen()
            moved, self._moved = self._moved, set()
            for kept in [self._kept[symbol] for symbol in moved]:
                certain = kept.book.certain_levels() if kept.book else None
                if certain is not None and certain < self._depth * _SHALLOW:
                    log.info("book grew shallow", symbol=str(kept.symbol), levels=certain)
                    self._lose(kept)
                else:
                    self._publish(kept)

    def _lose_frozen(self) -> None:
        """A stream of changes that stopped by itself says nothing; that of the quotes goes on."""
        now = self._clock.monotonic()
        for kept in self._kept.values():
            if kept.awaited and now >= kept.awaited.until:
                self._gaps += 1
                log.warning("book stands still", symbol=str(kept.symbol))
                self._lose(kept)

    async def _keep(self, kept: _Kept) -> None:
        """Take a snapshot whenever there is work, with pauses that grow while it does not help."""
        backoff, pause = Backoff(self._retry), 0.0
        while True:
            # A change comes first: a snapshot taken before the stream began would have a gap.
            await kept.work.wait()
            if self._clock.monotonic() - kept.synced_at > _STEADY_SECONDS:
                backoff.reset()
            elif pause:
                await self._clock.sleep(pause)
            if not kept.work.is_set():
                continue  # distrusted in the pause
            kept.work.clear()
            pause = backoff.next()
            kept.synced_at = float("inf")
            if not await self._synchronise(kept) and kept.buffer:
                kept.work.set()

    async def _synchronise(self, kept: _Kept) -> bool:
        """One snapshot and all that is buffered; False when it must be tried again."""
        distrusted = kept.distrusted
        try:
            async with self._slots:
                snapshot = await self._market_data.book(kept.symbol, levels=self._depth)
        except TradingError as error:
            log.warning("no snapshot of the book", symbol=str(kept.symbol), error=str(error))
            return False
        self._snapshots += 1
        if kept.distrusted != distrusted:
            return False  # the stream it was taken for has ended, and the venue may count anew
        book = LocalBook(snapshot, asked=self._depth)
        while kept.buffer:
            try:
                book.apply(kept.buffer[0])
            except BookGap:
                # Before the first change of the buffer: the snapshot is too old. Inside of it:
                # what came before the gap is of no use to any snapshot.
                return False
            kept.buffer.popleft()
        kept.book = book
        kept.work.clear()
        kept.synced_at = self._clock.monotonic()
        self._publish(kept)
        return True

    def _lose(self, kept: _Kept) -> None:
        self._publish(kept, in_sync=False)
        kept.book = kept.awaited = None
        self._moved.discard(kept.symbol)

    def _publish(self, kept: _Kept, *, in_sync: bool = True) -> None:
        if kept.book is not None:
            self._bus.publish(
                BookChanged(symbol=kept.symbol, update_id=kept.book.update_id, in_sync=in_sync)
            )


class _Awaited(NamedTuple):
    """The book is to reach this id until then, in monotonic seconds."""

    update_id: int
    until: float


class _Kept:
    """A followed symbol: its book while in step, otherwise the changes waiting for a snapshot.

    `synced_at` is infinite unless the last snapshot brought it into step; `distrusted` counts how
    often all that was known had to be thrown away.
    """

    __slots__ = ("awaited", "book", "buffer", "distrusted", "symbol", "synced_at", "work")

    def __init__(self, symbol: Symbol) -> None:
        self.symbol = symbol
        self.book: LocalBook | None = None
        self.awaited: _Awaited | None = None
        self.buffer: deque[BookUpdate] = deque(maxlen=_BUFFERED)
        self.work = asyncio.Event()
        self.synced_at = float("inf")
        self.distrusted = 0
