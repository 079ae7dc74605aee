"""Rows that are kept as they come, so that a run that was killed goes on where it was.

One file of fixed-size rows, only ever appended to. Rejected: Parquet while it runs, which is
nothing without its end. Refuses a second process.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from trading_system.backtest.records import Rows
from trading_system.domain.errors import StorageError
from trading_system.storage.lock import held


class Journal:
    """Rows of one kind in a file; `len` counts those that are in it."""

    def __init__(self, path: Path, kind: np.dtype[Any], file: BinaryIO) -> None:
        self._path = path
        self._kind = kind
        self._file = file

    def __len__(self) -> int:
        return self._path.stat().st_size // self._kind.itemsize

    def append(self, rows: Rows) -> None:
        """Keep these rows: they survive the end of this process, however it ends."""
        self._file.write(rows.tobytes())
        self._file.flush()

    def rows(self) -> Rows:
        """All rows so far, shape (n,), read from the disk as they are looked at."""
        if not len(self):
            return np.zeros(0, self._kind)
        return np.memmap(self._path, self._kind, mode="r", shape=(len(self),))

    def keep(self, count: int) -> None:
        """Forget all rows but the first `count`."""
        self._file.truncate(count * self._kind.itemsize)


@contextmanager
def opened(path: Path, kind: np.dtype[Any]) -> Iterator[Journal]:
    """The journal in this file, begun if there is none; a row that was cut off is forgotten.

    Raises StorageError while another process has it open.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _alone(path), path.open("ab") as file:
        journal = Journal(path, kind, file)
        journal.keep(len(journal))
        yield journal


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    lock = held(path)
    try:
        lock.__enter__()
    except StorageError:
        raise StorageError(f"{path.parent}: the same is running in another process") from None
    try:
        yield
    finally:
        lock.__exit__(None, None, None)
