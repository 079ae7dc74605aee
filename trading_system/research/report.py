"""A result as one HTML file that works offline: equity, drawdown, trades, months, distribution.

Draws from the kept record alone, so that an old result looks as it did. The pictures travel as
data; two scripts run, plotly.js and our own, whose hashes a server can allow and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from trading_system.research import report_figures
from trading_system.research.record import SHORT, Record, canonical, number
from trading_system.research.wording import NONE, Figure, Unit, figures, interval, question, text

_FOLDER = Path(__file__).parent
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DEEPEST = 0.10
"""A month that earned or lost so much is coloured fully."""


def page(record: Record) -> str:
    """The whole document, about 5 MB, most of it plotly.js."""
    configuration, lines = record.configuration, figures(record.metrics, record.holding)
    plots = {
        "course": report_figures.course(record),
        "distribution": report_figures.distribution(record),
    }
    title = f"{configuration['strategy']} on {configuration['symbol']} {configuration['timeframe']}"
    return _PAGE.format(
        title=html.escape(title),
        span=html.escape(f"{configuration['start']} to {configuration['end']}"),
        run=record.run_id[:SHORT],
        run_id=record.run_id,
        style=asset("report.css"),
        tiles="".join(_tiles(record)),
        months=_month_table(month_returns(record)),
        figures=_figure_table(lines),
        question=_word_table(question(record)),
        origin=_word_table(_origin(record)),
        note=html.escape(_note(record)),
        plots=canonical(plots).replace("<", "\\u003c"),  # no "</script>" may end the data
        plotly=plotly_script(),
        script=asset("report.js"),
    )


@cache
def script_hashes() -> tuple[str, ...]:
    """The sources that a Content-Security-Policy allows, so that the page's scripts may run."""
    scripts = (plotly_script(), asset("report.js"))
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    return tuple(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


def month_returns(record: Record) -> dict[int, dict[int, float]]:
    """The return of each month by year, from the last equity before it; months 1 to 12, 0 the year.

    A point belongs to the month in which it opens.
    """
    last: dict[tuple[int, int], float] = {}
    for time, equity in zip(record.curve["time"], record.curve["equity"], strict=True):
        moment = datetime.fromtimestamp(time / 1000, UTC)
        last[moment.year, moment.month] = equity
    before = began = record.configuration["rules"]["capital"]
    years: dict[int, dict[int, float]] = {}
    for (year, month), equity in last.items():
        if year not in years:
            began = before
        returns = years.setdefault(year, {})
        returns[month], returns[0] = _gain(equity, before), _gain(equity, began)
        before = equity
    return years


def _gain(after: float, before: float) -> float:
    """The return; of nothing comes nothing."""
    return after / before - 1 if before > 0 else 0.0


def _tiles(record: Record) -> Iterable[str]:
    metrics, holding = record.metrics, record.holding
    yield _tile("Total return", Unit.SHARE, metrics["total_return"], colored=True)
    yield _tile("Buy and hold", Unit.SHARE, holding["total_return"], colored=True)
    yield _tile("Sharpe", Unit.RATIO, metrics["sharpe"], f"of days, 95 %: {interval(metrics)}")
    yield _tile("Maximum drawdown", Unit.SHARE, metrics["max_drawdown"])
    yield _tile("Trades", Unit.COUNT, metrics["trades"])
    yield _tile("Win rate", Unit.SHARE, metrics["win_rate"])


def _tile(label: str, unit: Unit, value: Any, more: str = "", *, colored: bool = False) -> str:
    figure = number(value)
    look = ("good" if figure > 0 else "bad") if colored else ""
    below = f'<span class="muted">{more}</span>' if more else ""
    return (
        f'<div class="card"><span class="muted">{label}</span>'
        f'<b class="{look}">{text(unit, figure)}</b>{below}</div>'
    )


def _month_table(years: Mapping[int, Mapping[int, float]]) -> str:
    head = "".join(f"<th>{name}</th>" for name in ("", *_MONTHS, "Year"))
    rows = "".join(
        f"<tr><th>{year}</th>{''.join(_heat(returns.get(month)) for month in (*range(1, 13), 0))}"
        "</tr>"
        for year, returns in years.items()
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _heat(value: float | None) -> str:
    if value is None:
        return "<td></td>"
    color, depth = "good" if value > 0 else "bad", min(abs(value) / _DEEPEST, 1.0)
    back = f"color-mix(in srgb, var(--{color}) {55 * depth:.0f}%, transparent)"
    return f'<td style="background: {back}">{100 * value:+.1f}</td>'


def _figure_table(lines: Iterable[Figure]) -> str:
    rows = "".join(
        f"<tr><th>{html.escape(line.label)}</th><td>{line.strategy}</td>"
        f'<td class="muted">{line.holding}</td></tr>'
        for line in lines
    )
    head = "<tr><th></th><th>Strategy</th><th>Buy and hold</th></tr>"
    return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _word_table(lines: Iterable[tuple[str, str]]) -> str:
    rows = "".join(
        f"<tr><th>{html.escape(label)}</th><td>{html.escape(words)}</td></tr>"
        for label, words in lines
    )
    return f'<table class="words"><tbody>{rows}</tbody></table>'


def _origin(record: Record) -> list[tuple[str, str]]:
    code = record.code
    return [
        ("Package", f"{code['package']}, sources {code['sources']}"),
        ("Engine", f"{record.engine}, sources {code['engine']}"),
        ("Own file", code["own_file"] or NONE),
        ("Candles", record.data["digest"]),
    ]


def _note(record: Record) -> str:
    """What the pictures leave out, if anything."""
    trades, most = len(record.trades["pnl"]), report_figures.MOST_TRADES
    told = []
    if record.every != record.configuration["timeframe"]:
        told.append(f"A point is {record.every}: the lowest, the highest and the last in it.")
    if trades > most:
        told.append(f"Marked are the {most:,} largest of {trades:,} trades.")
    return " ".join(told)


@cache
def asset(name: str) -> str:
    """A file that lies beside this one and goes into pages."""
    return (_FOLDER / name).read_text("utf-8")


@cache
def plotly_script() -> str:
    """plotly.js, which no "</script>" may be in: found without importing plotly, which is slow."""
    spec = find_spec("plotly")
    assert spec is not None  # noqa: S101 -- it is a dependency
    assert spec.origin is not None  # noqa: S101 -- and a package
    return (Path(spec.origin).parent / "package_data" / "plotly.min.js").read_text("utf-8")


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
<p class="muted">{span} · run <code title="{run_id}">{run}</code></p>
<div class="tiles">{tiles}</div>
<div class="card"><div id="course"></div><p class="muted">{note}</p></div>
<section class="card months"><h2>Returns by month, in percent</h2>{months}</section>
<div class="pair">
<section class="card"><h2>Figures</h2>{figures}</section>
<section class="card"><h2>What was asked</h2>{question}<h2>Where it came from</h2>{origin}</section>
</div>
<section class="card"><h2>Returns of trades</h2><div id="distribution"></div></section>
</main>
<script type="application/json" id="plots">{plots}</script>
<script>{plotly}</script>
<script>{script}</script>
</body>
</html>
"""
