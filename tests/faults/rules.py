"""Rules of mischief written as on the command line: `rule("error code=-1003", times=1)`."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import pytest

from trading_system.simulator.mischief.rules import Rule, read_rule


def rule(text: str, **more: object) -> Rule:
    """The rule in a kind and its options; `more` are options whose values have spaces."""
    kind, *options = text.split()
    given = {name: _value(value) for name, _, value in (each.partition("=") for each in options)}
    return read_rule({"kind": kind, **given, **more})


def sometimes(faults: Iterable[str], seldom: Collection[str]) -> list[object]:
    """All of them, those that are `seldom` marked slow."""
    return [pytest.param(each, marks=[pytest.mark.slow] * (each in seldom)) for each in faults]


def _value(text: str) -> object:
    if text in {"true", "false"}:
        return text == "true"
    try:
        return int(text)
    except ValueError:
        return text
