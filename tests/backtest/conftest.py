"""Candles for backtests: written by hand, made up, and recorded ones."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from trading_system.frames import Frame

CANDLES = Path(__file__).parents[3] / "shared/data/candles"


def _table(*rows, step=60_000):
    """A frame of (open, high, low, close[, volume]) by bar; a number alone is all four prices."""
    bars = [row if isinstance(row, tuple) else (row,) * 4 for row in rows]
    bars = [bar if len(bar) == 5 else (*bar, 1.0) for bar in bars]
    return Frame.from_array(np.array([(i * step, *bar) for i, bar in enumerate(bars)], np.float64))


@pytest.fixture(scope="session")
def table():
    return _table


@pytest.fixture(scope="session")
def recorded():
    """A function that reads the first `count` recorded candles of a file whose name begins so."""

    def read(name, count):
        if not CANDLES.exists():
            pytest.skip("no recorded candles beside the project")
        (path,) = CANDLES.glob(f"{name}*.csv.gz")
        with gzip.open(path, "rt") as lines:
            rows = np.loadtxt(lines, delimiter=",", skiprows=1, max_rows=count, usecols=range(6))
        return Frame.from_array(rows)

    return read
