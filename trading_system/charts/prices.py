"""Prices of many symbols as lines or candles, as many points as a screen can tell apart."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from trading_system.charts.looks import COLORS, FALLING, RISING, Scale, layout
from trading_system.domain.candles import Span
from trading_system.domain.timeframes import Timeframe
from trading_system.frames import Column, Frame

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


class Kind(StrEnum):
    """How prices are drawn."""

    LINE = "line"
    CANDLES = "candles"


# fmt: off
_LADDER = (
    "1m", "2m", "3m", "5m", "10m", "15m", "20m", "30m", "1h", "90m", "2h", "3h", "4h", "6h", "8h",
    "12h", "1d", "2d", "3d", "1w", "2w", "4w", "8w", "16w",
)
# fmt: on
_MOST_POINTS = 1_500  # candles of one symbol that a wide screen can tell apart
_FEWEST_POINTS = 100
# What a browser draws without a pause, over all symbols: a candle costs it much more than a line.
_BUDGET = {Kind.LINE: 30_000, Kind.CANDLES: 6_000}
_NAMED_IN_TITLE = 4


def screen_timeframe(span: Span, symbols: int, kind: Kind) -> Timeframe:
    """The shortest familiar timeframe with which so many symbols over this span fit a screen."""
    points = max(_FEWEST_POINTS, min(_MOST_POINTS, _BUDGET[kind] // max(1, symbols)))
    timeframes = [Timeframe.parse(name) for name in _LADDER]
    fitting = (each for each in timeframes if (span.end - span.start) // each.length <= points)
    return next(fitting, timeframes[-1])


def price_figure(
    frames: Mapping[str, Frame], *, timeframe: Timeframe, kind: Kind, scale: Scale
) -> Figure:
    """One trace and one legend entry a name; all frames hold candles of `timeframe`."""
    from plotly.graph_objects import Figure  # noqa: PLC0415 -- see the package's docstring

    colors = cycle(COLORS)
    if kind is Kind.LINE:
        traces = [_line(name, frame, timeframe, next(colors)) for name, frame in frames.items()]
    elif len(frames) == 1:
        traces = [_candles(name, frame, RISING, FALLING) for name, frame in frames.items()]
    else:
        # Several symbols are told apart by a colour each; a falling candle is a filled one.
        traces = [
            _candles(name, frame, color, color)
            for (name, frame), color in zip(frames.items(), colors, strict=False)
        ]
    return Figure(data=traces, layout=layout(_title(list(frames), timeframe), scale))


def _line(name: str, frame: Frame, timeframe: Timeframe, color: str) -> dict[str, Any]:
    times, prices = _line_points(frame, timeframe)
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": times,
        "y": prices,
        "line": {"width": 1.4, "color": color},
        "hovertemplate": "%{y:,~r}",
    }


def _line_points(frame: Frame, timeframe: Timeframe) -> tuple[Column, Column]:
    """The close of every minute; of longer candles low and high, in the order of their way.

    So the extremes stay visible. A hole in the data is a hole in the line: one NaN.
    """
    times = frame.open_time.astype(np.float64)
    after_hole = np.flatnonzero(np.diff(times) > timeframe.length) + 1
    if timeframe == Timeframe.parse("1m"):
        prices = frame.close
    else:
        low_first = frame.close >= frame.open
        first = np.where(low_first, frame.low, frame.high)
        second = np.where(low_first, frame.high, frame.low)
        prices = np.column_stack((first, second)).ravel()
        times = np.column_stack((times, times + timeframe.length / 2)).ravel()
        after_hole *= 2
    return (
        np.insert(times, after_hole, times[after_hole]),
        np.insert(prices, after_hole, np.nan),
    )


def _candles(name: str, frame: Frame, rising: str, falling: str) -> dict[str, Any]:
    return {
        "type": "candlestick",
        "name": name,
        "x": frame.open_time.astype(np.float64),
        "open": frame.open,
        "high": frame.high,
        "low": frame.low,
        "close": frame.close,
        "increasing": {"line": {"width": 1, "color": rising}, "fillcolor": "rgba(0,0,0,0)"},
        "decreasing": {"line": {"width": 1, "color": falling}, "fillcolor": falling},
    }


def _title(names: list[str], timeframe: Timeframe) -> str:
    if not names:
        return "No prices yet"
    more = len(names) - _NAMED_IN_TITLE
    shown = ", ".join(names[:_NAMED_IN_TITLE]) + (f" and {more} more" if more > 0 else "")
    return f"{shown} · {timeframe.name}"
