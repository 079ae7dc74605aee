"""What the venue has on record of a USD-M account, whoever did it; all reads."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from trading_system.domain.instruments import Symbol
from trading_system.domain.reports import Balance, VenueFill, VenueOrder
from trading_system.exchange.futures import translate
from trading_system.exchange.gateway import Gateway
from trading_system.exchange.listing import Listing
from trading_system.exchange.record_pages import RecordPages
from trading_system.exchange.record_rows import readable
from trading_system.exchange.translate import Json, understood
from trading_system.resilience.limits import Priority

_WINDOW_MS = 7 * 86_400_000 - 1  # no question may span a week or more


class FuturesRecords:
    """AccountRecords over the gateway, asked with this priority; long lists give way to orders.

    Contracts that are not listed (deliveries) are left out.
    """

    def __init__(
        self, gateway: Gateway, listing: Listing, priority: Priority = Priority.ORDERS
    ) -> None:
        self._gateway = gateway
        self._listing = listing
        self._priority = priority
        self._pages = RecordPages(gateway, window_ms=_WINDOW_MS)

    async def open_orders(self) -> list[VenueOrder]:
        """Every open order of the account, those that wait for a trigger too."""
        await self._listing.instruments()
        plain = await self._gateway.read("openOrders", signed=True, priority=self._priority)
        algo = await self._gateway.read("openAlgoOrders", signed=True, priority=self._priority)
        with understood(state_changing=False):
            return [
                *await readable(plain, lambda row: self._listed(row, translate.venue_order)),
                *await readable(algo, lambda row: self._listed(row, translate.venue_algo_order)),
            ]

    async def orders(self, symbol: Symbol, *, since: datetime) -> list[VenueOrder]:
        """Every order of the symbol placed from then on, ended ones too, ascending."""
        name = self._name(symbol)
        plain = self._pages.rows("allOrders", name, since, identity="orderId", first="orderId")
        algo = self._pages.rows("allAlgoOrders", name, since, identity="algoId", first="algoId")

        def read_algo(row: Json) -> VenueOrder | None:
            # One that was triggered is told of by the order that it became.
            if translate.triggered_order(row) is not None:
                return None
            return translate.venue_algo_order(row, symbol)

        found = [
            *await readable(
                [row async for row in plain], lambda row: translate.venue_order(row, symbol)
            ),
            *await readable([row async for row in algo], read_algo),
        ]
        return sorted(found, key=lambda order: order.created_at)

    async def fills(self, symbol: Symbol, *, since: datetime) -> list[VenueFill]:
        """Every execution of the symbol from then on, ascending."""
        rows = self._pages.rows(
            "userTrades", self._name(symbol), since, identity="id", first="fromId"
        )
        return await readable(
            [row async for row in rows], lambda row: translate.venue_fill(row, symbol)
        )

    async def balances(self) -> list[Balance]:
        """The wallets; `locked` is what serves as margin."""
        rows = await self._gateway.read("balance", signed=True, priority=self._priority)
        with understood(state_changing=False):
            return translate.balances(rows)

    def _listed(self, row: Json, read: Callable[[Json, Symbol], VenueOrder]) -> VenueOrder | None:
        symbol = self._listing.known_symbol(row["symbol"])
        return None if symbol is None else read(row, symbol)

    def _name(self, symbol: Symbol) -> str:
        """Of one that is not listed any more too: what happened in it did happen."""
        return self._listing.known_venue_id(symbol) or f"{symbol.base}{symbol.quote}"
