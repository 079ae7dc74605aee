"""Where the work of a sweep is done: threads of this process, or a cluster.

An engine changes nothing about results: they come in the order of their batches, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

Shared = TypeVar("Shared")
Batch = TypeVar("Batch")
Result = TypeVar("Result")


class Engine(Protocol):
    """Works through batches, several at a time."""

    @property
    def workers(self) -> int:
        """How many batches are worked on at the same time."""
        ...

    def map(
        self,
        prepare: Callable[[Shared], Callable[[Batch], Result]],
        shared: Shared,
        batches: Iterable[Batch],
    ) -> Iterator[Result]:
        """`prepare(shared)(batch)` of every batch, in their order.

        `shared` goes to every node once. Only a few batches are taken ahead, so that memory does
        not grow with their number; a batch whose worker dies is done again by another. What a
        batch raises is raised here, and what was taken ahead is given up.
        """
        ...
