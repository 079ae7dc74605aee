"""A result in a terminal: its figures, and beside them what was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.columns import Columns
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from trading_system.research.backtest import Kept
    from trading_system.research.record import Record


def show(record: Record, console: Console) -> None:
    """Print it; the two tables stand below each other where the terminal is narrow."""
    from trading_system.research.record import SHORT
    from trading_system.research.wording import figures, question

    results = Table("", "strategy", "buy and hold", title="result", title_justify="left")
    for column in results.columns[1:]:
        column.justify = "right"
    for line in figures(record.metrics, record.holding):
        results.add_row(line.label, line.strategy, line.holding)
    asked = Table("", "", title="configuration", title_justify="left", show_header=False)
    for label, words in question(record):
        asked.add_row(label, Text(words))
    asked.add_row("Run", record.run_id[:SHORT])
    console.print(Columns([results, asked]))


def as_text(done: Kept) -> str:
    """The figures of a result and where it is, as one JSON object."""
    from trading_system.research.record import canonical
    from trading_system.research.result_files import COLUMNS

    members = done.record.to_json().items()
    figures = {name: value for name, value in members if name not in COLUMNS}
    report = None if done.report is None else str(done.report)
    return canonical({"file": str(done.path), "report": report, **figures})
