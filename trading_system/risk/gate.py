"""May this be traded, as things stand? The answer is a value."""

from __future__ import annotations

from dataclasses import dataclass

from trading_system.domain.orders import OrderRequest
from trading_system.risk.checks import CHECKS, Refusal
from trading_system.risk.facts import Facts
from trading_system.risk.limits import RiskLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """A request that may be sent."""

    request: OrderRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A request that may not be sent, and why."""

    request: OrderRequest
    refusal: Refusal


def review(facts: Facts, limits: RiskLimits) -> Approved | Refused:
    """The first rule that says no, or the request as it may be sent."""
    for check in CHECKS:
        refusal = check(facts, limits)
        if refusal is not None:
            return Refused(request=facts.request, refusal=refusal)
    return Approved(request=facts.request)
