"""Executions, booked: cash, units, the trade that is open, and what all of them come to.

What is held is a value that is made anew with every fill: a loop keeps it in registers, where
fields of a row would go through memory and be waited for.
"""

# ruff: noqa: PLR0917 -- what is compiled takes plain rows and arrays, by their place

from __future__ import annotations

from typing import NamedTuple

from trading_system.backtest.kernels.compiling import Row, Rows, compiled
from trading_system.backtest.kernels.orders import Order

SIGNAL, STOP_LOSS, TAKE_PROFIT, TRAILING_STOP, RUIN, OPEN = range(6)


class Held(NamedTuple):
    """What is held, and the trade that is open: sums of its quantities, values and fees."""

    cash: float
    units: float
    entry_bar: int
    entered: float
    entry_value: float
    exited: float
    exit_value: float
    fees: float


@compiled
def taken_up(account: Row) -> Held:
    """What is held, as it was put down."""
    return Held(
        account.cash,
        account.units,
        account.entry_bar,
        account.entered,
        account.entry_value,
        account.exited,
        account.exit_value,
        account.fees,
    )


@compiled
def put_down(account: Row, held: Held) -> None:
    """Keep what is held, for the next who asks."""
    account.cash, account.units = held.cash, held.units
    account.entry_bar, account.entered = held.entry_bar, held.entered
    account.entry_value, account.exited = held.entry_value, held.exited
    account.exit_value, account.fees = held.exit_value, held.fees


@compiled
def book(
    held: Held,
    account: Row,
    tally: Row,
    fills: Rows,
    bar: int,
    order: Order,
    rate: float,
    reason: int,
) -> Held:
    """Book an execution: first what closes the open trade, then what opens or enlarges one."""
    quantity, price = order
    closing = part_that_closes(held.units, quantity)
    if closing != 0.0:
        held = leave(held, closing, price, rate)
        if held.units == 0.0:
            count_trade(tally, pnl(held, closing))
    if quantity != closing:
        if held.units == 0.0:
            account.best = price
        held = enter(held, bar, quantity - closing, price, rate)
    fill = fills[account.filled]
    fill.units, fill.cash = held.units, held.cash
    note_fill(account, tally, fill, bar, order, abs(quantity) * price * rate, reason)
    return held


@compiled
def part_that_closes(units: float, quantity: float) -> float:
    """How much of a fill ends what is held: none, when it is on the same side."""
    if units * quantity < 0.0:
        return quantity if abs(quantity) <= abs(units) else -units
    return 0.0


@compiled
def leave(held: Held, quantity: float, price: float, rate: float) -> Held:
    """Close a part of the open trade, or all of it."""
    value = abs(quantity) * price
    return Held(
        held.cash - (quantity * price + value * rate),
        held.units + quantity,
        held.entry_bar,
        held.entered,
        held.entry_value,
        held.exited + abs(quantity),
        held.exit_value + value,
        held.fees + value * rate,
    )


@compiled
def enter(held: Held, bar: int, quantity: float, price: float, rate: float) -> Held:
    """Open a trade, or enlarge the one that is open."""
    value = abs(quantity) * price
    cash = held.cash - (quantity * price + value * rate)
    if held.units == 0.0:
        return Held(cash, quantity, bar, abs(quantity), value, 0.0, 0.0, value * rate)
    return Held(
        cash,
        held.units + quantity,
        held.entry_bar,
        held.entered + abs(quantity),
        held.entry_value + value,
        held.exited,
        held.exit_value,
        held.fees + value * rate,
    )


@compiled
def pnl(held: Held, closing: float) -> float:
    """What the trade earned that ended with `closing`, after fees."""
    gained = held.exit_value - held.entry_value
    return (gained if closing < 0.0 else -gained) - held.fees


@compiled
def note_fill(
    account: Row, tally: Row, fill: Row, bar: int, order: Order, fee: float, reason: int
) -> None:
    """Count an execution, and write it down."""
    quantity, price = order
    tally.turnover += abs(quantity) * price
    tally.fees += fee
    tally.fills += 1
    account.filled += 1
    fill.bar, fill.reason = bar, reason
    fill.quantity, fill.price, fill.fee = quantity, price, fee


@compiled
def count_trade(tally: Row, earned: float) -> None:
    """Add a trade that has ended to the tally."""
    tally.trades += 1
    tally.wins += earned > 0.0
    tally.gross_profit += max(earned, 0.0)
    tally.gross_loss += max(-earned, 0.0)
