"""The pictures of a sweep as Plotly's plain data; `report_figures` has those of one backtest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trading_system.backtest.records import Rows
from trading_system.frames import Column
from trading_system.research.objectives import Objective
from trading_system.research.space import Axis, Space, written
from trading_system.research.walk_forward import Record

Plot = dict[str, Any]
"""`data` and `layout` of one picture."""

_BLUE, _RED = "#3b82f6", "#ef4444"
_GREY, _GRID = "#808794", "rgba(128,135,148,0.2)"
_SCALE = "Viridis"
_BARE = "<extra></extra>"
_MOST_CELLS = 250_000
_MOST_LINES = 1_500
_PLATEAU = 0.75
_FIGURES = ("total_return", "sharpe", "max_drawdown", "trades")


def heat(space: Space, rows: Rows, objective: Objective, best: int) -> Plot | None:
    """The metric over the first two axes, all other parameters being those of the best one.

    A line encloses the upper quarter of what there is between the worst and the best: a plateau is
    wide. None with fewer than two axes to draw, or too many cells for a screen.
    """
    axes = [axis for axis in space.axes if len(axis.values) > 1][:2]
    if len(axes) < 2 or math.prod(len(axis.values) for axis in axes) > _MOST_CELLS:  # noqa: PLR2004 -- a picture has two axes
        return None
    down, across = axes
    shown = slice_through(space, rows, best, (down.name, across.name))
    figures = np.full((len(down.values), len(across.values)), np.nan)
    places = _places(space, np.asarray(shown["combination"]))
    figures[places[down.name], places[across.name]] = shown[objective.metric]
    here = space.values(best)
    x, y = _texts(across), _texts(down)
    surface = {"x": x, "y": y, "z": _plain(figures), "colorscale": _SCALE}
    surface["reversescale"] = objective.sign < 0
    data = [
        surface
        | {
            "type": "heatmap",
            "colorbar": {"thickness": 12, "outlinewidth": 0},
            "hovertemplate": f"{across.name} %{{x}}, {down.name} %{{y}}: %{{z:.4~g}}{_BARE}",
        },
        *_plateau(surface, figures, objective),
        {
            "type": "scatter",
            "mode": "markers",
            "x": [written(here[across.name])],
            "y": [written(here[down.name])],
            "marker": {"symbol": "x", "size": 11, "color": _RED, "line": {"width": 1}},
            "hovertemplate": f"the best{_BARE}",
        },
    ]
    layout = _layout() | {
        "xaxis": _axis(across.name) | {"type": "category", "nticks": 20},
        "yaxis": _axis(down.name) | {"type": "category", "nticks": 20},
    }
    return {"data": data, "layout": layout}


def parallel(space: Space, rows: Rows, objective: Objective) -> Plot:
    """A line a combination through its parameters and figures: the best, and every so many others.

    Only those that have the metric are drawn.
    """
    order = objective.best(rows, len(rows))
    order = order[np.isfinite(rows[objective.metric][order])]
    thinned = np.linspace(0, len(order) - 1, min(len(order), _MOST_LINES)).astype(np.int64)
    shown = rows[np.sort(order[thinned])] if len(order) else rows[:0]
    places = _places(space, np.asarray(shown["combination"]))
    dimensions = [
        _dimension_of(axis, places[axis.name]) for axis in space.axes if len(axis.values) > 1
    ]
    for name in dict.fromkeys((objective.metric, *_FIGURES)):
        figures = shown[name].astype(np.float64)
        if np.isfinite(figures).all():
            dimensions.append({"label": name, "values": figures.tolist()})
    lines = {
        "type": "parcoords",
        "line": {
            "color": shown[objective.metric].astype(np.float64).tolist(),
            "colorscale": _SCALE,
            "reversescale": objective.sign < 0,
        },
        "dimensions": dimensions,
        "labelfont": {"color": _GREY},
        "tickfont": {"color": _GREY},
        "rangefont": {"color": "rgba(0,0,0,0)"},
    }
    return {"data": [lines], "layout": _layout() | {"margin": {"l": 60, "r": 60, "t": 72, "b": 20}}}


def course(walk: Record) -> Plot:
    """The equity of all tests together, and where parameters were chosen anew."""
    result = walk.result
    every = max(1, len(result.close) // 2_000)
    times = result.open_time[::every].tolist()
    first = walk.steps[0].window.split
    splits = [int(result.open_time[step.window.split - first]) for step in walk.steps[1:]]
    line = {
        "type": "scatter",
        "mode": "lines",
        "x": times,
        "y": result.equity[::every].tolist(),
        "line": {"color": _BLUE, "width": 1.6},
        "hovertemplate": "%{y:,.2f}" + _BARE,
    }
    marks = [
        {
            "type": "line",
            "x0": split,
            "x1": split,
            "y0": 0,
            "y1": 1,
            "yref": "paper",
            "line": {"color": _GRID, "width": 1, "dash": "dot"},
        }
        for split in splits
    ]
    layout = _layout() | {
        "shapes": marks,
        "xaxis": _axis("UTC") | {"type": "date"},
        "yaxis": _axis("equity") | {"side": "right", "tickformat": ",~r"},
    }
    return {"data": [line], "layout": layout}


def luck(scores: Column, score: float, objective: Objective) -> Plot:
    """How good the best was in each permuted market, and in the real one."""
    counts, edges = np.histogram(scores[np.isfinite(scores)], min(60, max(10, len(scores) // 10)))
    bars = {
        "type": "bar",
        "x": (objective.sign * (edges[1:] + edges[:-1]) / 2).tolist(),
        "y": counts.tolist(),
        "width": np.diff(edges).tolist(),
        "marker": {"color": _GREY},
        "hovertemplate": "%{x:.4~g}: %{y} markets" + _BARE,
    }
    here = {
        "type": "line",
        "x0": objective.sign * score,
        "x1": objective.sign * score,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "line": {"color": _RED, "width": 2},
    }
    layout = _layout() | {
        "shapes": [here],
        "xaxis": _axis(f"best {objective.metric}; red: the real market"),
        "yaxis": _axis("permuted markets") | {"side": "right"},
    }
    return {"data": [bars], "layout": layout}


def slice_through(space: Space, rows: Rows, best: int, free: Sequence[str]) -> Rows:
    """The rows that differ from the best one in the `free` parameters only."""
    places = _places(space, np.asarray(rows["combination"]))
    here = _places(space, np.array([best]))
    held = [places[name] == here[name] for name in places if name not in free]
    return rows[np.logical_and.reduce(held)] if held else rows


def _places(space: Space, combinations: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    rest, found = combinations, dict[str, NDArray[np.int64]]()
    for axis in reversed(space.axes):
        rest, found[axis.name] = np.divmod(rest, len(axis.values))
    return found


def _plateau(surface: Plot, figures: NDArray[np.float64], objective: Objective) -> list[Plot]:
    seen = objective.sign * figures[np.isfinite(figures)]
    if len(seen) == 0 or seen.min() == seen.max():
        return []
    edge = objective.sign * (seen.min() + _PLATEAU * (seen.max() - seen.min()))
    contours = {"start": edge, "end": edge, "size": 1, "coloring": "none"}
    line = {"color": "#ffffff", "width": 2}
    shape = {"type": "contour", "contours": contours, "line": line, "showscale": False}
    return [{name: surface[name] for name in "xyz"} | shape | {"hoverinfo": "skip"}]


def _dimension_of(axis: Axis, places: NDArray[np.int64]) -> Plot:
    """Numbers where they are; words at even distances."""
    column = axis.column
    if column.dtype.kind in "if":
        return {"label": axis.name, "values": column[places].tolist()}
    ticks = {"tickvals": list(range(len(column))), "ticktext": _texts(axis)}
    return {"label": axis.name, "values": places.tolist()} | ticks


def _texts(axis: Axis) -> list[str]:
    return [written(value) for value in axis.values]


def _plain(figures: NDArray[np.float64]) -> list[list[float | None]]:
    """Figures that JSON can hold; a gap where there is none."""
    return [[value if math.isfinite(value) else None for value in row] for row in figures.tolist()]


def _axis(title: str) -> Plot:
    return {
        "gridcolor": _GRID,
        "linecolor": _GRID,
        "zeroline": False,
        "title": {"text": title, "standoff": 8},
    }


def _layout() -> Plot:
    return {
        "font": {"family": "system-ui, sans-serif", "size": 12, "color": _GREY},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hovermode": "closest",
        "showlegend": False,
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": _GREY, "activecolor": _BLUE},
        "margin": {"l": 56, "r": 72, "t": 20, "b": 52},
    }
