"""The pictures of a result as Plotly's plain data: what the page's script hands to plotly.js.

Colours are those of every other page; texts and lines are greys that read on white and on black.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trading_system.research.record import Record

Plot = dict[str, Any]
"""`data` and `layout` of one picture."""

MOST_TRADES = 1_000
"""So many trades are marked on the price; the largest of more."""

_BLUE, _GREEN, _RED = "#3b82f6", "#10b981", "#ef4444"
_GREY, _GRID = "#808794", "rgba(128,135,148,0.2)"
_BAND = "rgba(128,135,148,0.28)"
_BINS = 40
_GAP = 0.04
_ROWS = {"yaxis": (0.58, 1.0), "yaxis2": (0.40, 0.54), "yaxis3": (0.0, 0.36)}


def course(record: Record) -> Plot:
    """Equity beside holding, the drawdown, and the trades on the price, over one axis of time."""
    curve = record.curve
    times = curve["time"]
    worth = record.configuration["rules"]["capital"] / record.holding["price"]
    held = [close * worth for close in curve["close"]]
    below = [100 * depth for depth in curve["drawdown"]]
    data = [
        _line("buy and hold", times, held, _GREY, width=1.1),
        _line("strategy", times, curve["equity"], _BLUE, width=1.8),
        _line("drawdown", times, below, _RED, axis="y2", legend=False)
        | {"fill": "tozeroy", "fillcolor": "rgba(239,68,68,0.18)", "hovertemplate": "%{y:.2f} %"},
        *_prices(curve),
        *_marks(record.trades),
    ]
    return {"data": data, "layout": _course_layout(times[0], times[-1])}


def distribution(record: Record) -> Plot:
    """How many trades ended with which return, in percent of what was put in."""
    returns = 100 * trade_returns(record.trades)
    edges = _edges(returns)
    counts, _ = np.histogram(returns, edges)
    middles = (edges[1:] + edges[:-1]) / 2
    bars = {
        "type": "bar",
        "x": middles.tolist(),
        "y": counts.tolist(),
        "width": (np.diff(edges) * (1 - _GAP)).tolist(),
        "marker": {"color": [_GREEN if middle > 0 else _RED for middle in middles]},
        "customdata": [list(between) for between in pairwise(edges.tolist())],
        "hovertemplate": "%{customdata[0]:.2f} % to %{customdata[1]:.2f} %: %{y} trades",
        "name": "",
    }
    layout = _layout() | {
        "showlegend": False,
        "hovermode": "closest",
        "xaxis": _axis() | {"ticksuffix": " %"},
        "yaxis": _axis() | {"side": "right", "title": {"text": "trades"}},
    }
    return {"data": [bars], "layout": layout}


def trade_returns(trades: Mapping[str, Sequence[Any]]) -> NDArray[np.float64]:
    """What each trade earned after fees, as a share of what it was entered for."""
    entered = np.asarray(trades["quantity"], float) * np.asarray(trades["entry_price"], float)
    returns: NDArray[np.float64] = np.asarray(trades["pnl"], float) / entered
    return returns


def _edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Edges of equal bins, one of them at 0, so that no bar mixes gains and losses."""
    lowest, highest = min(0.0, values.min(initial=0.0)), max(0.0, values.max(initial=0.0))
    width = (highest - lowest) / _BINS or 1.0
    return width * np.arange(math.floor(lowest / width), math.ceil(highest / width) + 1)


def _prices(curve: Mapping[str, list[float]]) -> list[Plot]:
    """The close inside a band from low to high."""
    times, edge = curve["time"], {"width": 0}
    low = _line("low", times, curve["low"], _GREY, axis="y3", legend=False) | {"line": edge}
    high = _line("high", times, curve["high"], _GREY, axis="y3", legend=False) | {"line": edge}
    close = _line("price", times, curve["close"], _GREY, axis="y3", width=1.1)
    return [low, high | {"fill": "tonexty", "fillcolor": _BAND}, close]


def _marks(trades: Mapping[str, Sequence[Any]]) -> list[Plot]:
    """Entries and exits; the exit says whether it paid."""
    pnl = np.abs(np.asarray(trades["pnl"], float))
    shown = np.sort(np.argsort(-pnl, kind="stable")[:MOST_TRADES]).tolist()
    won = [each for each in shown if trades["pnl"][each] > 0]
    lost = [each for each in shown if trades["pnl"][each] <= 0]
    return [
        _dots("entry", _at(trades, "entry", shown), _BLUE, "triangle-up"),
        _dots("exit with a profit", _at(trades, "exit", won), _GREEN, "triangle-down"),
        _dots("exit with a loss", _at(trades, "exit", lost), _RED, "triangle-down"),
    ]


def _at(trades: Mapping[str, Sequence[Any]], end: str, shown: Sequence[int]) -> Plot:
    """Where and what these trades were at their `entry` or `exit`."""
    return {
        "x": [trades[f"{end}_time"][each] for each in shown],
        "y": [trades[f"{end}_price"][each] for each in shown],
        "text": [f"{trades['side'][each]}, {trades['pnl'][each]:+,.2f}" for each in shown],
    }


def _dots(name: str, at: Plot, color: str, symbol: str) -> Plot:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        **at,
        "yaxis": "y3",
        "marker": {"color": color, "symbol": symbol, "size": 8},
        "hovertemplate": "%{y:,~r} · %{text}",
    }


def _line(
    name: str,
    times: Sequence[float],
    values: Sequence[float],
    color: str,
    *,
    axis: str = "y",
    width: float = 1.4,
    legend: bool = True,
) -> Plot:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": times,
        "y": values,
        "yaxis": axis,
        "line": {"color": color, "width": width},
        "showlegend": legend,
        "hovertemplate": "%{y:,.2f}",
    }


def _course_layout(first: float, last: float) -> Plot:
    titles = {"yaxis": "equity", "yaxis2": "drawdown", "yaxis3": "price"}
    axes = {
        name: _axis()
        | {
            "domain": list(_ROWS[name]),
            "side": "right",
            "tickformat": ",~r",
            "nticks": 6,
            "title": {"text": title, "standoff": 8},
        }
        for name, title in titles.items()
    }
    axes["yaxis2"] |= {"ticksuffix": " %", "nticks": 4}
    time = _axis() | {
        "type": "date",
        "anchor": "y3",
        "range": [first, last],
        "title": {"text": "UTC", "standoff": 4},
    }
    return _layout() | axes | {"xaxis": time}


def _layout() -> Plot:
    return {
        "font": {"family": "system-ui, sans-serif", "size": 12, "color": _GREY},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hovermode": "x unified",
        "legend": {
            "orientation": "h",
            "traceorder": "normal",
            "y": 1.01,
            "yanchor": "bottom",
            "x": 0,
            "xanchor": "left",
        },
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": _GREY, "activecolor": _BLUE},
        "margin": {"l": 16, "r": 84, "t": 40, "b": 44},
    }


def _axis() -> Plot:
    return {"gridcolor": _GRID, "linecolor": _GRID, "zeroline": False}
