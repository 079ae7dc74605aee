"""Candles as float64 columns, for all that computes; building one is the only door to floats.

Refuses to hold anything that trades: a column of Decimals is an error, not a conversion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trading_system.domain.candles import Candle

Column = NDArray[np.float64]
"""One value a candle, shape (n,)."""

COLUMNS = Candle._fields
"""The names of the columns, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """n candles in strictly ascending order; every column is read-only and has shape (n,).

    `open_time` in ms UTC (int64), prices in quote asset, `volume` in base asset.
    """

    open_time: NDArray[np.int64]
    open: Column
    high: Column
    low: Column
    close: Column
    volume: Column

    @classmethod
    def from_array(cls, rows: NDArray[Any]) -> Frame:
        """Build it from rows of (open_time, open, high, low, close, volume), shape (n, 6).

        The columns are copied. Raises TypeError for anything but numbers, and ValueError for
        another shape or open times that do not ascend.
        """
        if rows.dtype.kind not in "fiu":
            raise TypeError(f"candles are float64 columns, not {rows.dtype}")
        if rows.ndim != 2 or rows.shape[1] != len(COLUMNS):  # noqa: PLR2004 -- rows and columns
            raise ValueError(f"candles have the shape (n, {len(COLUMNS)}), not {rows.shape}")
        open_time = rows[:, 0].astype(np.int64)
        if np.any(np.diff(open_time) <= 0):
            raise ValueError("the open times of candles ascend")
        columns = np.ascontiguousarray(rows[:, 1:].T, dtype=np.float64)
        if columns.base is not None:
            columns = columns.copy()
        for array in (open_time, columns):
            array.flags.writeable = False
        return cls(
            open_time=open_time,
            open=columns[0],
            high=columns[1],
            low=columns[2],
            close=columns[3],
            volume=columns[4],
        )

    @classmethod
    def from_candles(cls, candles: Sequence[Candle]) -> Frame:
        """Build it from candles in ascending order; none give an empty frame."""
        return cls.from_array(np.array(candles, dtype=np.float64).reshape(-1, len(COLUMNS)))

    def __len__(self) -> int:
        return len(self.open_time)
