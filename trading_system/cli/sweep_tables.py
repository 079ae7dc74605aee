"""A sweep in a terminal: the best combinations, what walking forward came to, and the p-value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from trading_system.research.sweep_page import Answer
    from trading_system.research.walk_forward import Record

_SHOWN = ("total_return", "sharpe", "max_drawdown", "trades")
_SHORT = {"total_return": "return", "max_drawdown": "drawdown"}


def show(answer: Answer, console: Console) -> None:
    """Print it."""
    history, metric = answer.question.history, answer.objective.metric
    count = len(answer.rows)
    console.print(
        f"{answer.question.recipe.name} on {history.symbol} {history.timeframe}, "
        f"{history.start:%Y-%m-%d %H:%M} to {history.end:%Y-%m-%d %H:%M} UTC: "
        f"{count:,} {'combination' if count == 1 else 'combinations'} judged, "
        f"{answer.refused:,} refused",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    if not answer.best:
        return
    console.print(_best(answer))
    if answer.walk is not None:
        console.print(_walk(answer, answer.walk))
    if answer.p_value is not None and answer.luck is not None:
        console.print(
            f"p = {answer.p_value:.3g}: how probable the best {metric} is without a pattern, by "
            f"{len(answer.luck):,} permuted markets",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


def _best(answer: Answer) -> Table:
    from trading_system.research.space import written
    from trading_system.research.sweep_page import figure

    metric = answer.objective.metric
    names, shown = list(answer.best[0].values), list(dict.fromkeys((metric, *_SHOWN)))
    table = Table(title=f"the best by {metric}", title_justify="left")
    for name in (*names, *(_SHORT.get(name, name) for name in shown), "beside it", "deflated"):
        table.add_column(name, justify="right", overflow="fold")
    for each in answer.best:
        table.add_row(
            *(written(value) for value in each.values.values()),
            *(figure(name, getattr(each.metrics, name)) for name in shown),
            figure(metric, each.neighbours),
            figure("share", each.deflated_sharpe),
        )
    return table


def _walk(answer: Answer, walk: Record) -> Table:
    from trading_system.research.space import said
    from trading_system.research.sweep_page import day, figure

    times, metric = answer.question.history.frame.open_time, answer.objective.metric
    total = figure("total_return", walk.result.metrics.total_return)
    table = Table(
        title=f"walking forward: {total}, efficiency {figure('share', walk.efficiency)}",
        title_justify="left",
    )
    for name in ("test", "chosen", f"{metric} before", f"{metric} after", "return"):
        table.add_column(name, justify="left" if name in {"test", "chosen"} else "right")
    for step in walk.steps:
        flat = step.combination is None or step.train is None
        values = answer.question.space.values(step.combination or 0)
        table.add_row(
            f"{day(times[step.window.split])} to {day(times[step.window.end - 1])}",
            "flat" if flat else said(values),
            figure(metric, getattr(step.train, metric, float("nan"))),
            figure(metric, getattr(step.test, metric)),
            figure("total_return", step.test.total_return),
        )
    return table
