"""What of the account is whose: the parts of its positions that strategies hold by their own fills.

Says nothing of what is really there: sold by hand, or withdrawn, it is still somebody's here.
"""

from __future__ import annotations

from uuid import UUID

from trading_system.domain.mandates import Stake
from trading_system.ports import MandateRepository, OwnOrders
from trading_system.trader.views import ALIVE
from trading_system.trader.wallets import Wallets


class Stakes:
    """Folds of fills, brought up to date when asked for."""

    def __init__(self, *, mandates: MandateRepository, own: OwnOrders, wallets: Wallets) -> None:
        self.wallets = wallets
        """Of all mandates, what has ended too."""
        self._mandates = mandates
        self._own = own

    async def all(self) -> list[Stake]:
        """Of every mandate that was not deleted, newest first; raises StorageError."""
        return [
            Stake(mandate_id=mandate.id, symbol=position.symbol, quantity=position.quantity)
            for mandate in await self._mandates.all(ALIVE)
            for position in (await self.wallets.of(mandate.id)).positions
            if position.quantity
        ]

    async def owner(self, order_id: UUID) -> UUID | None:
        """The mandate that an order is of, or that its stop guards; None for all others."""
        return await self._own.owner(order_id)
