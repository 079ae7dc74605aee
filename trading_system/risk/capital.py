"""Can the account bear it: what is free, what is at stake already, and what was lost.

An order that reduces a position passes wherever less at stake is what the rule wants.
"""

from __future__ import annotations

from decimal import Decimal

from trading_system.domain.orders import Side
from trading_system.risk.facts import Facts
from trading_system.risk.limits import RiskLimits
from trading_system.risk.refusals import Refusal, at_most, plain, unknown


def balance(facts: Facts, _limits: RiskLimits) -> Refusal | None:
    """What is paid with must be free; on margin, the venue alone knows what an order ties up."""
    request = facts.request
    if facts.may_short:
        return None
    paying, needed = (
        (request.symbol.quote, facts.quote)
        if request.side is Side.BUY
        else (request.symbol.base, facts.quantity)
    )
    if facts.free is None or needed is None:
        return unknown("balance", facts, f"what is free of {paying}, or needed, is not known", None)
    free = facts.free.get(paying, Decimal(0))
    if needed <= free:
        return None
    return Refusal(
        check="balance",
        reason=f"{plain(needed)} {paying} are needed, {plain(free)} are free",
        figures={"asset": paying, "needed": needed, "free": free},
    )


def exposure_of_symbol(facts: Facts, limits: RiskLimits) -> Refusal | None:
    """A symbol's position, with all that open orders may add, is worth no more than was set."""
    limit = limits.max_exposure_per_symbol
    if limit is None or facts.reduces:
        return None
    after = facts.exposure_after
    value = None if after is None else after.value
    what = f"the exposure to {facts.request.symbol}"
    return at_most("exposure of symbol", what, facts, value, limit)


def exposure(facts: Facts, limits: RiskLimits) -> Refusal | None:
    """All positions together, with all that open orders may add, are worth no more than was set."""
    limit = limits.max_exposure
    if limit is None or facts.reduces:
        return None
    after = facts.exposure_after
    everything = [
        after,
        *(each for name, each in facts.exposures.items() if name != facts.request.symbol),
    ]
    values = [None if each is None else each.value for each in everything]
    known = [value for value in values if value is not None]
    total = sum(known, Decimal(0)) if len(known) == len(values) else None
    return at_most("exposure", "the exposure to all symbols", facts, total, limit)


def daily_loss(facts: Facts, limits: RiskLimits) -> Refusal | None:
    """After such a loss within one UTC day only orders that reduce a position are taken."""
    limit = limits.daily_loss_limit
    if limit is None or facts.reduces:
        return None
    if facts.losses is None:
        return unknown("daily loss", facts, "the account's worth is not known", limit)
    lost = facts.losses.today
    if lost < limit:
        return None
    return Refusal(
        check="daily loss",
        reason=f"{plain(lost)} was lost since midnight UTC; the limit is {plain(limit)}",
        figures={"lost": lost, "limit": limit},
    )


def drawdown(facts: Facts, limits: RiskLimits) -> Refusal | None:
    """Too far below the peak, only orders that reduce are taken until the cool-down is over."""
    limit = limits.max_drawdown_percent
    if limit is None or facts.reduces:
        return None
    if facts.losses is None:
        return unknown("drawdown", facts, "the account's worth is not known", limit)
    resumes_at = facts.losses.resumes_at(limits)
    if resumes_at is None or facts.now >= resumes_at:
        return None
    percent = facts.losses.drawdown_percent
    return Refusal(
        check="drawdown",
        reason=(
            f"the account is {percent:.2f} % below its peak and fell by {plain(limit)} % or more; "
            f"trading goes on at {resumes_at.isoformat(timespec='seconds')}"
        ),
        figures={"percent": round(percent, 4), "limit_percent": limit, "resumes_at": resumes_at},
    )
