"""May anything like this be traded at all, now and there? No amount is asked about."""

from __future__ import annotations

from trading_system.domain.control import ControlState
from trading_system.domain.market import MarketState
from trading_system.risk.facts import Facts
from trading_system.risk.limits import RiskLimits
from trading_system.risk.refusals import Refusal, plain


def control(facts: Facts, _limits: RiskLimits) -> Refusal | None:
    """Nothing is taken while killed, paused or not armed."""
    match facts.control:
        case ControlState.KILLED:
            reason = "trading was killed: nothing is taken until it is armed again"
        case ControlState.PAUSED if not facts.closes:
            reason = "trading is paused"
        case _ if not facts.armed:
            reason = "live trading is not armed: GET /control says what to do"
        case _:
            return None
    figures = {"state": facts.control.value, "armed": "yes" if facts.armed else "no"}
    return Refusal(check="control", reason=reason, figures=figures)


def reduce_only(facts: Facts, _limits: RiskLimits) -> Refusal | None:
    """What says that it only closes must not ask for more than there is to close."""
    if not facts.request.reduce_only or facts.closes:
        return None
    closable = facts.exposure.closable(facts.request.side)
    return Refusal(
        check="reduce only",
        reason=f"it may only close a position, of which {plain(closable)} is there to close",
        figures={"symbol": str(facts.request.symbol), "closable": closable},
    )


def symbol(facts: Facts, limits: RiskLimits) -> Refusal | None:
    """Only symbols that somebody has allowed, where any are named."""
    wanted, allowed = facts.request.symbol, limits.allowed_symbols
    if not allowed or wanted in allowed:
        return None
    names = ", ".join(sorted(map(str, allowed)))
    return Refusal(
        check="symbol",
        reason=f"{wanted} is not among the symbols that may be traded: {names}",
        figures={"symbol": str(wanted), "allowed": names},
    )


def venue(facts: Facts, _limits: RiskLimits) -> Refusal | None:
    """Nothing is sent to a venue that has just failed several times."""
    if facts.breaker is None:
        return None
    return Refusal(
        check="venue",
        reason=f"the venue is not asked for a while after repeated failures: {facts.breaker}",
        figures={"breaker": facts.breaker},
    )


def market(facts: Facts, _limits: RiskLimits) -> Refusal | None:
    """A market under maintenance takes no orders; in panic only those that reduce a position."""
    state = facts.market
    if state is MarketState.MAINTENANCE or not facts.tradable:
        reason = f"{facts.request.symbol} cannot be traded at the moment"
    elif state is MarketState.PANIC and not facts.reduces:
        reason = f"{facts.request.symbol} is in panic: only orders that reduce a position are taken"
    else:
        return None
    figures = {"state": str(state), "tradable": "yes" if facts.tradable else "no"}
    return Refusal(check="market", reason=reason, figures=figures)
