"""The symbols whose candles are kept: registering one starts the backfill that fills its past."""

from __future__ import annotations

from dataclasses import dataclass

from trading_system.domain.candles import MINUTE, Span, floor_minute
from trading_system.domain.errors import UnknownSymbol
from trading_system.domain.instruments import Symbol
from trading_system.market.backfill import BackfillService
from trading_system.ports import Backfill, Clock, MarketData, RegisteredSymbol, SymbolRepository


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A registered symbol and the job that fetches its last `backfill_minutes`."""

    registered: RegisteredSymbol
    backfill: Backfill


class SymbolRegistry:
    """Registers symbols the venue lists; deactivated ones keep their candles."""

    def __init__(
        self,
        *,
        symbols: SymbolRepository,
        market_data: MarketData,
        backfills: BackfillService,
        clock: Clock,
        backfill_minutes: int,
    ) -> None:
        self._symbols = symbols
        self._market_data = market_data
        self._backfills = backfills
        self._clock = clock
        self._minutes = backfill_minutes

    async def register(self, symbol: Symbol) -> Registration:
        """Collect its candles from now on, and again after a deactivation.

        Raises UnknownSymbol when the venue does not list it, AlreadyRegistered, and ExchangeError
        when the venue cannot be asked; then nothing is stored.
        """
        if symbol not in await self._market_data.instruments():
            raise UnknownSymbol(f"the venue lists no {symbol}")
        registered = await self._symbols.add(symbol, self._clock.now())
        now = floor_minute(self._clock.milliseconds())
        past = Span(now - self._minutes * MINUTE, now)
        return Registration(
            registered=registered, backfill=await self._backfills.start(symbol, past)
        )

    async def deactivate(self, symbol: Symbol) -> RegisteredSymbol:
        """Stop collecting, keep the data; raises NotRegistered."""
        return await self._symbols.deactivate(symbol)

    async def backfill(self, symbol: Symbol, span: Span) -> Backfill:
        """Start to make a span complete; raises NotRegistered."""
        await self._symbols.get(symbol)
        return await self._backfills.start(symbol, span)

    async def all(self, *, active: bool | None = None) -> list[RegisteredSymbol]:
        """Sorted by symbol; `active` selects."""
        return await self._symbols.all(active=active)
