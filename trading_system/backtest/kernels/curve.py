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

LANES = 128
"""Sums that they are added to: LANES divides BLOCK."""

AHEAD = 64
"""Equities that are drawn at once; those that are too many are overwritten."""

EQUITY, FLAT, BARS, RETURNS, SQUARES, DOWNSIDE, LOWEST = range(7)
"""Rows of a sheet: equities, the last one before a block first; the places of those that stand for
several bars, and for how many; lanes."""

_Place = np.uint64  # as an index it is never negative, which the compiler need not check then


def blank_sheet(capital: float) -> Rows:
    """A sheet on which nothing but the equity before the first bar is written."""
    sheet = np.zeros((7, 1 + BLOCK + AHEAD))
    sheet[EQUITY, 0] = capital
    sheet[LOWEST] = np.inf
    return sheet


@compiled
def measure(close: Column, fills: Rows, count: int, until: int, curves: Rows, sheet: Rows) -> None:
    """Follow what is held over the first `count` fills, and then to the close before `until`.

    `curves`: one row, which knows where it is and what is held there; `sheet`: as `blank_sheet`
    makes one. Equity is cash + units x close; while nothing is held, a close stands for all up to
    the next.
    """
    curve = curves[0]
    equity = sheet[EQUITY]
    cash, units, bar, used = curve.cash, curve.units, curve.bar, curve.used
    for j in range(count + 1):
        end = fills[j].bar if j < count else until
        if units != 0.0:
            curve.bars_held += max(end - bar, 0)
        while bar < end:
            if units == 0.0:
                equity[used] = cash
                sheet[FLAT, curve.flats], sheet[BARS, curve.flats] = used, end - bar
                curve.flats += 1
                bar, used = end, used + 1
            else:
                held = min(end - bar, AHEAD)
                draw(close, equity, bar, used, cash, units)
                bar, used = bar + held, used + held
            if used > BLOCK:
                used -= BLOCK
                add(curve, sheet, bar - used + 1)
                equity[0] = equity[BLOCK]
                for k in range(1, used):
                    equity[k] = equity[BLOCK + k]
        if j < count:
            cash, units = fills[j].cash, fills[j].units
    curve.cash, curve.units, curve.bar, curve.used = cash, units, bar, used


@compiled
def draw(close: Column, equity: Column, bar: int, used: int, cash: float, units: float) -> None:
    """Append the equity at AHEAD closes from `bar` on, or at as many as there are."""
    source, place = _Place(bar), _Place(used)
    if bar + AHEAD <= len(close):
        for k in range(_Place(AHEAD)):  # a number that the compiler knows: no loop remains
            equity[place + k] = cash + units * close[source + k]
    else:
        for k in range(_Place(len(close) - bar)):
            equity[place + k] = cash + units * close[source + k]


@compiled
def conclude(curves: Rows, sheet: Rows) -> None:
    """Add up what is left; nothing may follow."""
    curve, equity = curves[0], sheet[EQUITY]
    curve.equity = equity[curve.used - 1]
    for k in range(curve.used, BLOCK + 1):
        equity[k] = curve.equity  # that stays, and so adds nothing
    add(curve, sheet, curve.bar)
    gather(curve, sheet[LOWEST])
    sink(curve)
    for k in range(LANES):
        curve.returns += sheet[RETURNS, k]
        curve.squares += sheet[SQUARES, k]
        curve.downside += sheet[DOWNSIDE, k]


@apart
def add(curve: Row, sheet: Rows, until: int) -> None:
    """Add a block of equities, up to the close before `until`, to the sums and to the drawdown."""
    equity = sheet[EQUITY]
    add_returns(equity, sheet[RETURNS], sheet[SQUARES], sheet[DOWNSIDE])
    if reaching(equity[1:], curve.peak):
        gather(curve, sheet[LOWEST])
        climb(curve, sheet, until)
    else:
        lower(equity[1:], sheet[LOWEST])
        curve.below += until - curve.added
    curve.added, curve.flats = until, 0


@compiled
def add_returns(equity: Column, returns: Column, squares: Column, downside: Column) -> None:
    """Add r, r² and min(r, 0)² of each equity of a block to the lane of its place.

    The return of a bar is its change by the equity before it; an equity that stays returns nothing,
    whatever it is.
    """
    for k in range(LANES):
        gained = squared = lost = 0.0
        for place in range(k, k + BLOCK, LANES):
            change = equity[place + 1] - equity[place]
            gain = change / equity[place] if change != 0.0 else 0.0
            loss = min(gain, 0.0)
            gained += gain
            squared += gain * gain
            lost += loss * loss
        returns[k] += gained
        squares[k] += squared
        downside[k] += lost


@compiled
def reaching(equity: Column, peak: float) -> int:
    """How many lanes have an equity that is not below the peak."""
    found = 0
    for k in range(LANES):
        highest = equity[k]
        for place in range(k + LANES, k + BLOCK, LANES):
            highest = max(highest, equity[place])
        found += highest >= peak
    return found


@compiled
def lower(equity: Column, lowest: Column) -> None:
    """Keep the lowest equity of each lane."""
    for k in range(LANES):
        for place in range(k, k + BLOCK, LANES):
            lowest[k] = min(lowest[k], equity[place])


@compiled
def climb(curve: Row, sheet: Rows, until: int) -> None:
    """Follow peaks and troughs one by one, in a block that reaches a peak."""
    equity, bar, flat = sheet[EQUITY], curve.added, 0
    k = 1
    while bar < until:
        bars = 1
        if flat < curve.flats and sheet[FLAT, flat] == k:
            bars = int(sheet[BARS, flat])
            flat += 1
        if equity[k] >= curve.peak:
            sink(curve)
            curve.peak = curve.trough = equity[k]
            curve.below = 0
        else:
            curve.trough = min(curve.trough, equity[k])
            curve.below += bars
        bar, k = bar + bars, k + 1


@apart
def gather(curve: Row, lowest: Column) -> None:
    """Find the trough among the lowest equities of all lanes, and forget these."""
    for k in range(LANES):
        curve.trough = min(curve.trough, lowest[k])
    lowest[:] = np.inf


@compiled
def sink(curve: Row) -> None:
    """Compare the drawdown that is open with the deepest and with the longest one."""
    curve.drawdown = max(curve.drawdown, 1.0 - curve.trough / curve.peak)
    curve.drawdown_bars = max(curve.drawdown_bars, curve.below)
