"""Grids of resting orders, bar by bar; see `grid` for their rules.

Full cells are always the highest ones, so that their number is all there is to know: the next one
to buy is just below them, and the lowest of them is the next one to sell.
"""

# ruff: noqa: PLR0917 -- what is compiled takes plain rows and arrays, by their place

from __future__ import annotations

from trading_system.backtest.kernels.compiling import Bars, Row, Rows, compiled
from trading_system.backtest.kernels.ledger import SIGNAL, count_trade, note_fill
from trading_system.backtest.kernels.orders import Order, slipped
from trading_system.frames import Column


@compiled
def simulate_grid(
    bars: Bars,
    levels: Column,
    quantity: float,
    rules: Rows,
    account: Rows,
    cells: Rows,
    fills: Rows,
    trades: Rows,
    tally: Rows,
) -> bool:
    """Play a grid of len(levels) - 1 cells from the bar that `account` is at; whether it ended.

    It begins at the first close. A bar is begun as long as there are rows for four times all cells.
    """
    opened, high, low, close, _ = bars
    rule, state, sums = rules[0], account[0], tally[0]
    count = len(levels) - 1
    room = min(len(fills), len(trades)) - 4 * count
    state.filled = state.ended = 0
    if state.bar == 0:
        begin(bars, levels, quantity, rule, state, cells, fills, sums)
    full = state.full
    for bar in range(state.bar, len(close)):
        buys = full < count and low[bar] <= levels[count - full - 1]
        sells = full > 0 and high[bar] >= levels[count - full + 1]
        if buys or sells:
            if state.filled > room:
                state.bar, state.full = bar, full
                return False
            up = high[bar] - opened[bar] < opened[bar] - low[bar]
            nearer, farther = (high[bar], low[bar]) if up else (low[bar], high[bar])
            for price in (opened[bar], nearer, farther, close[bar]):
                way = (price, rule.fee_maker)
                full = cross(state, sums, fills, trades, cells, levels, bar, way, quantity, full)
    return True


@compiled
def begin(
    bars: Bars,
    levels: Column,
    quantity: float,
    rule: Row,
    state: Row,
    cells: Rows,
    fills: Rows,
    sums: Row,
) -> None:
    """Buy, as a taker at the first close, for every cell whose price that has reached."""
    close = bars[3][0]
    count = len(levels) - 1
    full = 0
    while full < count and close <= levels[count - full - 1]:
        full += 1
        order = (quantity, slipped(rule, close, 1.0, quantity, bars[4], 0))
        cell, fill = cells[count - full], fills[state.filled]
        trade_cell(state, sums, fill, cell, 0, order, rule.fee_taker, full)
    state.bar, state.full = 1, full


@compiled
def cross(
    state: Row,
    sums: Row,
    fills: Rows,
    trades: Rows,
    cells: Rows,
    levels: Column,
    bar: int,
    way: Order,
    quantity: float,
    full: int,
) -> int:
    """Fill every order on the way to a price, each at its own level; how many cells are full."""
    price, rate = way
    count = len(levels) - 1
    while full < count and price <= levels[count - full - 1]:
        full += 1
        cell = count - full
        order = (quantity, levels[cell])
        trade_cell(state, sums, fills[state.filled], cells[cell], bar, order, rate, full)
    while full > 0 and price >= levels[count - full + 1]:
        cell = count - full
        full -= 1
        order = (-quantity, levels[cell + 1])
        trade_cell(state, sums, fills[state.filled], cells[cell], bar, order, rate, full)
        end_cell(state, sums, trades[state.ended], cells[cell], bar, order, rate)
    return full


@compiled
def trade_cell(
    state: Row, sums: Row, fill: Row, cell: Row, bar: int, order: Order, rate: float, full: int
) -> None:
    """Book the execution of a cell's order, after which `full` cells are full."""
    quantity, price = order
    fee = abs(quantity) * price * rate
    state.cash -= quantity * price + fee
    state.units = full * abs(quantity)
    if quantity > 0.0:
        cell.bar, cell.price, cell.fee = bar, price, fee
    fill.units, fill.cash = state.units, state.cash
    note_fill(state, sums, fill, bar, order, fee, SIGNAL)


@compiled
def end_cell(
    state: Row, sums: Row, trade: Row, cell: Row, bar: int, order: Order, rate: float
) -> None:
    """Count what a cell earned from its purchase to this sale, and write it down."""
    quantity, price = -order[0], order[1]
    fees = cell.fee + quantity * price * rate
    trade.entry_bar, trade.exit_bar, trade.side, trade.reason = cell.bar, bar, 1, SIGNAL
    trade.quantity, trade.entry_price, trade.exit_price = quantity, cell.price, price
    trade.pnl, trade.fees = quantity * price - quantity * cell.price - fees, fees
    state.ended += 1
    count_trade(sums, trade.pnl)
