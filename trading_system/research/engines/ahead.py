"""Batches taken ahead, few enough for memory and enough that no worker waits."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Batch = TypeVar("Batch")
Future = TypeVar("Future")
Result = TypeVar("Result")

_EACH = 3
"""Batches a worker: one it works on, one that waits for it, one for when another is slow."""


def in_order(
    batches: Iterable[Batch],
    workers: int,
    *,
    submit: Callable[[Batch], Future],
    result: Callable[[Future], Result],
    cancel: Callable[[Future], object],
) -> Iterator[Result]:
    """Results in the order of their batches; what is not wanted any more is cancelled."""
    waiting: deque[Future] = deque()
    try:
        for batch in batches:
            waiting.append(submit(batch))
            if len(waiting) >= _EACH * workers:
                yield result(waiting.popleft())
        while waiting:
            yield result(waiting.popleft())
    finally:
        for future in waiting:
            cancel(future)
