"""The written report of a soak: one JSON file, and one HTML page that needs nothing else."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from trading_system.soak.verdict import Check, Sample

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Soak of {title}</title><style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto }}
td, th {{ text-align: left; padding: .3rem 1rem .3rem 0; border-bottom: 1px solid #8884 }}
.kept {{ color: #0a7f4f }} .broken {{ color: #c62828; font-weight: 600 }}
</style></head><body><h1>Soak of {title}</h1><p>{summary}</p>
<table><tr><th>promise</th><th></th><th>figures</th></tr>{rows}</table>{figure}</body></html>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Soaked:
    """What came of it: minutes count by the exchange's clock, which ran `speed` times as fast."""

    began: datetime
    minutes: float
    speed: float
    symbols: tuple[str, ...]
    orders: int
    order_events: int
    checks: tuple[Check, ...]
    samples: tuple[Sample, ...]

    @property
    def passed(self) -> bool:
        """Every promise was kept."""
        return all(check.kept for check in self.checks)


def write(soaked: Soaked, folder: Path) -> tuple[Path, Path]:
    """Write both files into the folder, named after the moment it began; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"soak_{soaked.began:%Y%m%dT%H%M%SZ}"
    data, page = folder / f"{stem}.json", folder / f"{stem}.html"
    fields = asdict(soaked) | {"began": soaked.began.isoformat(), "passed": soaked.passed}
    data.write_text(json.dumps(fields, indent=1))
    page.write_text(_html(soaked))
    return data, page


def _html(soaked: Soaked) -> str:
    figure = _figure(soaked.samples).to_html(full_html=False, include_plotlyjs=True)
    return _PAGE.format(
        title=f"{soaked.minutes:.0f} minutes",
        summary=(
            f"Began {soaked.began:%Y-%m-%d %H:%M:%S} UTC, {len(soaked.symbols)} symbols, "
            f"{soaked.orders} orders, {soaked.order_events} order events, "
            f"the exchange's time at {soaked.speed:g} x."
        ),
        rows="".join(_row(check) for check in soaked.checks),
        figure=figure,
    )


def _row(check: Check) -> str:
    word = "kept" if check.kept else "broken"
    return (
        f"<tr><td>{html.escape(check.promise)}</td><td class={word}>{word}</td>"
        f"<td>{html.escape(check.detail)}</td></tr>"
    )


def _figure(samples: Sequence[Sample]) -> Figure:
    # Slow to import, and needed once at the end.
    from plotly.graph_objects import Scatter  # noqa: PLC0415
    from plotly.subplots import make_subplots  # noqa: PLC0415

    minutes = [sample.minutes for sample in samples]
    roles = sorted({role for sample in samples for role in sample.lag_ms})
    rows: tuple[tuple[str, dict[str, list[float | None]]], ...] = (
        (
            "memory, MB",
            {
                "system": [sample.memory_mb for sample in samples],
                "exchange": [sample.exchange_memory_mb for sample in samples],
            },
        ),
        ("event loop's delay, p99, ms", {"delay": [sample.loop_stall_ms for sample in samples]}),
        (
            "lag of the streams, ms",
            {role: [sample.lag_ms.get(role) for sample in samples] for role in roles},
        ),
        ("messages so far", {"messages": [sample.messages for sample in samples]}),
    )
    figure = make_subplots(
        rows=len(rows), shared_xaxes=True, subplot_titles=[title for title, _ in rows]
    )
    for place, (_, lines) in enumerate(rows, start=1):
        for name, values in lines.items():
            figure.add_trace(Scatter(x=minutes, y=values, name=name), row=place, col=1)
    figure.update_layout(height=280 * len(rows), template="plotly_white")
    figure.update_xaxes(title_text="minutes by the exchange's clock", row=len(rows), col=1)
    return figure
