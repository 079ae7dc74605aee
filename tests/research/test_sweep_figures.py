from __future__ import annotations

import json

import numpy as np
import pytest

from tests.research.sweeps import fragile, question
from trading_system.research import sweep_figures
from trading_system.research.objectives import objective
from trading_system.research.space import Axis, Space
from trading_system.research.trial import ROW, judge

SHARPE = objective("sharpe")


def heat_of(axes, rows_of=None, by=SHARPE, best=None):
    asked = question(axes=axes)
    numbers = [
        n
        for n in range(asked.space.size)
        if asked.space.strategy(asked.recipe.kind(), n) is not None
    ]
    rows = judge(asked)(numbers)
    best = int(rows["combination"][by.best(rows, 1)[0]]) if best is None else best
    return asked.space, rows, sweep_figures.heat(asked.space, rows, by, best)


def test_the_heat_map_has_a_cell_a_combination_and_gaps_where_one_was_refused():
    _, rows, plot = heat_of(["fast=5:25:10", "slow=10:40:10"])
    surface = plot["data"][0]
    assert (surface["y"], surface["x"]) == (["5", "15", "25"], ["10", "20", "30", "40"])
    cells = {
        (5 + 10 * (n // 4), 10 + 10 * (n % 4)): row
        for n, row in ((int(row["combination"]), row) for row in rows)
    }
    for fast, line in zip((5, 15, 25), surface["z"], strict=True):
        for slow, cell in zip((10, 20, 30, 40), line, strict=True):
            assert cell == (cells[fast, slow]["sharpe"] if fast < slow else None)


def test_other_parameters_are_those_of_the_best():
    _, _, plot = heat_of(["short=no,yes", "fast=5", "slow=10:20:5"], best=1)
    assert plot["data"][0]["y"] == ["no", "yes"]
    _, rows, plot = heat_of(["fast=5,6", "slow=10:20:5", "short=no,yes"], best=3)
    by_number = dict(zip(rows["combination"].tolist(), rows["sharpe"].tolist(), strict=True))
    assert plot["data"][0]["z"] == [
        [by_number[n] for n in (1, 3, 5)],
        [by_number[n] for n in (7, 9, 11)],
    ]
    assert (plot["data"][-1]["x"], plot["data"][-1]["y"]) == (["15"], ["5"])


def test_a_line_encloses_the_upper_quarter():
    _, rows, plot = heat_of(["fast=5:25:10", "slow=10:40:10"])
    low, high = rows["sharpe"].min(), rows["sharpe"].max()
    assert plot["data"][1]["contours"]["start"] == pytest.approx(low + 0.75 * (high - low))
    _, rows, plot = heat_of(["fast=5:25:10", "slow=10:40:10"], by=objective("fees"))
    low, high = rows["fees"].min(), rows["fees"].max()
    assert plot["data"][1]["contours"]["start"] == pytest.approx(high - 0.75 * (high - low))


def test_all_alike_have_no_plateau():
    _, _, plot = heat_of(["fast=5,6", "slow=10,11"], by=objective("bars"))
    assert [trace["type"] for trace in plot["data"]] == ["heatmap", "scatter"]


def test_one_axis_is_no_map_and_neither_are_more_cells_than_a_screen_has():
    assert heat_of(["fast=5:9", "slow=30"])[2] is None
    wide = Space(
        axes=tuple(Axis(name=name, values=tuple(range(600))) for name in "ab"), defaults={}
    )
    assert sweep_figures.heat(wide, np.zeros(1, ROW), SHARPE, 0) is None


def test_parallel_coordinates_have_an_axis_a_parameter_and_figure(tmp_path):
    asked = question(fragile(tmp_path), ["turns=1,2", "dead=no,yes"])
    plot = sweep_figures.parallel(asked.space, judge(asked)(range(4)), SHARPE)
    lines = plot["data"][0]
    labels = [each["label"] for each in lines["dimensions"]]
    assert labels == ["turns", "dead", "sharpe", "total_return", "max_drawdown", "trades"]
    assert lines["dimensions"][0]["values"] == [1, 2]  # those that never traded have no Sharpe
    assert lines["dimensions"][1] == {
        "label": "dead", "values": [0, 0], "tickvals": [0, 1], "ticktext": ["no", "yes"],
    }  # fmt: skip
    json.dumps(plot, allow_nan=False)


def test_parallel_coordinates_of_nothing_are_empty():
    asked = question()
    plot = sweep_figures.parallel(asked.space, np.zeros(0, ROW), SHARPE)
    assert plot["data"][0]["line"]["color"] == []


def test_many_lines_are_thinned_the_best_and_the_worst_among_them():
    rows = np.zeros(5_000, ROW)
    rows["combination"] = np.arange(5_000)
    rows["sharpe"] = np.random.default_rng(1).permutation(5_000)
    space = Space(axes=(Axis(name="a", values=tuple(range(5_000))),), defaults={})
    drawn = sweep_figures.parallel(space, rows, SHARPE)["data"][0]["line"]["color"]
    assert len(drawn) == 1_500
    assert {min(drawn), max(drawn)} == {0, 4_999}


def test_permuted_markets_are_counted_and_the_real_one_is_marked():
    plot = sweep_figures.luck(np.array([-np.inf, 0.0, 1.0, 1.0, 2.0]), 1.5, objective("fees"))
    assert sum(plot["data"][0]["y"]) == 4
    assert plot["layout"]["shapes"][0]["x0"] == -1.5
    assert max(plot["data"][0]["x"]) <= 0
