"""The written report of an acceptance: one JSON file, and one HTML page that needs nothing else."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from trading_system.acceptance.runs import Run

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Acceptance</title><style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto }}
td, th {{ text-align: left; padding: .3rem 1rem .3rem 0; border-bottom: 1px solid #8884 }}
.yes {{ color: #0a7f4f }} .no {{ color: #c62828; font-weight: 600 }}
</style></head><body><h1>Acceptance on {venue}</h1><p>Began {began:%Y-%m-%d %H:%M:%S} UTC.</p>
{runs}</body></html>
"""
_SECTION = """<h2 class={word}>{name}</h2><p>{wanted}</p>
<table><tr><th>shown</th><th></th><th>figures</th></tr>{rows}</table>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """All runs on one venue."""

    venue: str
    began: datetime
    runs: tuple[Run, ...]

    @property
    def passed(self) -> bool:
        """Every run was as wanted."""
        return all(run.passed for run in self.runs)


def write(accepted: Accepted, folder: Path) -> tuple[Path, Path]:
    """Write both files into the folder, named after the moment it began; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"acceptance_{accepted.began:%Y%m%dT%H%M%SZ}"
    data, page = folder / f"{stem}.json", folder / f"{stem}.html"
    runs = [asdict(run) | {"passed": run.passed} for run in accepted.runs]
    told = {"venue": accepted.venue, "began": accepted.began.isoformat(), "runs": runs}
    data.write_text(json.dumps(told | {"passed": accepted.passed}, indent=1, default=str))
    page.write_text(_html(accepted))
    return data, page


def _html(accepted: Accepted) -> str:
    return _PAGE.format(
        venue=html.escape(accepted.venue),
        began=accepted.began,
        runs="".join(map(_section, accepted.runs)),
    )


def _section(run: Run) -> str:
    return _SECTION.format(
        word=_word(run.passed),
        name=html.escape(run.name),
        wanted=html.escape(run.wanted),
        rows=_rows([(check.promise, check.kept, check.detail) for check in run.checks]),
    )


def _rows(checks: Sequence[tuple[str, bool, str]]) -> str:
    return "".join(
        f"<tr><td>{html.escape(promise)}</td><td class={_word(kept)}>{_word(kept)}</td>"
        f"<td>{html.escape(detail)}</td></tr>"
        for promise, kept, detail in checks
    )


def _word(kept: bool) -> str:  # noqa: FBT001 -- the word for it
    return "yes" if kept else "no"
