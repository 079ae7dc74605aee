"""The loops of a backtest, compiled; the compiled code is kept on disk between runs.

One file, because the cache does not notice changes in another one. Refuses to allocate by the bar:
what a run comes to is added up block by block, whether or not its fills are written down.

`simulate` walks from change to change of the target. `watch` looks for stops in between, `hold`
takes the closes in between into account, `measure` adds up a block of them.
"""

# ruff: noqa: PLR0917 -- what is compiled takes plain rows and arrays, by their place

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np

from trading_system.frames import Column

Row = Any
"""One row of a structured array, see `records`; read and written in place."""
Rows = Any
"""A structured array, or a plain one of two dimensions."""
Bars = tuple[Column, Column, Column, Column, Column]
"""Open, high, low, close and volume, each of shape (n,)."""
Order = tuple[float, float]
"""Quantity, bought or negative and sold, and the price that is paid."""

_Loop = TypeVar("_Loop", bound=Callable[..., Any])

BLOCK = 512
"""Bars that are added up at once: lanes of one bar each, so that every machine adds alike."""

SIGNAL, STOP_LOSS, TAKE_PROFIT, TRAILING_STOP, RUIN, OPEN = range(6)
CURVE, RETURNS, SQUARES, DOWNSIDE = range(4)
_DUST = 1e-9  # of a lot step: 0.3 / 0.1 is 2.9999999999999996


def compiled(loop: _Loop) -> _Loop:
    """Compile on the first call; free of the interpreter lock, so that threads run side by side."""
    result: Any = numba.njit(cache=True, nogil=True, error_model="numpy")(loop)
    return cast(_Loop, result)


def unordered(loop: _Loop) -> _Loop:
    """The same for loops whose result is the same in any order, as long as nothing is NaN."""
    result: Any = numba.njit(cache=True, nogil=True, fastmath={"nnan", "nsz"})(loop)
    return cast(_Loop, result)


@compiled
def simulate(
    bars: Bars,
    targets: Column,
    rules: Rows,
    account: Rows,
    fills: Rows,
    trades: Rows,
    tally: Rows,
) -> int:
    """Play `targets`, shape (n,); write down fills and trades as far as there are rows for them.

    `bars`: open, high, low, close and volume, each of shape (n,); `rules`, `account`, `tally`: one
    row each, the latter two empty.
    Returns the first bar whose target is not within [-1, 1], else -1.
    """
    n = len(targets)
    opened, _, _, close, volume = bars
    rules, account, tally = rules[0], account[0], tally[0]
    guarded = rules.stop_loss > 0.0 or rules.take_profit > 0.0 or rules.trailing_stop > 0.0
    account.cash = account.peak = account.trough = rules.capital
    sheet = np.zeros((4, BLOCK + 1))
    sheet[CURVE, 0] = rules.capital
    delay = 0 if rules.at_close else 1
    price = close if rules.at_close else opened
    previous = 0.0
    for i in range(n):
        target = targets[i]
        if target == previous:
            continue
        if not -1.0 <= target <= 1.0:
            return i
        if target < 0.0 and not rules.short:
            target = 0.0
            if previous == 0.0:
                continue
        previous = target
        bar = i + delay
        if bar < n:
            if guarded:
                watch(bars, account, rules, tally, sheet, fills, trades, i + 1)
            hold(close, volume, account, rules, tally, sheet, fills, trades, bar)
            order = rebalance(account, rules, price[bar], volume[bar], target)
            if order[0] != 0.0:
                fill(account, tally, fills, trades, bar, order, rules.fee_taker, SIGNAL)
    if guarded:
        watch(bars, account, rules, tally, sheet, fills, trades, n)
    hold(close, volume, account, rules, tally, sheet, fills, trades, n)
    finish(close, account, tally, sheet)
    value_open(close, account, tally, trades)
    return -1


@compiled
def rebalance(account: Row, rules: Row, price: float, volume: float, target: float) -> Order:
    """The one order from what is held to `target`: its quantity, 0 for none, and what it pays.

    Wanted units = target x basis / (price x (1 + fee)), the basis being equity or, with a fixed
    size, the starting capital; never more than equity is spent.
    """
    fee = rules.fee_taker
    worth = value_wanted(rules, target, account.cash + account.units * price)
    distance = worth / (price * (1.0 + fee)) - account.units
    side = 1.0 if distance > 0.0 else -1.0
    paid = slipped(rules, price, side, abs(distance), volume)
    if account.units * target < 0.0:  # a flip has to pay for its way out first
        left = account.cash + account.units * paid - abs(account.units) * paid * fee
        worth = value_wanted(rules, target, left)
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
def slipped(rules: Row, price: float, side: float, quantity: float, volume: float) -> float:
    """The price that an order of `quantity` (positive) pays or gets as a taker."""
    slippage = rules.slippage
    if rules.impact > 0.0:
        share = min(quantity / volume, 1.0) if volume > 0.0 else 1.0
        slippage += rules.impact * share * share
    paid: float = price * (1.0 + side * slippage)
    return paid


