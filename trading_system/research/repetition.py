"""The same question asked again: is the answer the same to the last byte, and if not, why not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trading_system.research.record import Record
from trading_system.research.result_files import result_text

_MOST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`proven`: one question, one run id, the same bytes. `reasons`: why not, one line each."""

    proven: bool
    reasons: tuple[str, ...]


def compared(before: Record, again: Record) -> Verdict:
    """Lay a result that was kept beside the one that its question has now."""
    if not before.is_whole:
        changed = "the file was changed by hand: its run id is not the one of its question"
        return Verdict(proven=False, reasons=(changed,))
    same = result_text(before) == result_text(again)
    if before.run_id == again.run_id:
        return Verdict(proven=same, reasons=() if same else tuple(_unexplained(before, again)))
    outcome = "the figures are the same" if _outcome(before) == _outcome(again) else _NOT_THE_SAME
    return Verdict(proven=False, reasons=(*_questions(before, again), outcome))


_NOT_THE_SAME = "the figures are others, too"
_MEANINGS = {
    ("code", "package"): "code: the release is another one",
    ("code", "sources"): "code: the strategies or what keeps results changed",
    ("code", "engine"): "engine: its sources changed",
    ("code", "own_file"): "code: the strategy's file changed",
    ("data", "digest"): "data: the candles are others",
    ("data", "bars"): "data: there are more or fewer candles",
    ("data", "warmup"): "data: there are more or fewer candles before the start",
    ("data", "missing"): "data: more or fewer candles are missing",
}


def _questions(before: Record, again: Record) -> Iterator[str]:
    """Every member of the question that is another one now."""
    for group, name, old, new in _differences(before, again, ("code", "data", "configuration")):
        meaning = _MEANINGS.get((group, name), f"{group}: {name}")
        yield f"{meaning}: {_told(old)} then, {_told(new)} now"
    if before.engine != again.engine:
        yield f"engine: {before.engine} then, {again.engine} now"


def _unexplained(before: Record, again: Record) -> Iterator[str]:
    """The same question with another answer, which must not be."""
    yield "the question is the same and the answer is not: report it, unless the file was changed"
    figures = _differences(before, again, ("metrics", "holding"))
    for _, (group, name, old, new) in zip(range(_MOST), figures, strict=False):
        yield f"{group}: {name}: {_told(old)} then, {_told(new)} now"


def _differences(
    before: Record, again: Record, groups: tuple[str, ...]
) -> Iterator[tuple[str, str, Any, Any]]:
    for group in groups:
        old: Mapping[str, Any] = getattr(before, group)
        new: Mapping[str, Any] = getattr(again, group)
        for name in dict.fromkeys([*old, *new]):
            if old.get(name) != new.get(name):
                yield group, name, old.get(name), new.get(name)


def _outcome(record: Record) -> tuple[Any, ...]:
    return record.metrics, record.curve, record.trades


def _told(value: Any) -> str:
    return "none" if value is None else str(value)
