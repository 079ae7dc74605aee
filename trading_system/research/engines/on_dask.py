"""A Dask cluster: what is shared lies once in every worker, handed on from one to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import Any, Generic, TypeVar

import dask
from distributed import Client, KilledWorker, LocalCluster
from distributed.comm.core import CommClosedError

from trading_system.domain.errors import InvalidRequest, TradingError
from trading_system.research.engines.ahead import in_order
from trading_system.research.engines.places import LOCAL

Shared = TypeVar("Shared")
Batch = TypeVar("Batch")
Result = TypeVar("Result")

_PATIENCE = 10.0
"""Seconds for a scheduler to answer."""
_QUIET = {"distributed.admin.large-graph-warning-threshold": "10GB"}


class Workers:
    """An engine over the cluster of this client."""

    def __init__(self, client: Client, workers: int) -> None:
        self._client = client
        self.workers = workers

    def map(
        self,
        prepare: Callable[[Shared], Callable[[Batch], Result]],
        shared: Shared,
        batches: Iterable[Batch],
    ) -> Iterator[Result]:
        # The result of a task, not scattered: scattered data is lost with the last worker that
        # holds it, while a task can be done again.
        with dask.config.set(_QUIET):
            held = self._client.submit(_Held, prepare, shared, pure=False)
            self._client.replicate([held])  # type: ignore[no-untyped-call]

        def submit(batch: Batch) -> Any:
            return self._client.submit(_work, held, batch, pure=False)

        return in_order(batches, self.workers, submit=submit, result=_result, cancel=_cancel)


class _Held(Generic[Shared, Batch, Result]):
    """What a worker keeps: made ready for work once, and sent on without that."""

    def __init__(
        self, prepare: Callable[[Shared], Callable[[Batch], Result]], shared: Shared
    ) -> None:
        self._parts = (prepare, shared)

    @cached_property
    def work(self) -> Callable[[Batch], Result]:
        prepare, shared = self._parts
        return prepare(shared)

    def __reduce__(self) -> tuple[Any, ...]:
        return _Held, self._parts


@contextmanager
def opened(address: str) -> Iterator[Workers]:
    """The cluster whose scheduler is at this address; `local` starts one on this machine.

    Raises InvalidRequest when none answers there.
    """
    with ExitStack() as stack:
        if address == LOCAL:
            address = stack.enter_context(_cluster()).scheduler_address
        try:
            client = Client(address, timeout=_PATIENCE)  # type: ignore[no-untyped-call]
        except (OSError, ValueError) as error:
            raise InvalidRequest(f"no Dask scheduler answers at {address}: {error}") from None
        stack.enter_context(client)
        threads: dict[str, int] = client.nthreads()  # type: ignore[no-untyped-call]
        yield Workers(client, max(1, sum(threads.values())))


def _cluster() -> LocalCluster:
    """One worker a core, all on loopback, its page for people too."""
    return LocalCluster(  # type: ignore[no-untyped-call]
        threads_per_worker=1,
        dashboard_address="127.0.0.1:0",
        host="127.0.0.1",
        silence_logs="CRITICAL",
    )


def _work(held: _Held[Any, Batch, Result], batch: Batch) -> Result:
    return held.work(batch)


def _result(future: Any) -> Any:
    try:
        return future.result()
    except KilledWorker as killed:
        raise TradingError(f"worker after worker dies of the same batch: {killed}") from None
    except (CancelledError, CommClosedError) as gone:
        raise TradingError(f"the cluster is gone: {gone!r}") from None


def _cancel(future: Any) -> None:
    future.cancel()
