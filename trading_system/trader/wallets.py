"""Sub-wallets: what each mandate's own fills have left it of its capital, and what they bought.

Folds over the fills of its orders in the order in which they were booked: cash and quantities are
sums, which a late fill changes as any other does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import Side
from trading_system.domain.positions import Fold, Position
from trading_system.ports import OwnFill, OwnOrders

_NOTHING = Decimal(0)


@dataclass(slots=True, kw_only=True)
class Wallet:
    """What fills have done: `spent` of the quote asset, net, and positions by symbol.

    Fees in base or quote are in both. One that is paid in a third asset, which the wallet does not
    hold, is in the fees of the position alone.
    """

    may_short: bool
    spent: Decimal = _NOTHING
    folds: dict[Symbol, Fold] = field(default_factory=dict)

    def add(self, row: OwnFill) -> None:
        """Count one more fill."""
        symbol, fill, side = row.recorded.symbol, row.recorded.fill, Side(row.recorded.side)
        fold = self.folds.setdefault(symbol, Fold(symbol, may_short=self.may_short))
        fold.add(side, fill)
        self.spent += fill.quote_quantity if side is Side.BUY else -fill.quote_quantity
        if fill.fee_asset == symbol.quote:
            self.spent += fill.fee

    def position(self, symbol: Symbol) -> Position:
        """What was made of the symbol."""
        fold = self.folds.get(symbol)
        return Position(symbol=symbol) if fold is None else fold.position

    @property
    def positions(self) -> list[Position]:
        """Of every symbol ever traded, sorted."""
        return [self.folds[symbol].position for symbol in sorted(self.folds)]

    def value(self, prices: Mapping[Symbol, Decimal]) -> Decimal | None:
        """What is held, in quote; None where the price of a part is not known."""
        held = [each for each in self.positions if each.quantity]
        if any(each.symbol not in prices for each in held):
            return None
        return sum((each.value(prices[each.symbol]) for each in held), _NOTHING)


class Wallets:
    """The wallet of every mandate, brought up to date when asked for."""

    def __init__(self, own: OwnOrders, *, may_short: bool) -> None:
        self._own = own
        self._may_short = may_short
        self._wallets: dict[UUID, Wallet] = {}
        self._counted = 0
        self._one_at_a_time = asyncio.Lock()

    async def of(self, mandate_id: UUID) -> Wallet:
        """As the record is now; raises StorageError."""
        async with self._one_at_a_time:
            self._counted, new = await self._own.fills(self._counted)
            for row in new:
                self._wallet(row.mandate_id).add(row)
        return self._wallet(mandate_id)

    def _wallet(self, mandate_id: UUID) -> Wallet:
        return self._wallets.setdefault(mandate_id, Wallet(may_short=self._may_short))
