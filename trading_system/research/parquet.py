"""Candles in Parquet files. The one place that knows how; it comes with an extra."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from trading_system.domain.errors import ConfigurationError, InvalidRequest
from trading_system.frames import COLUMNS, Frame

MAGIC = b"PAR1"
"""How such a file begins."""


def read(path: Path, symbol: str) -> NDArray[np.float64]:
    """Rows of (open_time, open, high, low, close, volume), shape (n, 6), by the columns' names.

    `open_time` is a timestamp, or an integer as it stands. Raises InvalidRequest for a file that is
    none, lacks a column or says that its candles are another symbol's; ConfigurationError without
    the extra.
    """
    arrow, parquet = _library()
    try:
        table = parquet.read_table(path)
        told = (table.schema.metadata or {}).get(b"symbol", symbol.encode()).decode()
        absent = [name for name in COLUMNS if name not in table.column_names]
        if absent:
            raise InvalidRequest(f"{path} has no column {absent[0]}")
        time, *others = (table.column(name) for name in COLUMNS)
        if arrow.types.is_timestamp(time.type):
            time = time.cast(arrow.timestamp("ms", time.type.tz)).cast(arrow.int64())
        columns = [each.cast(arrow.float64()).to_numpy() for each in (time, *others)]
    except (arrow.ArrowException, OSError) as error:
        raise InvalidRequest(f"{path} cannot be read: {error}") from error
    if told != symbol:
        raise InvalidRequest(f"{path} holds candles of {told}, not of {symbol}")
    return np.column_stack(columns)


def write(file: BinaryIO, frame: Frame, symbol: str, timeframe: str) -> None:
    """Write the candles, `open_time` as timestamps; ConfigurationError without the extra."""
    arrow, parquet = _library()
    times = arrow.array(frame.open_time, arrow.timestamp("ms", "UTC"))
    others = [arrow.array(getattr(frame, name)) for name in COLUMNS[1:]]
    table = arrow.Table.from_arrays([times, *others], names=list(COLUMNS))
    told = {"symbol": symbol, "timeframe": timeframe}
    parquet.write_table(table.replace_schema_metadata(told), file, compression="zstd")


def _library() -> tuple[Any, Any]:
    try:
        arrow = import_module("pyarrow")  # comes with an extra, and takes a while to load
        return arrow, import_module("pyarrow.parquet")
    except ModuleNotFoundError as missing:
        raise ConfigurationError(
            "Parquet needs pyarrow: pip install 'trading-system[backtest]'"
        ) from missing
