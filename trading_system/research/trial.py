"""One combination after the other, judged on the same candles by the same rules.

A `Question` is all that another machine needs to judge any of them. Refuses to go on when one
fails: a table with holes would rank what is left.
"""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from trading_system.backtest.metrics import Metrics
from trading_system.backtest.records import Rows
from trading_system.backtest.rules import Rules
from trading_system.domain.errors import ConfigurationError, TradingError
from trading_system.research.code_version import content_hash, own_file
from trading_system.research.history import History
from trading_system.research.playing import summaries
from trading_system.research.space import Space, said
from trading_system.strategies import registry
from trading_system.strategies.base import Strategy, Targets, targets_on

ROW = np.dtype(
    [
        ("combination", np.int64),
        *(
            (field.name, np.int64 if field.type == "int" else np.float64)
            for field in dataclasses.fields(Metrics)
        ),
    ]
)
"""A combination's number and its metrics."""

_PACKAGE = Path(__file__).parent.parent
_DECIDING = (
    *("backtest/**/*.py", "strategies/**/*.py", "frames.py", "domain/timeframes.py"),
    *("research/history.py", "research/playing.py", "research/space.py", "research/conditions.py"),
    *("research/trial.py", "research/permutation.py", "research/walk_forward.py"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A strategy by name; for somebody's own, also the file that defines it, and its text."""

    name: str
    path: Path | None = None
    source: str | None = None

    def kind(self) -> type[Strategy]:
        """The strategy, also on a machine without that file; InvalidRequest if there is none."""
        return _kind(self)


def recipe(kind: type[Strategy]) -> Recipe:
    """What finds this strategy again, here or on another machine."""
    path = own_file(kind)
    source = None if path is None else path.read_text(encoding="utf-8")
    return Recipe(name=kind.name, path=path, source=source)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Question:
    """What is asked of every combination: what it would have earned on these candles.

    All are judged over the same bars. One whose warm-up is longer than that of the candles is flat
    until it has seen enough.
    """

    recipe: Recipe
    space: Space
    history: History
    rules: Rules
    code: str
    """`code()` where it is asked; another version might answer otherwise."""


def judge(question: Question) -> Callable[[Sequence[int]], Rows]:
    """A function that judges combinations, for any number of threads: rows of ROW, in their order.

    What all combinations share is computed once, here. A combination that fails is a TradingError
    that names it; ConfigurationError is raised on a machine with another version of this program.
    """
    _same_code(question)
    kind = question.recipe.kind()
    summarized = summaries(kind, question.history, question.rules)

    def judged(combinations: Sequence[int]) -> Rows:
        rows = np.zeros(len(combinations), ROW)
        for place, combination in enumerate(combinations):
            with naming(question, combination):
                found = summarized(question.space.build(kind, combination))
            rows[place] = (combination, *dataclasses.astuple(found))
        return rows

    return judged


def targets_of(question: Question) -> Callable[[int], Targets]:
    """A function that gives the targets of a combination over the whole frame, shape (n,).

    Raises what `judge` raises.
    """
    _same_code(question)
    kind = question.recipe.kind()
    targets = targets_on(kind, question.history.frame)

    def found(combination: int) -> Targets:
        with naming(question, combination):
            return targets(question.space.build(kind, combination))

    return found


@contextmanager
def naming(question: Question, combination: int) -> Iterator[None]:
    """Whatever fails in the block is told with the combination it failed for."""
    try:
        yield
    except Exception as error:
        what = str(error) if isinstance(error, TradingError) else repr(error)
        values = said(question.space.values(combination))
        raise TradingError(f"{question.recipe.name} with {values}: {what}") from error


@cache
def code() -> str:
    """The version of all code that decides what a combination comes to, as a hash in hex."""
    return content_hash((path for each in _DECIDING for path in _PACKAGE.glob(each)), _PACKAGE)


def _same_code(question: Question) -> None:
    if question.code != code():
        raise ConfigurationError(
            f"{socket.gethostname()} has another version of this program than the one that asks: "
            f"{code()}, not {question.code}"
        )


@cache
def _kind(recipe: Recipe) -> type[Strategy]:
    if recipe.source is None:
        return registry.find(registry.strategies(), recipe.name)
    if recipe.path is not None and _reads(recipe.path, recipe.source):
        return _loaded(recipe.path, recipe.name)
    with TemporaryDirectory() as folder:
        path = Path(folder, f"{recipe.name}.py")
        path.write_text(recipe.source, encoding="utf-8")
        return _loaded(path, recipe.name)


def _reads(path: Path, text: str) -> bool:
    try:
        return path.read_text(encoding="utf-8") == text
    except OSError:
        return False


def _loaded(path: Path, name: str) -> type[Strategy]:
    return registry.find({kind.name: kind for kind in registry.load(path)}, name)
