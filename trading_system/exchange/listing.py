"""What the venue lists, asked for seldom and remembered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Mapping

import structlog

from trading_system.domain.errors import ExchangeError, UnknownSymbol
from trading_system.domain.instruments import Instrument, Symbol
from trading_system.exchange import translate
from trading_system.exchange.gateway import Gateway
from trading_system.ports import Clock
from trading_system.resilience.limits import Priority

log = structlog.get_logger(__name__)

_SECONDS = 3_600.0
_MISSED_SECONDS = 300.0  # while something that is followed is not listed
_AGAIN_SECONDS = 60.0
_BATCH = 100
_NEVER = float("-inf")


class Listing:
    """The venue's instruments, asked for at most once an hour.

    `read` makes them of the answer; `selects` is whether the venue can be asked about some alone.
    """

    def __init__(
        self,
        gateway: Gateway,
        clock: Clock,
        *,
        read: Callable[[translate.Json], dict[Symbol, Instrument]] = translate.instruments,
        selects: bool = True,
    ) -> None:
        self._gateway = gateway
        self._clock = clock
        self._read = read
        self._selects = selects
        self._instruments: Mapping[Symbol, Instrument] = {}
        self._asked_at = _NEVER
        self._loading = asyncio.Lock()

    async def instruments(self) -> Mapping[Symbol, Instrument]:
        """Everything listed; the last known listing while it cannot be asked for anew.

        Raises ExchangeError before it was read for the first time.
        """
        async with self._loading:
            if self._clock.monotonic() - self._asked_at > _SECONDS:
                try:
                    await self._load()
                except ExchangeError as error:
                    if not self._instruments:
                        raise
                    log.warning("the listing stays as it was", error=str(error))
                    self._asked_at = self._clock.monotonic() - _SECONDS + _AGAIN_SECONDS
        return self._instruments

    async def _load(self) -> None:
        answer = await self._gateway.read("exchangeInfo")
        # Thousands of symbols take longer to read than the loop may stand still.
        with translate.understood(state_changing=False):
            self._instruments = await asyncio.to_thread(self._read, answer)
        self._asked_at = self._clock.monotonic()

    async def recheck(self, symbols: Collection[Symbol]) -> None:
        """Ask about these alone, which is little to read; ExchangeError.

        When one of them is listed no more, everything is asked for with the next `instruments`;
        while it is not, every five minutes, for it may come back.
        """
        missed = any(symbol not in self._instruments for symbol in symbols)
        if missed and self._clock.monotonic() - self._asked_at > _MISSED_SECONDS:
            self._asked_at = _NEVER
        if not self._selects:
            async with self._loading:
                await self._load()
            return
        names = sorted(filter(None, map(self.known_venue_id, symbols)))
        for start in range(0, len(names), _BATCH):
            batch = json.dumps(names[start : start + _BATCH], separators=(",", ":"))
            try:
                answer = await self._gateway.read(
                    "exchangeInfo", priority=Priority.CANDLES, symbols=batch
                )
            except UnknownSymbol:
                self._asked_at = _NEVER
                return
            with translate.understood(state_changing=False):
                self._instruments = {**self._instruments, **self._read(answer)}

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

    def known_symbol(self, venue_id: str) -> Symbol | None:
        """The symbol that had this name by the last listing."""
        return next(
            (symbol for symbol, each in self._instruments.items() if each.venue_id == venue_id),
            None,
        )
