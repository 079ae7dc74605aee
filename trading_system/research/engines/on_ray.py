"""A Ray cluster: what is shared lies once in the memory of each node, for all of its workers."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import ray
from ray.exceptions import RayError, RayTaskError

from trading_system.domain.errors import InvalidRequest, TradingError
from trading_system.research.engines.ahead import in_order
from trading_system.research.engines.places import LOCAL

Shared = TypeVar("Shared")
Batch = TypeVar("Batch")
Result = TypeVar("Result")

_STORE = 512 * 1024 * 1024
"""Bytes of shared memory that a cluster of this machine may take, at most."""
_DEATHS = 10
"""Workers that may die during one batch, before it counts as what kills them."""
_PATIENCE = 10.0
"""Seconds that whatever listens at an address may take to say so."""


class Nodes:
    """An engine over the cluster that this process is connected with."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def map(
        self,
        prepare: Callable[[Shared], Callable[[Batch], Result]],
        shared: Shared,
        batches: Iterable[Batch],
    ) -> Iterator[Result]:
        held = ray.put(shared)
        # Done again when its worker dies; an error of its own is its result.
        task: Any = ray.remote(num_cpus=1, max_retries=_DEATHS)(_work)

        def submit(batch: Batch) -> Any:
            return task.remote(prepare, held, batch)

        return in_order(batches, self.workers, submit=submit, result=_result, cancel=ray.cancel)


@contextmanager
def opened(address: str) -> Iterator[Nodes]:
    """The cluster at this address; `local` starts one on this machine, for the time of the block.

    Raises InvalidRequest when none answers there.
    """
    started: dict[str, Any] = {}
    if address == LOCAL:
        started = {"include_dashboard": False, "object_store_memory": _STORE}
    try:
        _knock(address)
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **started)
    except (OSError, OverflowError, ValueError) as error:
        raise InvalidRequest(f"no Ray cluster answers at {address}: {error}") from None
    try:
        resources = ray.cluster_resources()  # type: ignore[no-untyped-call]
        yield Nodes(max(1, int(resources.get("CPU", 1))))
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Raise OSError where nothing listens at HOST:PORT: Ray itself would try for many minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE).close()


def _work(
    prepare: Callable[[Shared], Callable[[Batch], Result]], shared: Shared, batch: Batch
) -> Result:
    return prepare(shared)(batch)


def _result(future: Any) -> Any:
    try:
        return ray.get(future)
    except RayTaskError as failed:
        raise failed.cause from None
    except RayError as error:
        raise TradingError(f"the cluster failed: {error}") from None
