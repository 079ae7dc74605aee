"""Which symbols to follow: those whose candles we keep, and those we trade.

It only says so when that changes; subscribing is the streams' business.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from trading_system.bus import Bus
from trading_system.domain.errors import TradingError
from trading_system.domain.events import OrderChanged
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import Order, OrderStatus
from trading_system.ports import Clock, OrderRepository, SymbolRepository

log = structlog.get_logger(__name__)

Follow = Callable[[frozenset[Symbol], frozenset[Symbol]], None]
"""Called with the monitored and the traded symbols; must return at once."""

_OPEN = frozenset(status for status in OrderStatus if not status.is_final)
_MANY = 10_000  # orders read at the start, newest first


class Watchlist:
    """Monitored are the active registered symbols; traded those with open or recent orders.

    Recent is an order that changed within `traded_hours`; what is `held` counts as traded too.
    """

    def __init__(
        self,
        *,
        symbols: SymbolRepository,
        orders: OrderRepository,
        clock: Clock,
        bus: Bus,
        follow: Follow,
        held: Callable[[], frozenset[Symbol]] = frozenset,
        poll_seconds: float = 1.0,
        traded_hours: float = 24.0,
    ) -> None:
        self._symbols = symbols
        self._orders = orders
        self._clock = clock
        self._follow = follow
        self._held = held
        self._poll_seconds = poll_seconds
        self._recent = timedelta(hours=traded_hours)
        self._open: defaultdict[Symbol, set[UUID]] = defaultdict(set)
        self._changed: dict[Symbol, datetime] = {}
        self._followed: tuple[frozenset[Symbol], frozenset[Symbol]] | None = None
        self._poked = asyncio.Event()
        bus.subscribe(OrderChanged, self._on_order)

    @property
    def monitored(self) -> frozenset[Symbol]:
        """As last told."""
        return self._followed[0] if self._followed else frozenset()

    @property
    def traded(self) -> frozenset[Symbol]:
        """As last told."""
        return self._followed[1] if self._followed else frozenset()

    def poke(self) -> None:
        """Look now instead of with the next poll."""
        self._poked.set()

    def figures(self) -> dict[str, int]:
        """How many symbols are monitored and traded."""
        return {"monitored": len(self.monitored), "traded": len(self.traded)}

    async def run(self) -> None:
        """Look every `poll_seconds`, and at once when poked or an order changes; until cancelled.

        What cannot be read leaves the sets as they are until the next look.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._poll(), name="watchlist poll")
            known = False
            while True:
                await self._poked.wait()
                self._poked.clear()
                try:
                    if not known:
                        await self._read_orders()
                        known = True
                    await self.look()
                except TradingError as error:
                    log.warning("watchlist not read", error=str(error))

    async def look(self) -> None:
        """Read the registered symbols, and tell when a set is not what it was."""
        registered = await self._symbols.all(active=True)
        monitored = frozenset(each.symbol for each in registered)
        followed = monitored, self._traded()
        if followed != self._followed:
            self._followed = followed
            log.info("watchlist", monitored=len(monitored), traded=len(followed[1]))
            self._follow(*followed)

    async def _poll(self) -> None:
        while True:
            self.poke()
            await self._clock.sleep(self._poll_seconds)

    async def _read_orders(self) -> None:
        """What was open or changed before this program started; events tell of the rest."""
        for order in await self._orders.all(statuses=_OPEN, limit=_MANY):
            self._note(order)
        since = self._clock.now() - self._recent
        for order in await self._orders.all(limit=_MANY):
            if order.updated_at >= since:
                self._note(order)

    def _on_order(self, event: OrderChanged) -> None:
        self._note(event.order)
        if event.order.request.symbol not in self.traded:
            self.poke()

    def _note(self, order: Order) -> None:
        symbol = order.request.symbol
        if order.status.is_final:
            self._open[symbol].discard(order.id)
        else:
            self._open[symbol].add(order.id)
        self._changed[symbol] = max(order.updated_at, self._changed.get(symbol, order.updated_at))

    def _traded(self) -> frozenset[Symbol]:
        since = self._clock.now() - self._recent
        return self._held() | {
            symbol
            for symbol, changed in self._changed.items()
            if changed >= since or self._open[symbol]
        }
