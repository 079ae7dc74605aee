"""Is this order one that somebody would mean: its price, its size, and how many there are already.

An order that only closes passes where its size or its moment is bounded.
"""

from __future__ import annotations

from trading_system.domain.orders import OrderType
from trading_system.risk.facts import Facts
from trading_system.risk.limits import RiskLimits
from trading_system.risk.refusals import Refusal, at_most, plain, unknown

_STOPS = frozenset({OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT})


def price_age(facts: Facts, limits: RiskLimits) -> Refusal | None:
    """An order is judged by the price: a price that nobody has heard of lately judges nothing."""
    age, limit = facts.price_age_seconds, limits.max_price_age_seconds
    if limit is None or facts.closes:
        return None
    if facts.price is None or age is None:
        return Refusal(
            check="price age",
            reason=f"no price of {facts.request.symbol} is known",
            figures={"limit_seconds": limit},
        )
    if age <= limit:
        return None
    return Refusal(
        check="price age",
        reason=f"the last price of {facts.request.symbol} is {age:.1f} s old; {limit:g} s may be",
        figures={"age_seconds": age, "limit_seconds": limit},
    )


def price(facts: Facts, limits: RiskLimits) -> Refusal | None:
    """A limit price too far from the market, either way, is a slip of the finger.

    A stop order's is measured from its stop price, where the market will be when it counts.
    """
    own, limit = facts.request.price, limits.max_price_deviation_percent
    at = facts.request.stop_price if facts.request.type in _STOPS else None
    reference = at or facts.price
    if own is None or limit is None:
        return None
    if not reference:
        return unknown("price", facts, "no price is known to compare with", limit)
    percent = abs(own - reference) / reference * 100
    if percent <= limit:
        return None
    return Refusal(
        check="price",
        reason=(
            f"{plain(own)} is {percent:.2f} % away from {plain(reference)}, the "
            f"{'stop price' if at else 'last price'}; {plain(limit)} % may be"
        ),
        figures={
            "price": own,
            "reference": reference,
            "percent": round(percent, 4),
            "limit_percent": limit,
        },
    )


def order_quantity(facts: Facts, limits: RiskLimits) -> Refusal | None:
    """No order of more of the base asset than was set for its symbol."""
    limit = limits.max_order_quantity.get(facts.request.symbol)
    if limit is None or facts.closes:
        return None
    return at_most("order quantity", "the order's quantity", facts, facts.quantity, limit)


def order_notional(facts: Facts, limits: RiskLimits) -> Refusal | None:
    """No order about more money than was set."""
    limit = limits.max_order_notional
    if limit is None or facts.closes:
        return None
    return at_most("order notional", "what the order is about", facts, facts.notional, limit)


def open_orders(facts: Facts, limits: RiskLimits) -> Refusal | None:
    """So many orders may be open at a time, those without an answer among them."""
    limit = limits.max_open_orders
    if limit is None or facts.closes or facts.open_orders < limit:
        return None
    return Refusal(
        check="open orders",
        reason=f"{facts.open_orders} orders are open; {limit} may be",
        figures={"open": facts.open_orders, "limit": limit},
    )


def order_rate(facts: Facts, limits: RiskLimits) -> Refusal | None:
    """So many orders may be placed within any minute."""
    limit = limits.max_orders_per_minute
    if limit is None or facts.closes or facts.orders_last_minute < limit:
        return None
    return Refusal(
        check="order rate",
        reason=f"{facts.orders_last_minute} orders within the last minute; {limit} may be",
        figures={"last_minute": facts.orders_last_minute, "limit": limit},
    )
