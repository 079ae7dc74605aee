"""What strategies count on and the account has: capital, given away once, and what they hold."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from uuid import UUID

from trading_system.domain.errors import NotAllowed, NotHeld
from trading_system.domain.instruments import Symbol
from trading_system.domain.mandates import Mandate
from trading_system.domain.reports import Balance, VenuePosition
from trading_system.ports import MandateRepository
from trading_system.trader.stakes import Stakes
from trading_system.trader.views import ALIVE

_NOTHING = Decimal(0)


class Capital:
    """Says whether capital is free; whoever gives it away holds `alone` until that is on record.

    `positions` tells what is held on margin, and is None where the balances do; `ready` returns
    once our record is known to be the venue's.
    """

    def __init__(
        self,
        *,
        mandates: MandateRepository,
        stakes: Stakes,
        balances: Callable[[], Awaitable[list[Balance]]],
        positions: Callable[[], Awaitable[list[VenuePosition]]] | None,
        ready: Callable[[], Awaitable[None]],
    ) -> None:
        self.alone = asyncio.Lock()
        self._mandates = mandates
        self._stakes = stakes
        self._wallets = stakes.wallets
        self._balances = balances
        self._positions = positions
        self._ready = ready

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
                f"{_told(wanted)} {quote} are more than the "
                f"{_told(max(free - promised, _NOTHING))} free: the account has {_told(free)}, of "
                f"which strategies may spend {_told(promised)}"
            )

    async def require_spent_less(self, mandate: Mandate) -> None:
        """Raise NotAllowed for a mandate that has spent more than its capital."""
        if await self._left(mandate) < 0:
            spent = (await self._wallets.of(mandate.id)).spent
            raise NotAllowed(f"it has spent {_told(spent)} {mandate.quote} of its capital")

    async def require_held(self, mandate: Mandate) -> None:
        """Raise NotHeld while the account has less than strategies hold of what this one trades.

        Somebody has sold or withdrawn it, and whoever sells first would sell what is another's.
        Raises ExchangeError while the venue does not tell what there is.
        """
        traded = set(map(self._thing, mandate.symbols))
        believed: defaultdict[str, dict[UUID, Decimal]] = defaultdict(dict)
        for stake in await self._stakes.all():
            if (thing := self._thing(stake.symbol)) in traded:
                of_it = believed[thing]
                of_it[stake.mandate_id] = of_it.get(stake.mandate_id, _NOTHING) + stake.quantity
        if not believed:
            return
        await self._ready()
        there = await self._there()
        for thing, holders in sorted(believed.items()):
            total, has = sum(holders.values(), _NOTHING), there.get(thing, _NOTHING)
            missing = abs(total) - (has if total > 0 else -has)
            if missing > 0:
                who = ", ".join(f"{quantity:f} by {each}" for each, quantity in holders.items())
                raise NotHeld(
                    f"the account has {has:f} of {thing}, {missing:f} less than strategies hold "
                    f"by their own fills ({who}): bring that back, or delete those strategies and "
                    "make them anew"
                )

    def _thing(self, symbol: Symbol) -> str:
        """What there must be enough of: the asset, or on margin the position."""
        return symbol.base if self._positions is None else str(symbol)

    async def _there(self) -> Mapping[str, Decimal]:
        if self._positions is None:
            return {each.asset: each.free + each.locked for each in await self._balances()}
        return {str(each.symbol): each.quantity for each in await self._positions()}

    async def _left(self, mandate: Mandate) -> Decimal:
        return mandate.capital - (await self._wallets.of(mandate.id)).spent


def _told(amount: Decimal) -> str:
    """As people write it: products of prices and fees have many noughts behind."""
    return f"{round(amount, 8).normalize():f}"
