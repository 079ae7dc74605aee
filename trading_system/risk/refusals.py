"""A no of our own rules: which one, why, and the figures it went by, as people write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, localcontext

from trading_system.risk.facts import Facts
from trading_system.risk.limits import RiskLimits

Figure = Decimal | int | float | datetime | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Which rule says no, in words, and the figures it went by."""

    check: str
    reason: str
    figures: Mapping[str, Figure] = field(default_factory=dict)


Check = Callable[[Facts, RiskLimits], Refusal | None]

_DIGITS = 100  # rounding must not refuse what somebody typed


def plain(amount: Decimal) -> str:
    """Plain digits, as many as venues tell: 0.1 and not 1E-1 or 0.1000000000."""
    if not amount.is_finite():
        return str(amount)
    with localcontext(prec=_DIGITS):
        return format(round(amount, 8).normalize(), "f")


def at_most(
    check: str, what: str, facts: Facts, value: Decimal | None, limit: Decimal
) -> Refusal | None:
    """None while the value keeps to the limit; a value that nobody knows does not."""
    if value is None:
        return unknown(check, facts, f"{what} cannot be told without a price", limit)
    if value <= limit:
        return None
    return Refusal(
        check=check,
        reason=f"{what} would be {plain(value)}; {plain(limit)} may be",
        figures={"value": value, "limit": limit},
    )


def unknown(check: str, facts: Facts, reason: str, limit: Decimal | None) -> Refusal:
    """A no for what a rule needs and nobody can tell."""
    figures: dict[str, Figure] = {"symbol": str(facts.request.symbol)}
    if limit is not None:
        figures["limit"] = limit
    return Refusal(check=check, reason=reason, figures=figures)
