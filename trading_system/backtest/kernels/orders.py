"""The one order from what is held to what is wanted."""

# ruff: noqa: PLR0917 -- what is compiled takes plain rows and arrays, by their place

from __future__ import annotations

import math

from trading_system.backtest.kernels.compiling import Row, compiled
from trading_system.frames import Column

Order = tuple[float, float]
"""Quantity, bought or negative and sold, and the price that is paid."""

_DUST = 1e-9  # of a lot step: 0.3 / 0.1 is 2.9999999999999996


@compiled
def rebalance(
    cash: float, units: float, rules: Row, price: float, volume: Column, bar: int, target: float
) -> Order:
    """The order from what is held to `target`: its quantity, 0 for none, and what it pays.

    Wanted units = target x basis / (price x (1 + fee)), the basis being equity or, with a fixed
    size, the starting capital; never more than equity is spent.
    """
    if target == 0.0:  # the way out needs no equity, which there would be to wait for
        side = 1.0 if units < 0.0 else -1.0
        paid = slipped(rules, price, side, abs(units), volume, bar)
        quantity = -units
    else:
        fee = rules.fee_taker
        worth = value_wanted(rules, target, cash + units * price)
        wanted = worth / (price * (1.0 + fee))
        side = 1.0 if wanted > units else -1.0
        paid = slipped(rules, price, side, abs(wanted - units), volume, bar)
        if units * target < 0.0:  # a flip has to pay for its way out first
            left = cash + units * paid - abs(units) * paid * fee
            wanted = value_wanted(rules, target, left) / (paid * (1.0 + fee))
        elif paid != price:  # a division saved where nothing slips
            wanted = worth / (paid * (1.0 + fee))
        if rules.lot_step > 0.0:
            lots = math.floor(abs(wanted) / rules.lot_step + _DUST)
            wanted = math.copysign(lots * rules.lot_step, wanted)
        quantity = wanted - units
    if quantity * side <= 0.0 or abs(quantity) * paid < rules.min_notional:
        quantity = 0.0
    return quantity, paid


@compiled
def value_wanted(rules: Row, target: float, equity: float) -> float:
    """What `target` is worth, fees included, and negative when short: never more than equity."""
    basis = rules.capital if rules.fixed else equity
    worth = max(min(abs(target) * basis, equity), 0.0)
    return -worth if target < 0.0 else worth


@compiled
def slipped(
    rules: Row, price: float, side: float, quantity: float, volume: Column, bar: int
) -> float:
    """The price that an order of `quantity` (positive) pays or gets as a taker in that bar."""
    slippage = rules.slippage
    if rules.impact > 0.0:
        share = min(quantity / volume[bar], 1.0) if volume[bar] > 0.0 else 1.0
        slippage += rules.impact * share * share
    paid: float = price * (1.0 + side * slippage)
    return paid
