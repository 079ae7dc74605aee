"""Long lists of the account's record, page by page, without a row left out or told twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from trading_system.exchange.gateway import Gateway
from trading_system.exchange.translate import Json
from trading_system.resilience.limits import Priority

_PAGE = 1_000


class RecordPages:
    """Asks over the gateway, giving way to orders as candles do; no question spans more than this.

    Errors of the gateway pass through; rows are as the venue wrote them.
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
        page: list[Json] = []
        while not page and start <= now:
            end = start + self._window_ms
            page = await self._page(path, symbol=venue_id, startTime=start, endTime=end)
            start = end + 1
        told: set[tuple[object, object]] = set()
        while page:
            fresh = [row for row in page if (row[identity], row.get("orderId")) not in told]
            told = {(row[identity], row.get("orderId")) for row in page}
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
