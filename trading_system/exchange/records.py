"""What the account has on record there, whoever placed it: orders, executions, balances."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import structlog

from trading_system.domain.instruments import Symbol
from trading_system.domain.reports import Balance, VenueFill, VenueOrder
from trading_system.exchange import translate
from trading_system.exchange.gateway import Gateway
from trading_system.exchange.listing import Listing
from trading_system.exchange.record_rows import venue_fill, venue_order
from trading_system.exchange.translate import Json
from trading_system.resilience.limits import Priority

log = structlog.get_logger(__name__)

_PAGE = 1_000
_WINDOW_MS = 86_400_000  # no question may span more; Binance's -1127


class BinanceRecords:
    """AccountRecords over the gateway; long lists give way to orders, as candles do."""

    def __init__(self, gateway: Gateway, listing: Listing) -> None:
        self._gateway = gateway
        self._listing = listing

    async def open_orders(self) -> list[VenueOrder]:
        """Every open order of the account, in one call of weight 80.

        Asked symbol by symbol it would weigh less with few of them, but miss what somebody else
        has placed in others. What lies in a symbol that is not listed is left out and logged.
        """
        symbols = {
            instrument.venue_id: symbol
            for symbol, instrument in (await self._listing.instruments()).items()
        }
        rows = await self._gateway.read("openOrders", signed=True)
        with translate.understood(state_changing=False):
            unlisted = {row["symbol"] for row in rows} - symbols.keys()
            if unlisted:
                log.warning("open orders in symbols that are not listed", symbols=sorted(unlisted))
            return [
                venue_order(row, symbols[row["symbol"]])
                for row in rows
                if row["symbol"] not in unlisted
            ]

    async def orders(self, symbol: Symbol, *, since: datetime) -> list[VenueOrder]:
        """Every order of the symbol placed from then on, ended ones too, ascending."""
        rows = self._rows("allOrders", symbol, since, identity="orderId", first="orderId")
        with translate.understood(state_changing=False):
            return [venue_order(row, symbol) async for row in rows]

    async def fills(self, symbol: Symbol, *, since: datetime) -> list[VenueFill]:
        """Every execution of the symbol from then on, ascending."""
        rows = self._rows("myTrades", symbol, since, identity="id", first="fromId")
        with translate.understood(state_changing=False):
            return [venue_fill(row, symbol) async for row in rows]

    async def balances(self) -> list[Balance]:
        """Assets with a free or locked amount."""
        answer = await self._gateway.read("account", signed=True, omitZeroBalances="true")
        with translate.understood(state_changing=False):
            return translate.balances(answer)

    async def _rows(
        self, path: str, symbol: Symbol, since: datetime, *, identity: str, first: str
    ) -> AsyncIterator[Json]:
        """Rows from a time on: day by day until there is one, and from that one on by its id.

        Ids grow with time, so nothing is left out where a page ends within a millisecond. `first`
        is the parameter of the id to begin with, `identity` where a row has it.
        """
        venue_id = self._listing.known_venue_id(symbol) or f"{symbol.base}{symbol.quote}"
        start, now = round(since.timestamp() * 1000), self._gateway.venue_milliseconds()
        page: list[Json] = []
        while not page and start <= now:
            end = start + _WINDOW_MS
            page = await self._page(path, symbol=venue_id, startTime=start, endTime=end)
            start = end + 1
        told: set[tuple[int, int]] = set()
        while page:
            fresh = [row for row in page if (row[identity], row["orderId"]) not in told]
            told = {(row[identity], row["orderId"]) for row in page}
            for row in fresh:
                yield row
            if not fresh or (len(page) < _PAGE and start > now):
                return
            # Once more the last one: both sides of a trade with oneself have the same id.
            start, number = now + 1, page[-1][identity]
            page = await self._page(path, symbol=venue_id, **{first: number})

    async def _page(self, path: str, **which: object) -> list[Json]:
        rows: list[Json] = await self._gateway.read(
            path, signed=True, priority=Priority.CANDLES, limit=_PAGE, **which
        )
        return rows