@compiled
def fill(
    account: Row,
    tally: Row,
    fills: Rows,
    trades: Rows,
    bar: int,
    order: Order,
    rate: float,
    reason: int,
) -> None:
    """Book an execution: first what closes the open trade, then what opens or enlarges one."""
    quantity, price = order
    units = account.units
    closing = 0.0
    if units * quantity < 0.0:
        closing = quantity if abs(quantity) <= abs(units) else -units
        fee = abs(closing) * price * rate
        account.exited += abs(closing)
        account.exit_value += abs(closing) * price
        account.fees += fee
        account.cash -= closing * price + fee
        account.units = units + closing
        tally.fees += fee
        if account.units == 0.0:
            end_trade(account, tally, trades, bar, 1 if units > 0.0 else -1, reason)
    opening = quantity - closing
    if opening != 0.0:
        if account.units == 0.0:
            account.entry_bar = bar
            account.entered = account.entry_value = account.exited = account.exit_value = 0.0
            account.fees = 0.0
            account.best = price
        fee = abs(opening) * price * rate
        account.entered += abs(opening)
        account.entry_value += abs(opening) * price
        account.fees += fee
        account.cash -= opening * price + fee
        account.units += opening
        tally.fees += fee
    note_fill(account, tally, fills, bar, order, abs(quantity) * price * rate, reason)


@compiled
def note_fill(
    account: Row, tally: Row, fills: Rows, bar: int, order: Order, fee: float, reason: int
) -> None:
    """Count an execution, and write it down if there is a row for it."""
    quantity, price = order
    tally.turnover += abs(quantity) * price
    if tally.fills < len(fills):
        row = fills[tally.fills]
        row.bar, row.reason = bar, reason
        row.quantity, row.price, row.fee = quantity, price, fee
        row.units, row.cash = account.units, account.cash
    tally.fills += 1


@compiled
def end_trade(account: Row, tally: Row, trades: Rows, bar: int, side: float, reason: int) -> None:
    """Count the trade that has become flat, and write it down."""
    pnl = side * (account.exit_value - account.entry_value) - account.fees
    note_trade(account, tally, trades, bar, side, pnl, reason)
    count_trade(tally, pnl)


@compiled
def count_trade(tally: Row, pnl: float) -> None:
    """Add a trade that has ended to the tally."""
    tally.trades += 1
    if pnl > 0.0:
        tally.wins += 1
        tally.gross_profit += pnl
    else:
        tally.gross_loss -= pnl


@compiled
def note_trade(
    account: Row, tally: Row, trades: Rows, bar: int, side: float, pnl: float, reason: int
) -> None:
    """Write the open trade down as one that ends here, if there is a row for it."""
    if tally.trades < len(trades):
        row = trades[tally.trades]
        row.entry_bar, row.exit_bar, row.side, row.reason = account.entry_bar, bar, side, reason
        row.quantity = account.entered
        row.entry_price = account.entry_value / account.entered
        row.exit_price = account.exit_value / account.exited
        row.pnl, row.fees = pnl, account.fees


@compiled
def watch(
    bars: Bars,
    account: Row,
    rules: Row,
    tally: Row,
    sheet: Rows,
    fills: Rows,
    trades: Rows,
    until: int,
) -> None:
    """Leave the position where a stop or a take-profit is touched in a bar before `until`.

    Stops take: they fill at their price or, when the bar opened behind it, at the open. A
    take-profit rests and fills at its price. When both were touched, the stop was first.
    """
    close, volume = bars[3], bars[4]
    if account.units != 0.0:
        bar, price, reason = first_touch(bars, account, rules, until)
        if bar < until:
            hold(close, volume, account, rules, tally, sheet, fills, trades, bar)
            units = account.units
            if units != 0.0:
                rate = rules.fee_maker
                if reason != TAKE_PROFIT:
                    rate = rules.fee_taker
                    side = -1.0 if units > 0.0 else 1.0
                    price = slipped(rules, price, side, abs(units), volume[bar])
                fill(account, tally, fills, trades, bar, (-units, price), rate, reason)
    account.watched = until


