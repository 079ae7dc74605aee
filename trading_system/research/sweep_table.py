"""The table of a sweep as Parquet: a row a combination, its parameters beside its metrics.

Rows go from one file to the other a group at a time, so that a table of any length fits in memory.
The same rows give the same bytes.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trading_system.backtest.records import Rows
from trading_system.domain.errors import ConfigurationError
from trading_system.research.space import Space
from trading_system.research.whole_files import whole

if TYPE_CHECKING:
    from pyarrow import Table  # type: ignore[import-untyped]


def ready() -> None:
    """Raise ConfigurationError where pyarrow is missing, before anything is judged."""
    if find_spec("pyarrow") is None:
        raise ConfigurationError("tables need pyarrow: pip install 'trading-system[backtest]'")


def write(path: Path, space: Space, rows: Rows, description: str, *, group: int = 65_536) -> None:
    """Write rows of ROW with what they are of; the file is there whole or not at all.

    `group`: rows that are in memory at once. `description`: JSON, kept in the file as the metadata
    "sweep". Raises StorageError when it cannot be written, ConfigurationError without pyarrow.
    """
    ready()
    from pyarrow import parquet  # noqa: PLC0415 -- of the extra `backtest`

    schema = _table(space, rows[:0]).schema.with_metadata({"sweep": description})
    with whole(path) as file, parquet.ParquetWriter(file, schema) as writer:
        for first in range(0, len(rows), group):
            writer.write_table(_table(space, rows[first : first + group]).cast(schema))


def _table(space: Space, rows: Rows) -> Table:
    import pyarrow as pa  # noqa: PLC0415 -- see above

    names = rows.dtype.names
    numbers = np.asarray(rows["combination"])
    figures = {name: np.ascontiguousarray(rows[name]) for name in names[1:]}
    # A strategy may have a parameter whose name is that of a metric.
    parameters = {
        name if name not in names else f"parameter_{name}": column
        for name, column in space.columns(numbers).items()
    }
    return pa.table({"combination": numbers, **parameters, **figures})
