"""Calls for the past are passed on to the exchange that is mirrored, and told to the letter.

What asks for the present of one symbol waits until that is known; all else is this exchange's own.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, cast
from urllib.parse import parse_qsl, urlencode

from trading_system.simulator.arguments import Arguments
from trading_system.simulator.calls import Away, Call, Told, refused
from trading_system.simulator.endpoints.table import ENDPOINTS, Endpoint
from trading_system.simulator.mirror.origin import Origin
from trading_system.simulator.model import Refused

_ROOT = "/api/v3/"
_PASSED = {
    _ROOT + path
    for path in (
        *("klines", "uiKlines", "trades", "historicalTrades", "aggTrades", "avgPrice"),
        *("ticker", "ticker/24hr", "ticker/tradingDay", "ticker/price", "ticker/bookTicker"),
    )
}
_PRESENT = {_ROOT + "depth", _ROOT + "ticker/bookTicker"}
_KLINES = {_ROOT + "klines", _ROOT + "uiKlines"}
_CHANGES = {"POST", "PUT"}
_MOST_PAGES = 512
_CLOSE_TIME = 6
_USUAL_LIMIT = 500
_SETTLED = 60_000  # ms: a candle may be told before its last trade is in it
_OK = 200


class Symbols(Protocol):
    """What waits for a symbol; see mirror.Mirror."""

    def ready(self, symbol: str) -> Awaitable[None]: ...


class Passing:
    """Prepares every call before it is answered; `clock` tells ms UTC.

    A call waits at most `patience` seconds for a symbol that has only just begun to be listened to.
    """

    def __init__(
        self, origin: Origin, symbols: Symbols, clock: Callable[[], int], *, patience: float
    ) -> None:
        self._patience = patience
        self._origin = origin
        self._symbols = symbols
        self._clock = clock
        self._pages: OrderedDict[tuple[str, str], Told] = OrderedDict()

    async def prepare(self, call: Call) -> Told | None:
        """What the other exchange says to it; None where that is nothing to ask there."""
        endpoint = ENDPOINTS.get((call.method, call.path))
        if endpoint is None:
            return None
        values = dict(parse_qsl(f"{call.query}&{call.body}", keep_blank_values=True))
        symbol = values.get("symbol")
        if symbol is not None and (call.method in _CHANGES or call.path in _PRESENT):
            try:
                async with asyncio.timeout(self._patience):
                    await self._symbols.ready(symbol)
            except KeyError:
                return None  # the venue says that it is not listed
            except (TimeoutError, Away):
                return refused(Away()) if call.method == "GET" else None  # the venue is closed
            return None
        if call.method != "GET" or call.path not in _PASSED:
            return None
        return await self._passed_on(call, endpoint, values)

    async def _passed_on(self, call: Call, endpoint: Endpoint, values: dict[str, str]) -> Told:
        # Of what was sent only what the endpoint reads: keys and signatures stay here.
        query = urlencode({name: value for name, value in values.items() if name in endpoint.reads})
        if (call.path, query) in self._pages:
            self._pages.move_to_end((call.path, query))
            return self._pages[call.path, query]
        try:
            weight = endpoint.weigh(Arguments.parse(query, ""))
            told = await self._origin.told(call.path, query, weight=weight)
            if call.path in _KLINES and told.status == _OK and self._is_final(told, values):
                self._pages[call.path, query] = told
        except Refused as refusal:
            return refused(refusal)
        if len(self._pages) > _MOST_PAGES:
            self._pages.popitem(last=False)
        return told

    def _is_final(self, told: Told, values: dict[str, str]) -> bool:
        """Whether these candles are closed and no other ones can ever join them."""
        rows = cast("list[list[Any]]", told.result())
        settled = self._clock() - _SETTLED
        if not rows or rows[-1][_CLOSE_TIME] >= settled:
            return False
        full = "startTime" in values and len(rows) == int(values.get("limit", _USUAL_LIMIT))
        return full or int(values.get("endTime", settled)) < settled
