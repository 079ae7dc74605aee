"""Reads the venue's record and ours, as far as they may differ, and lays them side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta

import structlog

from trading_system.domain.errors import UnknownSymbol
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import Order, OrderStatus
from trading_system.domain.reports import VenueFill, VenueOrder
from trading_system.execution.adoption import foreign_id
from trading_system.execution.reconciliation import Comparison, compare
from trading_system.ports import (
    AccountRecords,
    Clock,
    MarketData,
    OrderRepository,
    RecordedFill,
    SymbolRepository,
)

log = structlog.get_logger(__name__)

_OPEN = frozenset(status for status in OrderStatus if not status.is_final)
_LOOKS_BACK = timedelta(days=1)
_AT_ONCE = 100  # rows to be worked on before whatever else runs gets its turn
_MANY = 10_000


class Survey:
    """Looks at the symbols of our newest orders, of open orders there, and of assets that moved.

    Each symbol weighs so much that not all can be read. What somebody else has done and ended in
    another one shows in the balances: its asset, as `asset_of` tells, is then to be named.
    Candles may come from another venue: of the registered symbols those count that `market_data`,
    of the venue that trades, lists.
    """

    def __init__(
        self,
        *,
        orders: OrderRepository,
        clock: Clock,
        symbols: SymbolRepository,
        market_data: MarketData,
        asset_of: Callable[[Symbol], str] = lambda symbol: symbol.base,
    ) -> None:
        self._orders = orders
        self._clock = clock
        self._symbols = symbols
        self._market_data = market_data
        self._asset_of = asset_of
        self._delisted: set[Symbol] = set()

    async def now(self) -> datetime:
        """By the venue's clock, which its record is dated by; raises ExchangeError."""
        return datetime.fromtimestamp(await self._market_data.server_time() / 1000, UTC)

    async def compare(
        self, records: AccountRecords, since: datetime, assets: Collection[str] = ()
    ) -> Comparison:
        """What these tell beyond our record, of what was placed or traded from then on.

        Raises ExchangeError. The venue is read before our own record: what it shows of ours was
        saved before it was sent, so that no order of ours is taken for a stranger's.
        """
        shown = await records.open_orders()
        fills: list[VenueFill] = []
        symbols = await self._orders.symbols(since) | {each.symbol for each in shown}
        for symbol in sorted(symbols | await self._moving(assets)):
            try:
                placed = await records.orders(symbol, since=since)
                traded = await records.fills(symbol, since=since)
            except UnknownSymbol:
                self._miss(symbol)
                continue
            shown += placed
            fills += traded
        return await self._beside_ours(shown, fills)

    async def glance(self, records: AccountRecords) -> Comparison:
        """What open orders alone tell, in one call however many there are; raises ExchangeError."""
        return await self._beside_ours(await records.open_orders(), [])

    async def _beside_ours(self, shown: list[VenueOrder], fills: list[VenueFill]) -> Comparison:
        ours = await self._ours(shown, fills)
        our_fills = await self._fills_of(ours, fills)
        if len(shown) + len(fills) <= _AT_ONCE:
            return compare(ours, our_fills, shown, fills)
        return await asyncio.to_thread(compare, ours, our_fills, shown, fills)

    async def _moving(self, assets: Collection[str]) -> set[Symbol]:
        """Symbols that may have moved these: what is registered, and what ever was ordered."""
        if not assets:
            return set()
        registered = {each.symbol for each in await self._symbols.all(active=True)}
        registered &= (await self._market_data.instruments()).keys()
        known = registered | await self._orders.symbols()
        return {symbol for symbol in known if self._asset_of(symbol) in assets}

    def _miss(self, symbol: Symbol) -> None:
        if symbol not in self._delisted:
            log.warning("a symbol is listed no more", symbol=str(symbol))
            self._delisted.add(symbol)

    async def _ours(self, shown: list[VenueOrder], fills: list[VenueFill]) -> list[Order]:
        """What our record has to be compared with these."""
        ours = await self._orders.all(statuses=_OPEN, limit=_MANY)
        ours += await self._orders.short_of_fills(self._clock.now() - _LOOKS_BACK)
        for start in range(0, len(shown), _AT_ONCE):
            some = shown[start : start + _AT_ONCE]
            ours += await self._orders.among(
                # Both: its client id may be that of another order on our record.
                client_order_ids={each.report.client_order_id for each in some},
                ids={foreign_id(each) for each in some},
            )
        named = {(each.symbol, each.report.venue_order_id) for each in shown}
        named |= {(order.request.symbol, order.venue_order_id) for order in ours}
        traded = {(fill.symbol, fill.venue_order_id) for fill in fills}
        ours += await self._orders.among(venue_order_ids=traded - named)
        return list({order.id: order for order in ours}.values())

    async def _fills_of(self, ours: list[Order], fills: list[VenueFill]) -> list[RecordedFill]:
        traded = {(fill.symbol, fill.venue_order_id) for fill in fills}
        return [
            row
            for order in ours
            if order.executed_quantity or (order.request.symbol, order.venue_order_id) in traded
            for row in await self._orders.fills(order_id=order.id, limit=_MANY)
        ]
