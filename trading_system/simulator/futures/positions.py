"""The arithmetic of positions and margin: pure, exact, without any order or account.

Quantities are in base asset, positive long and negative short; money is in the margin asset.
Formulas: Binance's "How to calculate cost required to open a position" and position information.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal

from trading_system.simulator.model import Side

MAKER_RATE = Decimal("0.0002")
TAKER_RATE = Decimal("0.0005")
_CENT = Decimal(1).scaleb(-8)
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What is held of one symbol; `realised` is the profit of all time before commissions."""

    amount: Decimal = _ZERO
    entry_price: Decimal = _ZERO
    realised: Decimal = _ZERO
    updated: int = 0

    @property
    def break_even_price(self) -> Decimal:
        """The entry price with a taker's commission on it, as recorded positions have it."""
        direction = (self.amount > 0) - (self.amount < 0)
        return self.entry_price * (1 + direction * TAKER_RATE)

    def profit_at(self, price: Decimal) -> Decimal:
        """What closing all of it at this price would realise."""
        return cents(self.amount * (price - self.entry_price))

    def facing(self, side: Side) -> Decimal:
        """How much an order of this side could reduce."""
        against = -self.amount if side is Side.BUY else self.amount
        return max(against, _ZERO)

    def after(self, side: Side, price: Decimal, quantity: Decimal, now: int) -> Position:
        """The position after one fill: what faces it is closed first, the rest opens anew."""
        signed = quantity if side is Side.BUY else -quantity
        closed = min(self.facing(side), quantity)
        direction = -1 if side is Side.BUY else 1
        realised = cents(direction * closed * (price - self.entry_price))
        amount = self.amount + signed
        entry = self.entry_price
        if not amount:
            entry = _ZERO
        elif closed < quantity:
            kept = _ZERO if closed else self.amount
            entry = (kept * self.entry_price + (amount - kept) * price) / amount
        return replace(
            self,
            amount=amount,
            entry_price=entry,
            realised=self.realised + realised,
            updated=now,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """What a position and the open orders of its symbol bind at a price and a leverage.

    `bids` and `asks` are what those orders are worth at their own prices.
    """

    position: Position
    mark: Decimal
    leverage: int
    bids: Decimal = _ZERO
    asks: Decimal = _ZERO

    @property
    def notional(self) -> Decimal:
        return self.position.amount * self.mark

    @property
    def worst_notional(self) -> Decimal:
        """The larger of what it would be once all bids, or all asks, have filled."""
        return max(abs(self.notional + self.bids), abs(self.notional - self.asks))

    @property
    def initial(self) -> Decimal:
        return cents(self.worst_notional / self.leverage)

    @property
    def of_position(self) -> Decimal:
        return cents(abs(self.notional) / self.leverage)

    @property
    def of_orders(self) -> Decimal:
        return self.initial - self.of_position

    @property
    def maintenance(self) -> Decimal:
        return maintenance(abs(self.notional))

    @property
    def unrealised(self) -> Decimal:
        return self.position.profit_at(self.mark)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bracket:
    """Up to `cap` this leverage is allowed; `cumulative` makes maintenance continuous."""

    leverage: int
    floor: Decimal
    cap: Decimal
    rate: Decimal
    cumulative: Decimal


def _brackets() -> tuple[Bracket, ...]:
    """One table for every symbol, of the size that large pairs have."""
    rows = (
        *((125, 50_000, "0.004"), (100, 600_000, "0.005"), (50, 12_000_000, "0.01")),
        *((20, 100_000_000, "0.025"), (10, 230_000_000, "0.05"), (5, 480_000_000, "0.1")),
        *((2, 1_200_000_000, "0.25"), (1, 1_800_000_000, "0.5")),
    )
    brackets: list[Bracket] = []
    floor = rate = cumulative = _ZERO
    for leverage, cap, next_rate in rows:
        cumulative += floor * (Decimal(next_rate) - rate)
        rate = Decimal(next_rate)
        brackets.append(
            Bracket(
                leverage=leverage, floor=floor, cap=Decimal(cap), rate=rate, cumulative=cumulative
            )
        )
        floor = Decimal(cap)
    return tuple(brackets)


BRACKETS = _brackets()
MOST_LEVERAGE = BRACKETS[0].leverage


def largest_notional(leverage: int) -> Decimal:
    """What a position may be worth at this leverage."""
    return max(bracket.cap for bracket in BRACKETS if bracket.leverage >= leverage)


def maintenance(notional: Decimal) -> Decimal:
    """The margin below which a position of this worth would be liquidated."""
    bracket = next((each for each in BRACKETS if notional <= each.cap), BRACKETS[-1])
    return cents(notional * bracket.rate - bracket.cumulative)


def commission(price: Decimal, quantity: Decimal, *, maker: bool) -> Decimal:
    """What a fill costs."""
    return cents(price * quantity * (MAKER_RATE if maker else TAKER_RATE))


def cents(amount: Decimal) -> Decimal:
    """An amount as it is booked: rounded to the smallest unit of the margin asset."""
    return amount.quantize(_CENT, rounding=ROUND_HALF_UP)
