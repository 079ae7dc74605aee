"""A sweep as one HTML file that works offline: the best, the heat map, parallel coordinates.

What was asked beside the sweep, walking forward and permuted markets, has its place below.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from trading_system.backtest.records import Rows
from trading_system.frames import Column
from trading_system.research import sweep_figures
from trading_system.research.objectives import Objective
from trading_system.research.permutation import p_value
from trading_system.research.ranking import Ranked
from trading_system.research.record import canonical
from trading_system.research.report import asset, plotly_script
from trading_system.research.space import said, written
from trading_system.research.trial import Question
from trading_system.research.walk_forward import Record
from trading_system.research.wording import Unit, text


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """What a sweep came to; `best` is empty when there is no row."""

    id: str
    question: Question
    objective: Objective
    rows: Rows
    refused: int
    best: Sequence[Ranked]
    walk: Record | None = None
    luck: Column | None = None
    """The best scores in permuted markets."""

    @property
    def score(self) -> float:
        """That of the best."""
        return self.objective.score(self.best[0].metrics)

    @property
    def p_value(self) -> float | None:
        """How probable the best is by luck; None where that was not asked."""
        return None if self.luck is None else p_value(self.score, self.luck)


def page(answer: Answer) -> str:
    """The whole document, about 5 MB, most of it plotly.js; for an answer that has a best."""
    history = answer.question.history
    title = f"{answer.question.recipe.name} on {history.symbol} {history.timeframe}"
    sections, plots = _sections(answer)
    return _PAGE.format(
        title=html.escape(title),
        span=f"{history.start:%Y-%m-%d %H:%M} to {history.end:%Y-%m-%d %H:%M} UTC",
        id=answer.id,
        style=asset("report.css"),
        tiles="".join(_tiles(answer)),
        sections="".join(sections),
        plots=canonical(plots).replace("<", "\\u003c"),  # no "</script>" may end the data
        plotly=plotly_script(),
        script=asset("report.js"),
    )


def figure(metric: str, value: float) -> str:
    """A figure of a metric in words."""
    return text(_UNITS.get(metric, Unit.RATIO), value)


def day(milliseconds: int) -> str:
    """The day of an open time."""
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d}"


def _sections(answer: Answer) -> tuple[list[str], dict[str, Any]]:
    """The parts of the page in their order, and the pictures by the name of their place."""
    space, best = answer.question.space, answer.best[0]
    heat = sweep_figures.heat(space, answer.rows, answer.objective, best.combination)
    plots: dict[str, Any] = {}
    sections = [_section("The best", _best_table(answer))]
    if heat is not None:
        plots["heat"] = heat
        others = _held(answer, heat)
        sections.append(_section(f"{answer.objective.metric}{others}", _place("heat", 30)))
    plots["parallel"] = sweep_figures.parallel(space, answer.rows, answer.objective)
    sections.append(_section("All of them", _place("parallel", 26)))
    if answer.walk is not None:
        plots["walk"] = sweep_figures.course(answer.walk)
        content = _place("walk", 22) + _walk_table(answer, answer.walk)
        sections.append(_section("Chosen before, traded after", content))
    if answer.luck is not None:
        plots["luck"] = sweep_figures.luck(answer.luck, answer.score, answer.objective)
        sections.append(_section("Markets without a pattern", _place("luck", 20)))
    return sections, plots


def _tiles(answer: Answer) -> Iterable[str]:
    best, metric = answer.best[0], answer.objective.metric
    yield _tile("Combinations", f"{len(answer.rows):,}", f"{answer.refused:,} refused")
    yield _tile(f"Best {metric}", figure(metric, getattr(best.metrics, metric)))
    yield _tile("Beside it", figure(metric, best.neighbours), "its neighbours on average")
    yield _tile("Deflated Sharpe", figure("share", best.deflated_sharpe), "probability of skill")
    if answer.walk is not None:
        earned = figure("total_return", answer.walk.result.metrics.total_return)
        efficiency = figure("share", answer.walk.efficiency)
        yield _tile("Walked forward", earned, f"efficiency {efficiency}")
    if answer.p_value is not None:
        yield _tile("By luck", f"p = {answer.p_value:.3g}", "among markets without a pattern")


def _best_table(answer: Answer) -> str:
    names = list(answer.best[0].values)
    metrics = dict.fromkeys((answer.objective.metric, *_SHOWN))
    head = [*names, *metrics, "beside it", "deflated"]
    rows = (
        [
            *(html.escape(written(value)) for value in each.values.values()),
            *(figure(name, getattr(each.metrics, name)) for name in metrics),
            figure(answer.objective.metric, each.neighbours),
            figure("share", each.deflated_sharpe),
        ]
        for each in answer.best
    )
    return _table(head, rows)


def _walk_table(answer: Answer, walk: Record) -> str:
    times, space = answer.question.history.frame.open_time, answer.question.space
    metric = answer.objective.metric
    rows = (
        [
            f"{day(times[step.window.split])} to {day(times[step.window.end - 1])}",
            "flat"
            if step.combination is None
            else html.escape(said(space.values(step.combination))),
            figure(metric, getattr(step.train, metric)) if step.train else "–",
            figure(metric, getattr(step.test, metric)),
            figure("total_return", step.test.total_return),
        ]
        for step in walk.steps
    )
    return _table(["test", "chosen", f"{metric} before", f"{metric} after", "return"], rows)


def _held(answer: Answer, heat: dict[str, Any]) -> str:
    """What the heat map holds still."""
    drawn = {heat["layout"][axis]["title"]["text"] for axis in ("xaxis", "yaxis")}
    others = {name: value for name, value in answer.best[0].values.items() if name not in drawn}
    return f", with {said(others)}" if others else ""


def _tile(label: str, value: str, more: str = "") -> str:
    below = f'<span class="muted">{more}</span>' if more else ""
    return f'<div class="card"><span class="muted">{label}</span><b>{value}</b>{below}</div>'


def _section(title: str, content: str) -> str:
    return f'<section class="card"><h2>{html.escape(title)}</h2>{content}</section>'


def _place(name: str, height: int) -> str:
    return f'<div id="{name}" style="height: {height}rem"></div>'


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    top = "".join(f"<th>{html.escape(name)}</th>" for name in head)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    table = f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="months">{table}</div>'


_SHOWN = ("total_return", "sharpe", "max_drawdown", "trades")
_UNITS = {
    **dict.fromkeys(
        (
            *("share", "total_return", "annual_return", "volatility", "max_drawdown"),
            *("win_rate", "exposure_time", "buy_and_hold"),
        ),
        Unit.SHARE,
    ),
    **dict.fromkeys(("bars", "trades", "max_drawdown_bars"), Unit.COUNT),
    **dict.fromkeys(("expectancy", "fees"), Unit.MONEY),
}

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p class="muted">{span} · sweep <code>{id}</code></p>
<div class="tiles">{tiles}</div>
{sections}
</main>
<script type="application/json" id="plots">{plots}</script>
<script>{plotly}</script>
<script>{script}</script>
</body>
</html>
"""
