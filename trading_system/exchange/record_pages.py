"""Long lists of the account's record, page by page, without a row left out or told twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import structlog

from trading_system.domain.errors import Unreadable
from trading_system.exchange.gateway import Gateway
from trading_system.exchange.translate import Json
from trading_system.resilience.limits import Priority

log = structlog.get_logger(__name__)

_PAGE = 1_000


class RecordPages:
    """Asks over the gateway, giving way to orders as candles do; no question spans more than this.

    Errors of the gateway pass through; rows are as the venue wrote them, those without an id left
    out.
    """

    def __init__(self, gateway: Gateway, *, window_ms: int) -> None:
        self._gateway = gateway
        self._window_ms = window_ms

    async def rows(
        self, path: str, venue_id: str, since: datetime, *, identity: str, first: str
    ) -> AsyncIterator[Json]:
        """Rows from a time on: window by window until there is one, from that one on by its id.

        Ids grow with time, so nothing is left out where a page ends within a millisecond. `first`
        is the parameter of the id to begin with, `identity` where a row has it.
        """
        start, now = round(since.timestamp() * 1000), self._gateway.venue_milliseconds()
        page, is_full = list[Json](), False
        while not page and start <= now:
            end = start + self._window_ms
            page, is_full = await self._page(
                path, identity, symbol=venue_id, startTime=start, endTime=end
            )
            start = end + 1
        told: set[tuple[object, object]] = set()
        while page:
            fresh = [row for row in page if (row[identity], row.get("orderId")) not in told]
            told = {(row[identity], row.get("orderId")) for row in page}
            for row in fresh:
                yield row
            if not fresh or (not is_full and start > now):
                return
            # Once more the last one: both sides of a trade with oneself have the same id.
            start, number = now + 1, page[-1][identity]
            page, is_full = await self._page(path, identity, symbol=venue_id, **{first: number})

    async def _page(self, path: str, identity: str, **which: object) -> tuple[list[Json], bool]:
        """The rows, and whether there may be more of them."""
        rows = await self._gateway.read(
            path, signed=True, priority=Priority.CANDLES, limit=_PAGE, **which
        )
        if not isinstance(rows, list):
            raise Unreadable(f"{path} is no list")
        page = [row for row in rows if isinstance(row, dict) and identity in row]
        if len(page) < len(rows):
            log.warning("rows without an id are left out", path=path, rows=len(rows) - len(page))
        return page, len(rows) >= _PAGE


async def trades_of(
    gateway: Gateway, path: str, venue_id: str, order_id: object, *, priority: Priority
) -> list[Json]:
    """Every execution of one order, ascending; without a first id only the latest are told."""
    trades, first = list[Json](), 0
    while True:
        page = await gateway.read(
            path,
            signed=True,
            priority=priority,
            symbol=venue_id,
            orderId=order_id,
            fromId=first,
            limit=_PAGE,
        )
        trades += page
        if len(page) < _PAGE:
            return trades
        first = page[-1]["id"] + 1
