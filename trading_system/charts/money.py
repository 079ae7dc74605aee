"""Equity, and what a strategy decided and traded, as figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from trading_system.charts.looks import COLORS, FALLING, RISING, TEXT, Scale, layout
from trading_system.domain.decisions import Decision
from trading_system.domain.positions import Equity
from trading_system.domain.timeframes import Timeframe
from trading_system.ports import RecordedFill

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def equity_figure(marks: Sequence[Equity]) -> Figure:
    """Equity and its peak above, the drawdown in percent of the peak below."""
    from plotly.graph_objects import Figure  # noqa: PLC0415 -- see the package's docstring

    times = [mark.at.timestamp() * 1000 for mark in marks]
    quote = marks[-1].quote if marks else ""
    shape = layout(f"Equity · {quote}" if marks else "No equity marked yet", Scale.LINEAR)
    shape["yaxis"] |= {"domain": [0.34, 1.0]}
    shape["yaxis2"] = shape["yaxis"] | {"domain": [0.0, 0.26], "ticksuffix": " %", "nticks": 4}
    shape["xaxis"] |= {"anchor": "y2"}
    peak = {"width": 1, "color": TEXT, "dash": "dot"}
    below = [-100.0 * float(mark.drawdown) for mark in marks]
    traces = (
        _curve("peak", times, [float(mark.peak) for mark in marks], peak),
        _curve("equity", times, [float(mark.total) for mark in marks], {"color": COLORS[0]}),
        _curve("drawdown", times, below, {"color": FALLING})
        | {"yaxis": "y2", "fill": "tozeroy", "hovertemplate": "%{y:.2f} %"},
    )
    return Figure(data=traces, layout=shape)


def strategy_figure(
    title: str,
    timeframe: Timeframe,
    bars: Sequence[Decision],
    fills: Sequence[RecordedFill],
    equity: Sequence[tuple[int, float]],
) -> Figure:
    """Above the closes with the indicators, each change of the target and each fill; below equity.

    `bars` ascend and are of one symbol; a bar stands at its close, when it was decided. `equity`
    are (ms UTC, quote asset).
    """
    from plotly.graph_objects import Figure  # noqa: PLC0415 -- see the package's docstring

    shape = layout(title, Scale.LINEAR)
    shape["yaxis"] |= {"domain": [0.34, 1.0]}
    shape["yaxis2"] = shape["yaxis"] | {"domain": [0.0, 0.26], "nticks": 4}
    shape["xaxis"] |= {"anchor": "y2"}
    times = [float(_close(each, timeframe)) for each in bars]
    changed = [
        each
        for before, each in zip((None, *bars), bars, strict=False)
        if before is None or each.target != before.target
    ]
    turns = [(_close(each, timeframe), each.price) for each in changed]
    lines = dict.fromkeys(name for each in bars for name in each.lines)
    worth = {"width": 1.4, "color": COLORS[1]}
    traces = [
        _curve("price", times, [each.price for each in bars], {"color": COLORS[0]}),
        *(
            _curve(name, times, [_number(each.lines.get(name)) for each in bars], {"color": color})
            for name, color in zip(lines, COLORS[4:], strict=False)
        ),
        _marks("signal", turns, "circle", TEXT)
        | {"text": [f"target {each.target:g}" for each in changed if each.target is not None]},
        *(
            _marks(side.lower(), _executed(fills, side), symbol, color)
            for side, symbol, color in (
                ("BUY", "triangle-up", RISING),
                ("SELL", "triangle-down", FALLING),
            )
        ),
        _curve("equity", [float(at) for at, _ in equity], [total for _, total in equity], worth)
        | {"yaxis": "y2"},
    ]
    return Figure(data=traces, layout=shape)


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


def _close(decision: Decision, timeframe: Timeframe) -> int:
    return decision.bar.open_time + timeframe.length


def _executed(fills: Sequence[RecordedFill], side: str) -> list[tuple[float, float]]:
    return [
        (row.fill.time.timestamp() * 1000, float(row.fill.price))
        for row in fills
        if row.side == side
    ]


def _number(value: float | None) -> float:
    return np.nan if value is None else value
