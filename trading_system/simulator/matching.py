"""What a taker would get, before anything happens: a plan, made by looking only.

The plan is the truth: nothing can come between making it and carrying it out. It decides fills,
their order and what self-trade prevention does to whom; it moves no money.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from enum import Enum, auto
from typing import NamedTuple

from trading_system.simulator.model import Order
from trading_system.simulator.self_trades import SelfTradePrevention, mode_of


class Offer(NamedTuple):
    """Something to trade with at a price; no maker: the feed's market offers it."""

    price: Decimal
    quantity: Decimal
    maker: Order | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One meeting: a trade of `quantity`, or with `prevention` what is done instead of it."""

    offer: Offer
    quantity: Decimal
    prevention: SelfTradePrevention = SelfTradePrevention.NONE


class End(Enum):
    """Why a taker stopped."""

    SATISFIED = auto()
    LIQUIDITY = auto()
    MONEY = auto()
    SELF_TRADE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The steps in order, and the totals of their trades."""

    steps: list[Step]
    end: End
    base: Decimal
    quote: Decimal

    @property
    def meets(self) -> Decimal:
        """Base traded and base prevented by decrement together."""
        return self.base + sum(s.quantity for s in self.steps if s.prevention.decrements)


def plan(
    taker: Order,
    offers: Iterable[Offer],
    *,
    quantity: Decimal | None,
    money: Decimal | None,
    lot: Decimal,
    cent: Decimal,
) -> Plan:
    """Walk the offers until `quantity` (base) or `money` (quote) is used up; None is no bound.

    Amounts bounded by money are whole lots; quote amounts are whole cents.
    """
    steps: list[Step] = []
    gone: set[int] = set()
    base = quote = Decimal(0)
    end = End.LIQUIDITY
    for offer in offers:
        if offer.maker is not None and offer.maker.order_id in gone:
            continue
        amount = _bite(offer, quantity, money, lot)
        if not amount:
            end = End.MONEY
            break
        step = Step(offer=offer, quantity=amount, prevention=_prevention(taker, offer))
        steps.append(step)
        if step.prevention.expires_taker:
            end = End.SELF_TRADE
            break
        if offer.maker is not None and step.prevention.expires_maker:
            gone.add(offer.maker.order_id)
            continue
        cost = to_cents(offer.price * amount, cent)
        quantity = None if quantity is None else quantity - amount
        money = None if money is None else money - cost
        if step.prevention is SelfTradePrevention.NONE:
            base, quote = base + amount, quote + cost
        if quantity is not None and not quantity:
            end = End.SATISFIED
            break
        if money is not None and (not money or amount < offer.quantity):
            end = End.MONEY
            break
    return Plan(steps=steps, end=end, base=base, quote=quote)


def to_cents(amount: Decimal, cent: Decimal) -> Decimal:
    """A quote amount as it is booked: cut to the smallest unit of the asset."""
    return amount.quantize(cent, rounding=ROUND_DOWN)


def _bite(offer: Offer, quantity: Decimal | None, money: Decimal | None, lot: Decimal) -> Decimal:
    amount = offer.quantity if quantity is None else min(quantity, offer.quantity)
    if money is None:
        return amount
    affordable = money / offer.price
    return min(amount, affordable - affordable % lot)


def _prevention(taker: Order, offer: Offer) -> SelfTradePrevention:
    """The mode in effect between orders of one account; others simply trade."""
    if offer.maker is None or offer.maker.account != taker.account:
        return SelfTradePrevention.NONE
    return mode_of(taker=taker.stp, maker=offer.maker.stp)
