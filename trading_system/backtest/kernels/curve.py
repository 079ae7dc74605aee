"""What a run is worth at each close, measured: returns, drawdown and time in the market.

Only closes at which that changes are kept, some at a time, and added up in lanes of one place each:
every machine adds in the same order, and it does not matter how often one stops in between. Refuses
to allocate by the bar.
"""

# ruff: noqa: PLR0917 -- what is compiled takes plain rows and arrays, by their place

from __future__ import annotations

import numpy as np

from trading_system.backtest.kernels.compiling import Row, Rows, apart, compiled
from trading_system.frames import Column

BLOCK = 512
"""Equities that are added up at once."""

EQUITY, BARS, RETURNS, SQUARES, DOWNSIDE, LOWEST = range(6)
"""Rows of a sheet, which has BLOCK + 1 columns: equities, the bars each stands for, and lanes."""

_Place = np.uint64  # as an index it is never negative, which the compiler need not check then


def blank_sheet(capital: float) -> Rows:
    """A sheet on which nothing but the equity before the first bar is written."""
    sheet = np.zeros((6, BLOCK + 1))
    sheet[EQUITY, 0] = capital
    sheet[BARS], sheet[LOWEST] = 1.0, np.inf
    return sheet


@compiled
def measure(close: Column, fills: Rows, count: int, until: int, curves: Rows, sheet: Rows) -> None:
    """Follow what is held over the first `count` fills, and then to the close before `until`.

    `curves`: one row, which knows where it is and what is held there; `sheet`: (6, BLOCK + 1).
    Equity is cash + units x close; while nothing is held, a close stands for all up to the next.
    """
    curve = curves[0]
    equity, bars = sheet[EQUITY], sheet[BARS]
    bar, used = curve.bar, curve.used
    for j in range(count + 1):
        end = fills[j].bar if j < count else until
        while bar < end:
            if curve.units == 0.0:
                equity[used], bars[used] = curve.cash, end - bar
                bar, used = end, used + 1
            else:
                held = min(end - bar, BLOCK + 1 - used)
                draw(close, equity, bar, used, held, curve.cash, curve.units)
                curve.bars_held += held
                bar, used = bar + held, used + held
            if used > BLOCK:
                add(curve, sheet, BLOCK, bar)
                used = 1
        if j < count:
            curve.cash, curve.units = fills[j].cash, fills[j].units
    curve.bar, curve.used = bar, used


@compiled
def draw(
    close: Column, equity: Column, bar: int, used: int, count: int, cash: float, units: float
) -> None:
    """Append the equity at `count` closes from `bar` on."""
    source, place = _Place(bar), _Place(used)
    for k in range(_Place(count)):
        equity[place + k] = cash + units * close[source + k]


@compiled
def conclude(curves: Rows, sheet: Rows) -> None:
    """Add up what is left; nothing may follow."""
    curve = curves[0]
    add(curve, sheet, curve.used - 1, curve.bar)
    gather(curve, sheet[LOWEST])
    sink(curve)
    curve.equity = sheet[EQUITY, 0]
    for k in range(BLOCK):
        curve.returns += sheet[RETURNS, k]
        curve.squares += sheet[SQUARES, k]
        curve.downside += sheet[DOWNSIDE, k]


@compiled
def add(curve: Row, sheet: Rows, count: int, until: int) -> None:
    """Add `count` equities, up to the close before `until`, to the sums and to the drawdown."""
    if count > 0:
        equity, bars = sheet[EQUITY], sheet[BARS]
        add_returns(equity, sheet[RETURNS], sheet[SQUARES], sheet[DOWNSIDE], count)
        if reaching(equity[1:], count, curve.peak):
            gather(curve, sheet[LOWEST])
            climb(curve, equity, bars, count)
        else:
            lower(equity[1:], sheet[LOWEST], count)
            curve.below += until - curve.added
        curve.added = until
        equity[0] = equity[count]
        bars[:] = 1.0


@compiled
def add_returns(
    equity: Column, returns: Column, squares: Column, downside: Column, count: int
) -> None:
    """Add r, r² and min(r, 0)² of each equity to the lane of its place.

    The return of a bar is its change by the equity before it; an equity that stays returns nothing,
    whatever it is.
    """
    before, after = equity[:count], equity[1:]
    for k in range(len(before)):
        change = after[k] - before[k]
        gain = change / before[k] if change != 0.0 else 0.0
        loss = min(gain, 0.0)
        returns[k] += gain
        squares[k] += gain * gain
        downside[k] += loss * loss


@compiled
def reaching(equity: Column, count: int, peak: float) -> int:
    """How many of the first `count` equities are not below the peak."""
    found = 0
    for k in range(count):
        found += equity[k] >= peak
    return found


@compiled
def lower(equity: Column, lowest: Column, count: int) -> None:
    """Keep the lowest equity of each place."""
    for k in range(count):
        lowest[k] = min(lowest[k], equity[k])


@apart
def climb(curve: Row, equity: Column, bars: Column, count: int) -> None:
    """Follow peaks and troughs one by one, in a block that reaches a peak."""
    for k in range(1, count + 1):
        if equity[k] >= curve.peak:
            sink(curve)
            curve.peak = curve.trough = equity[k]
            curve.below = 0
        else:
            curve.trough = min(curve.trough, equity[k])
            curve.below += int(bars[k])


@apart
def gather(curve: Row, lowest: Column) -> None:
    """Find the trough among the lowest equities of all places, and forget these."""
    for k in range(BLOCK):
        curve.trough = min(curve.trough, lowest[k])
    lowest[:] = np.inf


@compiled
def sink(curve: Row) -> None:
    """Compare the drawdown that is open with the deepest and with the longest one."""
    curve.drawdown = max(curve.drawdown, 1.0 - curve.trough / curve.peak)
    curve.drawdown_bars = max(curve.drawdown_bars, curve.below)