@compiled
def first_touch(bars: Bars, account: Row, rules: Row, until: int) -> tuple[int, float, int]:
    """(bar, price, reason) of the first touch from the bar `watched` on; bar `until` for none.

    The best price, which the trailing stop follows, moves after a bar was checked against it.
    """
    opened, high, low = bars[0], bars[1], bars[2]
    side = 1.0 if account.units > 0.0 else -1.0
    entry = account.entry_value / account.entered
    fixed = entry * (1.0 - side * rules.stop_loss) if rules.stop_loss > 0.0 else -side * np.inf
    profit = entry * (1.0 + side * rules.take_profit) if rules.take_profit > 0.0 else side * np.inf
    for bar in range(account.watched, until):
        worst, best = (low[bar], high[bar]) if side > 0.0 else (high[bar], low[bar])
        stop, reason = fixed, STOP_LOSS
        if rules.trailing_stop > 0.0:
            trailing = account.best * (1.0 - side * rules.trailing_stop)
            if (trailing - fixed) * side > 0.0:
                stop, reason = trailing, TRAILING_STOP
        if (worst - stop) * side <= 0.0:
            behind = (opened[bar] - stop) * side <= 0.0
            return bar, opened[bar] if behind else stop, reason
        if (best - profit) * side >= 0.0:
            return bar, profit, TAKE_PROFIT
        if (best - account.best) * side > 0.0:
            account.best = best
    return until, 0.0, SIGNAL


@compiled
def hold(
    close: Column,
    volume: Column,
    account: Row,
    rules: Row,
    tally: Row,
    sheet: Rows,
    fills: Rows,
    trades: Rows,
    until: int,
) -> None:
    """Take the closes before `until` into account, with the position as it is; end it in ruin.

    Only a short position can cost more than there is: a long one is never bought on credit.
    """
    if account.units < 0.0:
        bar = ruin(close, account, until)
        if bar < until:
            draw(close, account, tally, sheet, bar)
            price = slipped(rules, close[bar], 1.0, -account.units, volume[bar])
            order = (-account.units, price)
            fill(account, tally, fills, trades, bar, order, rules.fee_taker, RUIN)
            account.ruined = True
    draw(close, account, tally, sheet, until)


@compiled
def ruin(close: Column, account: Row, until: int) -> int:
    """The first bar at whose close nothing is left; `until` for none."""
    for bar in range(account.held, until):
        if account.cash + account.units * close[bar] <= 0.0:
            return bar
    return until


@compiled
def draw(close: Column, account: Row, tally: Row, sheet: Rows, until: int) -> None:
    """Append the equity at the closes before `until` to the curve, measuring every full block."""
    curve = sheet[CURVE]
    cash, units, bar = account.cash, account.units, account.held
    if units != 0.0:
        tally.bars_held += until - bar
    while bar < until:
        offset = bar & (BLOCK - 1)
        count = min(until - bar, BLOCK - offset)
        if units == 0.0:
            for k in range(count):
                curve[offset + 1 + k] = cash
        else:
            for k in range(count):
                curve[offset + 1 + k] = cash + units * close[bar + k]
        bar += count
        if bar & (BLOCK - 1) == 0:
            measure(account, tally, sheet, BLOCK)
    account.held = until


@compiled
def measure(account: Row, tally: Row, sheet: Rows, count: int) -> None:
    """Add the first `count` bars of the curve to the sums and to the drawdown; begin a new one.

    curve[0] is the equity before. The return of a bar is its change by the equity before it; an
    equity that stays returns nothing, whatever it is.
    """
    curve = sheet[CURVE]
    lowest, highest = extremes(curve, count)
    last = curve[count]
    if lowest != highest or curve[0] != last:
        add_returns(curve, sheet[RETURNS], sheet[SQUARES], sheet[DOWNSIDE], count)
    if highest < account.peak:
        account.trough = min(account.trough, lowest)
        account.below += count
    else:
        climb(account, tally, curve, count)
    tally.drawdown_bars = max(tally.drawdown_bars, account.below)
    curve[0] = last


@unordered
def extremes(curve: Column, count: int) -> tuple[float, float]:
    """The lowest and the highest equity of a block."""
    lowest = highest = curve[1]
    for k in range(2, count + 1):
        lowest = min(lowest, curve[k])
        highest = max(highest, curve[k])
    return lowest, highest


@compiled
def add_returns(
    curve: Column, returns: Column, squares: Column, downside: Column, count: int
) -> None:
    """Add r, r² and min(r, 0)² of each bar to the lane of its place in the block."""
    for k in range(count):
        change = curve[k + 1] - curve[k]
        gain = change / curve[k] if change != 0.0 else 0.0
        loss = min(gain, 0.0)
        returns[k] += gain
        squares[k] += gain * gain
        downside[k] += loss * loss


@compiled
def climb(account: Row, tally: Row, curve: Column, count: int) -> None:
    """Follow peaks and troughs bar by bar, in a block that reaches a peak."""
    for k in range(1, count + 1):
        equity = curve[k]
        if equity >= account.peak:
            sink(account, tally)
            account.peak = account.trough = equity
            account.below = 0
        else:
            account.trough = min(account.trough, equity)
            account.below += 1
            tally.drawdown_bars = max(tally.drawdown_bars, account.below)


