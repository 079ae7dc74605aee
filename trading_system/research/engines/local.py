"""All cores of this machine: threads, since the compiled loops let go of the interpreter lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from trading_system.research.engines.ahead import in_order

Shared = TypeVar("Shared")
Batch = TypeVar("Batch")
Result = TypeVar("Result")


class Threads:
    """An engine over a pool of threads; `shared` is shared as it is."""

    def __init__(self, pool: ThreadPoolExecutor, workers: int) -> None:
        self._pool = pool
        self.workers = workers

    def map(
        self,
        prepare: Callable[[Shared], Callable[[Batch], Result]],
        shared: Shared,
        batches: Iterable[Batch],
    ) -> Iterator[Result]:
        work = prepare(shared)

        def submit(batch: Batch) -> Future[Result]:
            return self._pool.submit(work, batch)

        return in_order(
            batches, self.workers, submit=submit, result=Future.result, cancel=Future.cancel
        )


@contextmanager
def opened(workers: int | None = None) -> Iterator[Threads]:
    """Threads, as many as there are cores to use unless told otherwise."""
    count = workers or _cores()
    with ThreadPoolExecutor(count, thread_name_prefix="sweep") as pool:
        yield Threads(pool, count)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # pragma: no cover -- macOS and Windows
