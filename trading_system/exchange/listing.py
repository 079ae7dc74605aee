"""What the venue lists, asked for seldom and remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from trading_system.domain.errors import UnknownSymbol
from trading_system.domain.instruments import Instrument, Symbol
from trading_system.exchange import translate
from trading_system.exchange.gateway import Gateway
from trading_system.ports import Clock

_SECONDS = 3_600.0


class Listing:
    """The venue's instruments, asked for at most once an hour."""

    def __init__(self, gateway: Gateway, clock: Clock) -> None:
        self._gateway = gateway
        self._clock = clock
        self._instruments: Mapping[Symbol, Instrument] = {}
        self._asked_at = float("-inf")
        self._loading = asyncio.Lock()

    async def instruments(self) -> Mapping[Symbol, Instrument]:
        """Everything listed. Raises ExchangeError."""
        async with self._loading:
            if self._clock.monotonic() - self._asked_at > _SECONDS:
                answer = await self._gateway.read("exchangeInfo")
                # Thousands of symbols take longer to read than the loop may stand still.
                self._instruments = await asyncio.to_thread(translate.instruments, answer)
                self._asked_at = self._clock.monotonic()
        return self._instruments

    async def venue_id(self, symbol: Symbol) -> str:
        """The venue's name of a symbol. Raises UnknownSymbol, ExchangeError."""
        listed = await self.instruments()
        if symbol not in listed:
            raise UnknownSymbol(f"the venue lists no {symbol}")
        return listed[symbol].venue_id

    def known_venue_id(self, symbol: Symbol) -> str | None:
        """The same by the last listing alone; None when it had no such symbol, or none was read."""
        instrument = self._instruments.get(symbol)
        return None if instrument is None else instrument.venue_id
