"""What our fills have made of a symbol: how much is held, what it cost and what it has earned.

`Fold` takes one fill after the other, in the order of the venue's time, and has a position, which
is a value, after each. It knows no prices but those of the fills, and makes no profit up for coins
whose cost it never saw.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal, localcontext
from typing import NamedTuple

from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import Side
from trading_system.domain.reports import Fill

_DIGITS = 60
_GRAIN = Decimal("1E-18")  # what is divided is cut to this, so that the parts add up to the whole
_NOTHING = Decimal(0)


class Lot(NamedTuple):
    """What one fill brought, as far as it is still held; both are negative in a short position."""

    quantity: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What is held of a symbol's base asset, from fills alone; amounts of money are in its quote.

    `quantity` is negative in a short position; `cost` is what was paid for it by the average, which
    is negative too where something was received. `realised` is by average cost, `realised_fifo` by
    lots, first in first out; they agree whenever nothing is held.

    Fees: one in the base asset reduces what is held and so raises its average price, one in the
    quote asset reduces what is realised at once, any other (BNB) is only added up in `fees`.

    `from_before` was sold here without ever having been bought here. Its cost is unknown, so it is
    counted and earns nothing.
    """

    symbol: Symbol
    quantity: Decimal = _NOTHING
    cost: Decimal = _NOTHING
    realised: Decimal = _NOTHING
    realised_fifo: Decimal = _NOTHING
    fees: Mapping[str, Decimal] = field(default_factory=dict)
    from_before: Decimal = _NOTHING
    fills: int = 0
    opened_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def average_price(self) -> Decimal | None:
        """Quote paid, or received, for each unit held; None when nothing is held."""
        return self.cost / self.quantity if self.quantity else None

    def value(self, price: Decimal) -> Decimal:
        """What it is worth in quote; negative when it is owed."""
        return self.quantity * price

    def unrealised(self, price: Decimal) -> Decimal:
        """What closing it at this price would earn, before fees."""
        return self.value(price) - self.cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Equity:
    """What the account is worth in `quote`, and what it was when the UTC day began and at its best.

    `unvalued` are assets held whose price is unknown: they are in no total. `uncounted` are those
    of them that the day's start and the peak never counted either.
    """

    total: Decimal
    quote: str
    day_start: Decimal
    peak: Decimal
    at: datetime
    unvalued: tuple[str, ...] = ()
    uncounted: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """What the total misses that the day's start and the peak may contain: no loss by itself.

        While there is any, the total must not be compared with them.
        """
        return tuple(name for name in self.unvalued if name not in self.uncounted)

    @property
    def drawdown(self) -> Decimal:
        """How far below its peak, as a share of it: 0.1 is ten percent."""
        return (self.peak - self.total) / self.peak if self.peak else _NOTHING


class Fold:
    """One symbol's fills, one after the other; each takes constant time, however much is held.

    A sale of more than is held turns the position into a short one where the venue allows it
    (`may_short`), which on a spot market it does not: there the rest came from before our time.
    """

    def __init__(self, symbol: Symbol, *, may_short: bool = False) -> None:
        self.position = Position(symbol=symbol)
        self._may_short = may_short
        self._lots: deque[Lot] = deque()  # as much as is held, to the last digit; oldest first

    @property
    def lots(self) -> tuple[Lot, ...]:
        """What is held, by the fills that brought it, oldest first."""
        return tuple(self._lots)

    def add(self, side: Side, fill: Fill) -> Decimal:
        """Take one more fill, no older than the last; returns what it realised by average cost."""
        with localcontext(prec=_DIGITS):
            before = self.position.realised
            self._add(side, fill)
            return self.position.realised - before

    def _add(self, side: Side, fill: Fill) -> None:
        position = self.position
        sign = 1 if side is Side.BUY else -1
        change, paid = sign * fill.quantity, sign * fill.quote_quantity
        expense = _NOTHING
        if fill.fee_asset == position.symbol.base:
            change -= fill.fee
        elif fill.fee_asset == position.symbol.quote:
            expense = fill.fee
        if not change:
            expense += paid  # the fee ate all that was bought

        held = position.quantity
        closing = min(abs(change), abs(held)) if held * change < 0 else _NOTHING
        paid_closing = _part(paid, closing, change)
        closed = -closing if held > 0 else closing  # the movement of what is closed
        cost = -_part(position.cost, closing, held)
        lots_cost = self._take(closing)
        opened, paid_opening = change - closed, paid - paid_closing
        opens = bool(opened) and (opened > 0 or self._may_short)
        if opens:
            self._lots.append(Lot(opened, paid_opening))

        quantity = held + closed + (opened if opens else 0)
        fees = position.fees.get(fill.fee_asset, _NOTHING) + fill.fee
        self.position = replace(
            position,
            quantity=quantity,
            cost=position.cost + cost + (paid_opening if opens else 0),
            realised=position.realised - paid_closing + cost - expense,
            realised_fifo=position.realised_fifo - paid_closing - lots_cost - expense,
            fees={**position.fees, fill.fee_asset: fees},
            from_before=position.from_before + (0 if opens else abs(opened)),
            fills=position.fills + 1,
            opened_at=_opened_at(position, quantity, fill.time),
            updated_at=fill.time,
        )

    def _take(self, quantity: Decimal) -> Decimal:
        """Take so much from the oldest lots; returns what the part taken had cost."""
        cost = _NOTHING
        while quantity:
            lot = self._lots.popleft()
            if quantity < abs(lot.quantity):
                part = _part(lot.cost, quantity, lot.quantity)
                rest = lot.quantity - (quantity if lot.quantity > 0 else -quantity)
                self._lots.appendleft(Lot(rest, lot.cost - part))
                return cost + part
            quantity -= abs(lot.quantity)
            cost += lot.cost
        return cost


def _part(whole: Decimal, share: Decimal, of: Decimal) -> Decimal:
    """`whole` * `share` / `of` in absolute terms; all of it exactly where all is asked for."""
    if not share:
        return _NOTHING
    if share == abs(of):
        return whole
    return (whole * share / abs(of)).quantize(_GRAIN)


def _opened_at(position: Position, quantity: Decimal, time: datetime) -> datetime | None:
    if not quantity:
        return None
    return position.opened_at if position.quantity * quantity > 0 else time
