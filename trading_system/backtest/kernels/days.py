"""What is left at the end of each day: the returns that a run is judged by are daily ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trading_system.backtest.kernels.compiling import Rows, apart, compiled
from trading_system.frames import Column

DAY = 86_400_000


@apart
def daily_equity(
    open_time: NDArray[np.int64], close: Column, fills: Rows, capital: float, equity: Column
) -> int:
    """Write down the equity at the last close of each day (UTC) that has one; how many there are.

    `open_time`, in ms, and `close` have the shape (n,).
    """
    cash, units = capital, 0.0
    bar, width, fill, days = 0, 1, 0, 0
    while bar < len(open_time):
        end = day_end(open_time, bar, width)
        while fill < len(fills) and fills[fill].bar < end:
            cash, units = fills[fill].cash, fills[fill].units
            fill += 1
        equity[days] = cash + units * close[end - 1]
        bar, width, days = end, end - bar, days + 1
    return days


@compiled
def day_end(open_time: NDArray[np.int64], bar: int, width: int) -> int:
    """The first bar after the day of `bar`; looked for first where a day of `width` bars ends.

    Most days have as many bars as the one before, and bars far apart are slow to look at.
    """
    limit = (open_time[bar] // DAY + 1) * DAY
    low, high = bar, bar + width
    if high <= len(open_time) and open_time[high - 1] < limit:
        low = high - 1
    while high < len(open_time) and open_time[high] < limit:
        low, high = high, high + width
    high = min(high, len(open_time))
    while high - low > 1:
        middle = (low + high) // 2
        if open_time[middle] < limit:
            low = middle
        else:
            high = middle
    return high
