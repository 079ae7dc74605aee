"""A sweep: every combination judged once, kept as soon as it is, in one order on any engine.

Which combinations there are is known before the first has run, so what is kept of a sweep that was
killed is the beginning of the whole one, and running it again goes on behind that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

import numpy as np

from trading_system.research.engines import Engine
from trading_system.research.journal import Journal
from trading_system.research.space import accepted
from trading_system.research.trial import Question, judge

_LARGEST_BATCH = 64
_BATCHES_EACH = 8

Item = TypeVar("Item")


def run(
    question: Question,
    candidates: Sequence[int],
    expected: int,
    *,
    engine: Engine,
    journal: Journal,
    done: Callable[[int], object],
) -> None:
    """Judge those of `candidates` that are not refused, `expected` ones, and keep their rows.

    Those that the journal begins with are not judged again. `done` is told how many rows there are,
    whenever there are more. Raises TradingError when a combination fails.
    """
    kept = _agreed(journal, _numbers(question, candidates))
    done(kept)
    missing = islice(_numbers(question, candidates), kept, None)
    size = batch_size(expected - kept, engine.workers)
    for rows in engine.map(judge, question, batches(missing, size)):
        journal.append(rows)
        kept += len(rows)
        done(kept)


def batch_size(count: int, workers: int) -> int:
    """So many at once that handing over costs nothing, and so few that all workers have some."""
    return max(1, min(_LARGEST_BATCH, count // (workers * _BATCHES_EACH)))


def batches(items: Iterable[Item], size: int) -> Iterator[tuple[Item, ...]]:
    """The items in their order, `size` at a time, the last ones perhaps fewer."""
    rest = iter(items)
    while batch := tuple(islice(rest, size)):
        yield batch


def _numbers(question: Question, candidates: Iterable[int]) -> Iterator[int]:
    kind = question.recipe.kind()
    return (number for number, _ in accepted(kind, question.space, candidates))


def _agreed(journal: Journal, wanted: Iterable[int]) -> int:
    """How many rows the journal begins with that are wanted; what is behind them is forgotten.

    Only a power cut can leave others.
    """
    kept = journal.rows()["combination"]
    expected = np.fromiter(islice(wanted, len(kept)), np.int64)
    same = kept[: len(expected)] == expected
    agreed = len(same) if same.all() else int(np.argmin(same))
    journal.keep(agreed)
    return agreed
