"""Executions, booked: cash, units, the trade that is open, and what all of them come to."""

# ruff: noqa: PLR0917 -- what is compiled takes plain rows and arrays, by their place

from __future__ import annotations

from trading_system.backtest.kernels.compiling import Row, compiled
from trading_system.backtest.kernels.orders import Order

SIGNAL, STOP_LOSS, TAKE_PROFIT, TRAILING_STOP, RUIN, OPEN = range(6)


@compiled
def book(
    account: Row,
    tally: Row,
    fill: Row,
    trade: Row,
    bar: int,
    order: Order,
    rate: float,
    reason: int,
) -> None:
    """Book an execution: first what closes the open trade, then what opens or enlarges one.

    It is written to `fill`, and to `trade` the one that ends with it, if one does.
    """
    quantity, price = order
    cash, units = account.cash, account.units
    opening = quantity
    if units * quantity < 0.0:
        closing = quantity if abs(quantity) <= abs(units) else -units
        opening = quantity - closing
        value = abs(closing) * price
        cash -= closing * price + value * rate
        account.exited += abs(closing)
        account.exit_value += value
        account.fees += value * rate
        units += closing
        if units == 0.0:
            end_trade(account, tally, trade, bar, 1.0 if closing < 0.0 else -1.0, reason)
    if opening != 0.0:
        value = abs(opening) * price
        cash -= opening * price + value * rate
        if units == 0.0:
            account.entry_bar, account.best = bar, price
            account.entered, account.entry_value, account.fees = abs(opening), value, value * rate
            account.exited = account.exit_value = 0.0
        else:
            account.entered += abs(opening)
            account.entry_value += value
            account.fees += value * rate
        units += opening
    account.cash, account.units = cash, units
    note_fill(account, tally, fill, bar, order, abs(quantity) * price * rate, reason)


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
    fill.units, fill.cash = account.units, account.cash


@compiled
def end_trade(account: Row, tally: Row, trade: Row, bar: int, side: float, reason: int) -> None:
    """Write the open trade down as one that ends here, and count it."""
    note_trade(account, trade, bar, side, reason)
    account.ended += 1
    count_trade(tally, trade.pnl)


@compiled
def note_trade(account: Row, trade: Row, bar: int, side: float, reason: int) -> None:
    """Write the open trade down as one that ends here."""
    trade.entry_bar, trade.exit_bar, trade.side, trade.reason = account.entry_bar, bar, side, reason
    trade.quantity = account.entered
    trade.entry_price = account.entry_value / account.entered
    trade.exit_price = account.exit_value / account.exited
    trade.pnl = side * (account.exit_value - account.entry_value) - account.fees
    trade.fees = account.fees


@compiled
def count_trade(tally: Row, pnl: float) -> None:
    """Add a trade that has ended to the tally."""
    tally.trades += 1
    tally.wins += pnl > 0.0
    tally.gross_profit += max(pnl, 0.0)
    tally.gross_loss += max(-pnl, 0.0)


@compiled
def value_open(account: Row, trade: Row, bar: int, close: float) -> None:
    """Write down a trade that is still open, as if it ended at the last close, without a fee."""
    if account.units != 0.0:
        account.exited += abs(account.units)
        account.exit_value += abs(account.units) * close
        note_trade(account, trade, bar, 1.0 if account.units > 0.0 else -1.0, OPEN)
        account.ended += 1
