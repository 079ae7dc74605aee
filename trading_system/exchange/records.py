"""What the account has on record there, whoever placed it: orders, executions, balances."""

from __future__ import annotations

from datetime import datetime

import structlog

from trading_system.domain.instruments import Symbol
from trading_system.domain.reports import Balance, VenueFill, VenueOrder
from trading_system.exchange import translate
from trading_system.exchange.gateway import Gateway
from trading_system.exchange.listing import Listing
from trading_system.exchange.record_pages import RecordPages
from trading_system.exchange.record_rows import readable, venue_fill, venue_order
from trading_system.resilience.limits import Priority

log = structlog.get_logger(__name__)

_WINDOW_MS = 86_400_000  # no question may span more; Binance's -1127


class BinanceRecords:
    """AccountRecords over the gateway, asked with this priority.

    Long lists always give way to orders, as candles do.
    """

    def __init__(
        self, gateway: Gateway, listing: Listing, priority: Priority = Priority.ORDERS
    ) -> None:
        self._gateway = gateway
        self._listing = listing
        self._priority = priority
        self._pages = RecordPages(gateway, window_ms=_WINDOW_MS)

    async def open_orders(self) -> list[VenueOrder]:
        """Every open order of the account, in one call of weight 80.

        Asked symbol by symbol it would weigh less with few of them, but miss what somebody else
        has placed in others. What lies in a symbol that is not listed is left out and logged.
        """
        symbols = {
            instrument.venue_id: symbol
            for symbol, instrument in (await self._listing.instruments()).items()
        }
        rows = await self._gateway.read("openOrders", signed=True, priority=self._priority)
        unlisted: set[str] = set()

        def read(row: translate.Json) -> VenueOrder | None:
            name = row["symbol"]
            if name not in symbols:
                unlisted.add(name)
                return None
            return venue_order(row, symbols[name])

        with translate.understood(state_changing=False):
            found = await readable(rows, read)
        if unlisted:
            log.warning("open orders in symbols that are not listed", symbols=sorted(unlisted))
        return found

    async def orders(self, symbol: Symbol, *, since: datetime) -> list[VenueOrder]:
        """Every order of the symbol placed from then on, ended ones too, ascending."""
        rows = self._pages.rows(
            "allOrders", self._name(symbol), since, identity="orderId", first="orderId"
        )
        return await readable([row async for row in rows], lambda row: venue_order(row, symbol))

    async def fills(self, symbol: Symbol, *, since: datetime) -> list[VenueFill]:
        """Every execution of the symbol from then on, ascending."""
        rows = self._pages.rows(
            "myTrades", self._name(symbol), since, identity="id", first="fromId"
        )
        return await readable([row async for row in rows], lambda row: venue_fill(row, symbol))

    async def balances(self) -> list[Balance]:
        """Assets with a free or locked amount."""
        answer = await self._gateway.read(
            "account", signed=True, priority=self._priority, omitZeroBalances="true"
        )
        with translate.understood(state_changing=False):
            return translate.balances(answer)

    def _name(self, symbol: Symbol) -> str:
        """Of one that is not listed any more too: what happened in it did happen."""
        return self._listing.known_venue_id(symbol) or f"{symbol.base}{symbol.quote}"
