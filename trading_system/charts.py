"""Frames to Plotly figures and pages that work offline. Pure: no I/O, no clock.

plotly is imported when the first figure is drawn, so that a system nobody looks at stays small.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from trading_system.domain.candles import Span
from trading_system.domain.decisions import Decision
from trading_system.domain.positions import Equity
from trading_system.domain.timeframes import Timeframe
from trading_system.frames import Column, Frame
from trading_system.ports import RecordedFill

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


class Kind(StrEnum):
    """How prices are drawn."""

    LINE = "line"
    CANDLES = "candles"


class Scale(StrEnum):
    """The price axis; on `log` equal distances are equal percentages."""

    LOG = "log"
    LINEAR = "linear"


# fmt: off
_LADDER = (
    "1m", "2m", "3m", "5m", "10m", "15m", "20m", "30m", "1h", "90m", "2h", "3h", "4h", "6h", "8h",
    "12h", "1d", "2d", "3d", "1w", "2w", "4w", "8w", "16w",
)
_COLORS = (
    "#3b82f6", "#f59e0b", "#10b981", "#ef4444", "#8b5cf6",
    "#ec4899", "#06b6d4", "#84cc16", "#f97316", "#a8a29e",
)
# fmt: on
_MOST_POINTS = 1_500  # candles of one symbol that a wide screen can tell apart
_FEWEST_POINTS = 100
# What a browser draws without a pause, over all symbols: a candle costs it much more than a line.
_BUDGET = {Kind.LINE: 30_000, Kind.CANDLES: 6_000}
_NAMED_IN_TITLE = 4

_RISING, _FALLING = "#10b981", "#ef4444"
# Grey with transparency reads on white and on black alike, so the page may follow the system.
_TEXT, _GRID = "#808794", "rgba(128,135,148,0.2)"


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
    from plotly.graph_objects import Figure  # noqa: PLC0415 -- see the module's docstring

    colors = cycle(_COLORS)
    if kind is Kind.LINE:
        traces = [_line(name, frame, timeframe, next(colors)) for name, frame in frames.items()]
    elif len(frames) == 1:
        traces = [_candles(name, frame, _RISING, _FALLING) for name, frame in frames.items()]
    else:
        # Several symbols are told apart by a colour each; a falling candle is a filled one.
        traces = [
            _candles(name, frame, color, color)
            for (name, frame), color in zip(frames.items(), colors, strict=False)
        ]
    return Figure(data=traces, layout=_layout(_title(list(frames), timeframe), scale))


def equity_figure(marks: Sequence[Equity]) -> Figure:
    """Equity and its peak above, the drawdown in percent of the peak below."""
    from plotly.graph_objects import Figure  # noqa: PLC0415 -- see the module's docstring

    times = [mark.at.timestamp() * 1000 for mark in marks]
    quote = marks[-1].quote if marks else ""
    layout = _layout(f"Equity · {quote}" if marks else "No equity marked yet", Scale.LINEAR)
    layout["yaxis"] |= {"domain": [0.34, 1.0]}
    layout["yaxis2"] = layout["yaxis"] | {"domain": [0.0, 0.26], "ticksuffix": " %", "nticks": 4}
    layout["xaxis"] |= {"anchor": "y2"}
    peak = {"width": 1, "color": _TEXT, "dash": "dot"}
    below = [-100.0 * float(mark.drawdown) for mark in marks]
    traces = (
        _curve("peak", times, [float(mark.peak) for mark in marks], peak),
        _curve("equity", times, [float(mark.total) for mark in marks], {"color": _COLORS[0]}),
        _curve("drawdown", times, below, {"color": _FALLING})
        | {"yaxis": "y2", "fill": "tozeroy", "hovertemplate": "%{y:.2f} %"},
    )
    return Figure(data=traces, layout=layout)


def strategy_figure(
    title: str,
    bars: Sequence[Decision],
    fills: Sequence[RecordedFill],
    equity: Sequence[tuple[int, float]],
) -> Figure:
    """Above the closes with the indicators, each change of the target and each fill; below equity.

    `bars` ascend and are of one symbol; `equity` are (ms UTC, quote asset).
    """
    from plotly.graph_objects import Figure  # noqa: PLC0415 -- see the module's docstring

    layout = _layout(title, Scale.LINEAR)
    layout["yaxis"] |= {"domain": [0.34, 1.0]}
    layout["yaxis2"] = layout["yaxis"] | {"domain": [0.0, 0.26], "nticks": 4}
    layout["xaxis"] |= {"anchor": "y2"}
    times = [float(each.bar.open_time) for each in bars]
    changed = [
        each
        for before, each in zip((None, *bars), bars, strict=False)
        if before is None or each.target != before.target
    ]
    lines = dict.fromkeys(name for each in bars for name in each.lines)
    worth = {"width": 1.4, "color": _COLORS[3]}
    traces = [
        _curve("price", times, [each.price for each in bars], {"color": _COLORS[0]}),
        *(
            _curve(name, times, [_number(each.lines.get(name)) for each in bars], {"color": color})
            for name, color in zip(lines, _COLORS[4:], strict=False)
        ),
        _marks("signal", [(each.bar.open_time, each.price) for each in changed], "circle", _TEXT)
        | {"text": [f"target {each.target:g}" for each in changed if each.target is not None]},
        *(
            _marks(side.lower(), _executed(fills, side), symbol, color)
            for side, symbol, color in (
                ("BUY", "triangle-up", _RISING),
                ("SELL", "triangle-down", _FALLING),
            )
        ),
        _curve("equity", [float(at) for at, _ in equity], [total for _, total in equity], worth)
        | {"yaxis": "y2"},
    ]
    return Figure(data=traces, layout=layout)


def page(figure: Figure, *, scripts: Sequence[str], stylesheet: str, icon: str) -> str:
    """A whole HTML document; all arguments are URLs of our own, of the scripts plotly.js first.

    The figure travels as data and not as code, so that the page can forbid inline scripts.
    """
    return _PAGE.format(
        title=html.escape(figure.layout.title.text),
        links=f'<link rel="stylesheet" href="{stylesheet}">\n<link rel="icon" href="{icon}">',
        scripts="\n".join(f'<script defer src="{url}"></script>' for url in scripts),
        figure=figure.to_json().replace("<", "\\u003c"),  # no "</script>" may end the data
    )


def _curve(
    name: str, times: list[float], values: list[float], line: dict[str, Any]
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": times,
        "y": values,
        "line": {"width": 1.4} | line,
        "hovertemplate": "%{y:,.2f}",
    }


def _marks(
    name: str, points: Sequence[tuple[float, float]], symbol: str, color: str
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [at for at, _ in points],
        "y": [price for _, price in points],
        "marker": {"symbol": symbol, "size": 9, "color": color},
        "hovertemplate": "%{y:,~r} %{text}",
    }


def _executed(fills: Sequence[RecordedFill], side: str) -> list[tuple[float, float]]:
    return [
        (row.fill.time.timestamp() * 1000, float(row.fill.price))
        for row in fills
        if row.side == side
    ]


def _number(value: float | None) -> float:
    return np.nan if value is None else value


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


def _layout(title: str, scale: Scale) -> dict[str, Any]:
    axis = {
        "gridcolor": _GRID,
        "linecolor": _GRID,
        "zeroline": False,
        "showspikes": True,
        "spikemode": "across",
        "spikesnap": "cursor",
        "spikethickness": 1,
        "spikedash": "dot",
        "spikecolor": _TEXT,
    }
    return {
        "title": {"text": title, "x": 0.01, "xanchor": "left", "font": {"size": 17}},
        "font": {"family": "system-ui, sans-serif", "size": 12, "color": _TEXT},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "colorway": list(_COLORS),
        "hovermode": "x unified",
        "dragmode": "zoom",
        "showlegend": True,
        "legend": {"orientation": "h", "y": 1.01, "yanchor": "bottom", "x": 0, "xanchor": "left"},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": _TEXT, "activecolor": _COLORS[0]},
        "margin": {"l": 16, "r": 72, "t": 84, "b": 48},
        "xaxis": axis
        # Times are numbers (ms), which plotly takes for UTC as soon as the axis is one of dates.
        | {
            "type": "date",
            "rangeslider": {"visible": False},
            "title": {"text": "UTC", "standoff": 4},
        },
        "yaxis": axis | {"type": scale.value, "side": "right", "tickformat": ",~r", "nticks": 7},
    }


_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
{links}
{scripts}
</head>
<body class="chart">
<nav id="controls"></nav>
<main id="chart"></main>
<script type="application/json" id="figure">{figure}</script>
</body>
</html>
"""
