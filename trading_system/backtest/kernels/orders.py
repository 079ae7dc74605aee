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
    account: Row, rules: Row, price: float, volume: Column, bar: int, target: float
) -> Order:
    """The order from what is held to `target`: its quantity, 0 for none, and what it pays.

    Wanted units = target x basis / (price x (1 + fee)), the basis being equity or, with a fixed
    size, the starting capital; never more than equity is spent.
    """
    fee = rules.fee_taker
    worth = value_wanted(rules, target, account.cash + account.units * price)
    wanted = worth / (price * (1.0 + fee))
    side = 1.0 if wanted > account.units else -1.0
    paid = slipped(rules, price, side, abs(wanted - account.units), volume, bar)
    if account.units * target < 0.0:  # a flip has to pay for its way out first
        left = account.cash + account.units * paid - abs(account.units) * paid * fee
        worth = value_wanted(rules, target, left)
        wanted = worth / (paid * (1.0 + fee))
    elif paid != price:  # a division saved where nothing slips
        wanted = worth / (paid * (1.0 + fee))
    if rules.lot_step > 0.0:
        lots = math.floor(abs(wanted) / rules.lot_step + _DUST)
        wanted = math.copysign(lots * rules.lot_step, wanted)
    quantity = wanted - account.units
    nothing = account.ruined or quantity * side <= 0.0
    if nothing or abs(quantity) * paid < rules.min_notional:
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
