"""What an order must pass, one pure function a rule; each says no with the numbers in it.

An order that can only make a position smaller (`Facts.reduces`) is let through by the rules that
bound what can be lost: exposure, losses, drawdown, a market in panic. It is held to all others.
One that says so (`reduce_only`, as stops do) passes those too which bound how much is traded and
when: a pause, the size, the number and the rate of orders, the age of the price. No limit may keep
a position open.
What a rule needs and nobody knows is a no: an unknown figure is not a small one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, localcontext

from trading_system.domain.control import ControlState
from trading_system.domain.market import MarketState
from trading_system.domain.orders import OrderType, Side
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
_STOPS = frozenset({OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT})


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
        reason=f"it may only close a position, of which {_plain(closable)} is there to close",
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
        return _unknown("price", facts, "no price is known to compare with", limit)
    percent = abs(own - reference) / reference * 100
    if percent <= limit:
        return None
    return Refusal(
        check="price",
        reason=(
            f"{_plain(own)} is {percent:.2f} % away from {_plain(reference)}, the "
            f"{'stop price' if at else 'last price'}; {_plain(limit)} % may be"
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
    return _at_most("order quantity", "the order's quantity", facts, facts.quantity, limit)


def order_notional(facts: Facts, limits: RiskLimits) -> Refusal | None:
    """No order about more money than was set."""
    limit = limits.max_order_notional
    if limit is None or facts.closes:
        return None
    return _at_most("order notional", "what the order is about", facts, facts.notional, limit)


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
        return _unknown(
            "balance", facts, f"what is free of {paying}, or needed, is not known", None
        )
    free = facts.free.get(paying, Decimal(0))
    if needed <= free:
        return None
    return Refusal(
        check="balance",
        reason=f"{_plain(needed)} {paying} are needed, {_plain(free)} are free",
        figures={"asset": paying, "needed": needed, "free": free},
    )


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


def exposure_of_symbol(facts: Facts, limits: RiskLimits) -> Refusal | None:
    """A symbol's position, with all that open orders may add, is worth no more than was set."""
    limit = limits.max_exposure_per_symbol
    if limit is None or facts.reduces:
        return None
    after = facts.exposure_after
    value = None if after is None else after.value
    what = f"the exposure to {facts.request.symbol}"
    return _at_most("exposure of symbol", what, facts, value, limit)


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
    return _at_most("exposure", "the exposure to all symbols", facts, total, limit)


def daily_loss(facts: Facts, limits: RiskLimits) -> Refusal | None:
    """After such a loss within one UTC day only orders that reduce a position are taken."""
    limit = limits.daily_loss_limit
    if limit is None or facts.reduces:
        return None
    if facts.losses is None:
        return _unknown("daily loss", facts, "the account's worth is not known", limit)
    lost = facts.losses.today
    if lost < limit:
        return None
    return Refusal(
        check="daily loss",
        reason=f"{_plain(lost)} was lost since midnight UTC; the limit is {_plain(limit)}",
        figures={"lost": lost, "limit": limit},
    )


def drawdown(facts: Facts, limits: RiskLimits) -> Refusal | None:
    """Too far below the peak, only orders that reduce are taken until the cool-down is over."""
    limit = limits.max_drawdown_percent
    if limit is None or facts.reduces:
        return None
    if facts.losses is None:
        return _unknown("drawdown", facts, "the account's worth is not known", limit)
    resumes_at = facts.losses.resumes_at(limits)
    if resumes_at is None or facts.now >= resumes_at:
        return None
    percent = facts.losses.drawdown_percent
    return Refusal(
        check="drawdown",
        reason=(
            f"the account is {percent:.2f} % below its peak and fell by {_plain(limit)} % or more; "
            f"trading goes on at {resumes_at.isoformat(timespec='seconds')}"
        ),
        figures={"percent": round(percent, 4), "limit_percent": limit, "resumes_at": resumes_at},
    )


CHECKS: tuple[Check, ...] = (
    control,
    reduce_only,
    symbol,
    venue,
    market,
    price_age,
    price,
    order_quantity,
    order_notional,
    open_orders,
    order_rate,
    exposure_of_symbol,
    exposure,
    daily_loss,
    drawdown,
    balance,
)
"""Every rule, in the order they are asked: the first no is the answer."""


def _plain(amount: Decimal) -> str:
    """Plain digits, as many as venues tell: 0.1 and not 1E-1 or 0.1000000000."""
    if not amount.is_finite():
        return str(amount)
    with localcontext(prec=_DIGITS):
        return format(round(amount, 8).normalize(), "f")


def _at_most(
    check: str, what: str, facts: Facts, value: Decimal | None, limit: Decimal
) -> Refusal | None:
    if value is None:
        return _unknown(check, facts, f"{what} cannot be told without a price", limit)
    if value <= limit:
        return None
    return Refusal(
        check=check,
        reason=f"{what} would be {_plain(value)}; {_plain(limit)} may be",
        figures={"value": value, "limit": limit},
    )


def _unknown(check: str, facts: Facts, reason: str, limit: Decimal | None) -> Refusal:
    figures: dict[str, Figure] = {"symbol": str(facts.request.symbol)}
    if limit is not None:
        figures["limit"] = limit
    return Refusal(check=check, reason=reason, figures=figures)
