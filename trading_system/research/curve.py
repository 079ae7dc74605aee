"""The course of a run in a few thousand points, which hide neither an extreme nor the end of a day.

Refuses to interpolate: every value is one that a bar had.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trading_system.backtest.engine import Result
from trading_system.domain.timeframes import Timeframe
from trading_system.frames import Column, Frame

MOST_POINTS = 5_000
"""Up to so many bars each is a point of its own."""

Times = NDArray[np.int64]
Curve = dict[str, list[float]]
"""Columns of equal length; see `curve`."""

_STEPS = (  # all of them end with the day
    *("2m", "3m", "5m", "10m", "15m", "20m", "30m"),
    *("1h", "2h", "3h", "4h", "6h", "8h", "12h", "1d"),
)


def curve(result: Result, frame: Frame, timeframe: str) -> tuple[str, Curve]:
    """How long a point is, as a timeframe, and the points; `frame`: the candles of the result.

    `time` when it opens, in ms UTC; `low`, `high` of the candles in it and the last `close`; the
    last `equity`, the deepest `drawdown` from the peak before, as a share, 0 or negative, and the
    last `exposure`, the value of what is held by equity.
    """
    step, starts = _points(result.open_time, timeframe)
    ends = np.append(starts[1:], len(result.close)) - 1
    equity = result.equity
    peak = np.maximum.accumulate(np.concatenate([[result.capital], equity]))[1:]
    columns: dict[str, Column] = {
        "low": np.minimum.reduceat(frame.low, starts),
        "high": np.maximum.reduceat(frame.high, starts),
        "close": result.close[ends],
        "equity": equity[ends],
        "drawdown": np.minimum.reduceat(equity / peak - 1, starts),
        "exposure": np.nan_to_num(result.exposure[ends]),  # nothing of nothing after ruin
    }
    return step, {
        "time": result.open_time[starts].tolist(),
        **{name: column.tolist() for name, column in columns.items()},
    }


def _points(open_time: Times, timeframe: str) -> tuple[str, Times]:
    """The shortest step that is enough, or the longest; and the bar that each point begins with."""
    step, starts = timeframe, np.arange(len(open_time))
    own = Timeframe.parse(timeframe).length
    longer = (each for each in map(Timeframe.parse, _STEPS) if each.length > own)
    while len(starts) > MOST_POINTS and (each := next(longer, None)):
        group = open_time // each.length
        step, starts = each.name, np.flatnonzero(np.diff(group, prepend=group[0] - 1))
    return step, starts
