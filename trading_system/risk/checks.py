"""What an order must pass, one pure function a rule; each says no with the numbers in it.

An order that can only make a position smaller (`Facts.reduces`) is let through by the rules that
bound what can be lost: exposure, losses, drawdown, a market in panic. It is held to all others.
One that says so (`reduce_only`, as stops do) passes those too which bound how much is traded and
when: a pause, the size, the number and the rate of orders, the age of the price. No limit may keep
a position open.
What a rule needs and nobody knows is a no: an unknown figure is not a small one.
"""

from __future__ import annotations

from trading_system.risk import bounds, capital, permissions
from trading_system.risk.refusals import Check, Figure, Refusal

__all__ = ["CHECKS", "Check", "Figure", "Refusal"]

CHECKS: tuple[Check, ...] = (
    permissions.control,
    permissions.reduce_only,
    permissions.symbol,
    permissions.venue,
    permissions.market,
    bounds.price_age,
    bounds.price,
    bounds.order_quantity,
    bounds.order_notional,
    bounds.open_orders,
    bounds.order_rate,
    capital.exposure_of_symbol,
    capital.exposure,
    capital.daily_loss,
    capital.drawdown,
    capital.balance,
)
"""Every rule, in the order they are asked: the first no is the answer."""
