"""How much to trade: sizes in the base asset, exact, and never rounded up.

Each function says what it would like; `fitted` makes of it what the venue takes, or nothing. None
raises for a figure that allows no position (no stop distance, no edge): the size is nothing then.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from trading_system.domain.instruments import Instrument
from trading_system.risk.refusals import plain

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A quantity that the venue takes; 0 with the `reason` where there is none."""

    quantity: Decimal
    reason: str = ""


def fixed_quantity(quantity: Decimal) -> Decimal:
    """Always the same quantity of the base asset."""
    return max(quantity, _NOTHING)


def fixed_quote(quote: Decimal, price: Decimal) -> Decimal:
    """What a fixed amount of the quote asset buys: quote / price."""
    return _divided(quote, price)


def percent_of_equity(equity: Decimal, percent: Decimal, price: Decimal) -> Decimal:
    """A fixed fraction of equity: equity x percent / 100 / price.

    Vince, Portfolio Management Formulas (1990), chapter 1.
    """
    return _divided(equity * percent / 100, price)


def risk_per_trade(equity: Decimal, percent: Decimal, stop_distance: Decimal) -> Decimal:
    """So much that a stop `stop_distance` (quote per base) away loses `percent` of equity.

    equity x percent / 100 / stop distance: Tharp, Trade Your Way to Financial Freedom (2nd ed.
    2007), chapter 14, "percent risk model".
    """
    return _divided(equity * percent / 100, stop_distance)


def volatility_target(equity: Decimal, percent: Decimal, atr: Decimal) -> Decimal:
    """So much that a move of one average true range (quote per base) is `percent` of equity.

    equity x percent / 100 / ATR: Tharp, as above, "percent volatility model"; the Turtles' unit
    with percent = 1 (Faith, Way of the Turtle, 2007, chapter 8). ATR: Wilder (1978).
    """
    return _divided(equity * percent / 100, atr)


def kelly(
    equity: Decimal, win_rate: Decimal, payoff: Decimal, price: Decimal, *, cap: Decimal
) -> Decimal:
    """The share of equity that grows it fastest, but no more than `cap` of it.

    f = p - (1 - p) / b with the share of wins p and the average win over the average loss b:
    Kelly, A New Interpretation of Information Rate (1956); Thorp, The Kelly Criterion (1997). Half
    of it or less is used in practice, which is what `cap` is for; without an edge f is not positive
    and nothing is traded. Raises ValueError for a share outside of 0 to 1.
    """
    if not (0 <= win_rate <= 1 and 0 <= cap <= 1):
        raise ValueError(f"a share lies between 0 and 1: win rate {win_rate}, cap {cap}")
    if payoff <= 0:
        return _NOTHING
    share = win_rate - (1 - win_rate) / payoff
    return _divided(equity * min(share, cap), price)


def fitted(
    quantity: Decimal, instrument: Instrument, price: Decimal, *, market: bool = True
) -> Size:
    """The quantity rounded down to the step, and nothing where the venue takes none so small.

    At most the venue's largest. `price` is quote per base; the notional is judged by it.
    """
    step = (instrument.market_step_size if market else None) or instrument.step_size
    least = (instrument.market_min_quantity if market else None) or instrument.min_quantity
    most = (instrument.market_max_quantity if market else None) or instrument.max_quantity
    wanted = quantity = min(quantity, most)
    if step:
        quantity = (quantity / step).to_integral_value(ROUND_DOWN) * step
    if quantity <= 0 or quantity < least:
        reason = (
            f"{plain(quantity or wanted)} is less than the {plain(max(least, step))} "
            f"{instrument.symbol.base} the venue takes"
        )
        return Size(quantity=_NOTHING, reason=reason)
    least_notional, _ = instrument.notional_bounds(market=market)
    if least_notional is not None and quantity * price < least_notional:
        reason = (
            f"{plain(quantity)} {instrument.symbol.base} are worth {plain(quantity * price)} "
            f"{instrument.symbol.quote}, less than the {plain(least_notional)} the venue takes"
        )
        return Size(quantity=_NOTHING, reason=reason)
    return Size(quantity=quantity)


def _divided(money: Decimal, by: Decimal) -> Decimal:
    """Nothing for what cannot be sized: nothing to spend, or nothing to measure it with."""
    return money / by if money > 0 and by > 0 else _NOTHING
