"""What of the account no strategy has been promised: capital is given away once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

from trading_system.domain.errors import NotAllowed
from trading_system.domain.mandates import Mandate
from trading_system.domain.reports import Balance
from trading_system.ports import MandateRepository
from trading_system.trader.views import ALIVE
from trading_system.trader.wallets import Wallets

_NOTHING = Decimal(0)


class Capital:
    """Says whether capital is free; whoever gives it away holds `alone` until that is on record."""

    def __init__(
        self,
        *,
        mandates: MandateRepository,
        wallets: Wallets,
        balances: Callable[[], Awaitable[list[Balance]]],
    ) -> None:
        self.alone = asyncio.Lock()
        self._mandates = mandates
        self._wallets = wallets
        self._balances = balances

    async def require_free(self, quote: str, wanted: Decimal) -> None:
        """Raise NotAllowed for more than is free; what others may still spend is not.

        Raises ExchangeError while the venue has not told any balances.
        """
        balances = {each.asset: each.free for each in await self._balances()}
        free, promised = balances.get(quote, _NOTHING), _NOTHING
        for other in await self._mandates.all(ALIVE):
            if other.quote == quote:
                promised += max(await self._left(other), _NOTHING)
        if wanted > free - promised:
            raise NotAllowed(
                f"{wanted:f} {quote} are more than the {max(free - promised, _NOTHING):f} free: "
                f"the account has {free:f}, of which strategies may spend {promised:f}"
            )

    async def require_spent_less(self, mandate: Mandate) -> None:
        """Raise NotAllowed for a mandate that has spent more than its capital."""
        if await self._left(mandate) < 0:
            spent = (await self._wallets.of(mandate.id)).spent
            raise NotAllowed(f"it has spent {spent:f} {mandate.quote} of its capital")

    async def _left(self, mandate: Mandate) -> Decimal:
        return mandate.capital - (await self._wallets.of(mandate.id)).spent
