"""Positions and leverage of a USD-M account."""

from __future__ import annotations

from trading_system.domain.instruments import Symbol
from trading_system.domain.reports import VenuePosition
from trading_system.exchange.futures import translate
from trading_system.exchange.gateway import Gateway
from trading_system.exchange.listing import Listing
from trading_system.exchange.translate import understood


class FuturesDerivatives:
    """Derivatives over the gateway; contracts that are not listed (deliveries) are left out."""

    def __init__(self, gateway: Gateway, listing: Listing) -> None:
        self._gateway = gateway
        self._listing = listing

    async def positions(self) -> list[VenuePosition]:
        """Every position that is open; the venue tells symbols with mere orders too."""
        await self._listing.instruments()
        rows = await self._gateway.read("positionRisk", signed=True)
        with understood(state_changing=False):
            told = [
                translate.position(row, symbol)
                for row in rows
                if (symbol := self._listing.known_symbol(row["symbol"]))
            ]
        return [position for position in told if position.quantity]

    async def set_leverage(self, symbol: Symbol, leverage: int) -> int:
        """What the venue then says it is; raises UnknownSymbol, Rejected, OutcomeUnknown."""
        venue_id = await self._listing.venue_id(symbol)
        answer = await self._gateway.change(
            "leverage", method="POST", symbol=venue_id, leverage=leverage
        )
        with understood(state_changing=True):
            return int(answer["leverage"])