@compiled
def sink(account: Row, tally: Row) -> None:
    """Compare the drawdown that is open with the deepest one."""
    tally.drawdown = max(tally.drawdown, 1.0 - account.trough / account.peak)


@compiled
def finish(close: Column, account: Row, tally: Row, sheet: Rows) -> None:
    """Measure what is left of the curve, and sum up."""
    n = len(close)
    if n % BLOCK:
        measure(account, tally, sheet, n % BLOCK)
    sink(account, tally)
    tally.bars = n
    tally.equity = sheet[CURVE, 0]
    for k in range(BLOCK):
        tally.returns += sheet[RETURNS, k]
        tally.squares += sheet[SQUARES, k]
        tally.downside += sheet[DOWNSIDE, k]


@compiled
def value_open(close: Column, account: Row, tally: Row, trades: Rows) -> None:
    """Write down a trade that is still open, as if it ended at the last close."""
    last = len(close) - 1
    if account.units != 0.0:
        side = 1 if account.units > 0.0 else -1
        account.exited += abs(account.units)
        account.exit_value += abs(account.units) * close[last]
        pnl = side * (account.exit_value - account.entry_value) - account.fees
        note_trade(account, tally, trades, last, side, pnl, OPEN)


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
) -> None:
    """Play a grid of len(levels) - 1 cells that begins at the first close; see `grid`.

    Full cells are always the highest ones, so that their number is all there is to know: the next
    one to buy is just below them, and the lowest of them is the next one to sell.
    """
    opened, high, low, close, volume = bars
    rules, account, tally = rules[0], account[0], tally[0]
    account.cash = account.peak = account.trough = rules.capital
    sheet = np.zeros((4, BLOCK + 1))
    sheet[CURVE, 0] = rules.capital
    count = len(levels) - 1
    full = 0
    while full < count and close[0] <= levels[count - full - 1]:
        full += 1
        price = slipped(rules, close[0], 1.0, quantity, volume[0])
        order = (quantity, price)
        trade_cell(account, tally, fills, cells[count - full], 0, order, rules.fee_taker, full)
    for bar in range(1, len(close)):
        buys = full < count and low[bar] <= levels[count - full - 1]
        sells = full > 0 and high[bar] >= levels[count - full + 1]
        if buys or sells:
            draw(close, account, tally, sheet, bar)
            up = high[bar] - opened[bar] < opened[bar] - low[bar]
            nearer, farther = (high[bar], low[bar]) if up else (low[bar], high[bar])
            for price in (opened[bar], nearer, farther, close[bar]):
                way = (price, rules.fee_maker)
                full = cross(account, tally, fills, trades, cells, levels, bar, way, quantity, full)
    draw(close, account, tally, sheet, len(close))
    finish(close, account, tally, sheet)


@compiled
def cross(
    account: Row,
    tally: Row,
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
        trade_cell(account, tally, fills, cells[cell], bar, (quantity, levels[cell]), rate, full)
    while full > 0 and price >= levels[count - full + 1]:
        cell = count - full
        full -= 1
        order = (-quantity, levels[cell + 1])
        trade_cell(account, tally, fills, cells[cell], bar, order, rate, full)
        end_cell(cells[cell], tally, trades, bar, order, rate)
    return full


@compiled
def trade_cell(
    account: Row,
    tally: Row,
    fills: Rows,
    cell: Row,
    bar: int,
    order: Order,
    rate: float,
    full: int,
) -> None:
    """Book the execution of a cell's order, after which `full` cells are full."""
    quantity, price = order
    fee = abs(quantity) * price * rate
    account.cash -= quantity * price + fee
    account.units = full * abs(quantity)
    tally.fees += fee
    if quantity > 0.0:
        cell.bar, cell.price, cell.fee = bar, price, fee
    note_fill(account, tally, fills, bar, order, fee, SIGNAL)


@compiled
def end_cell(cell: Row, tally: Row, trades: Rows, bar: int, order: Order, rate: float) -> None:
    """Count what a cell earned from its purchase to this sale, and write it down."""
    quantity, price = -order[0], order[1]
    fees = cell.fee + quantity * price * rate
    pnl = quantity * price - quantity * cell.price - fees
    count_trade(tally, pnl)
    if tally.trades <= len(trades):
        row = trades[tally.trades - 1]
        row.entry_bar, row.exit_bar, row.side, row.reason = cell.bar, bar, 1, SIGNAL
        row.quantity, row.entry_price, row.exit_price = quantity, cell.price, price
        row.pnl, row.fees = pnl, fees
