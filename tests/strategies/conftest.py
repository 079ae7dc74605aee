"""Candles for strategies: given closes, recorded ones, and the function that makes some up."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from trading_system.frames import Frame

CANDLES = Path(__file__).parents[3] / "shared/data/candles"


def _bars(*rows):
    """A frame of (open, high, low, close) by bar; a number alone is all four."""
    prices = [row if isinstance(row, tuple) else (row,) * 4 for row in rows]
    table = [(i * 60_000, *bar, 1.0) for i, bar in enumerate(prices)]
    return Frame.from_array(np.array(table, dtype=np.float64).reshape(-1, 6))


@pytest.fixture(scope="session")
def bars():
    return _bars


@pytest.fixture(scope="session", params=["BTCUSDT_1m_2025", "BTCUSDT_1h_2017"])
def recorded(request):
    """The first recorded candles of that file."""
    if not CANDLES.exists():
        pytest.skip("no recorded candles beside the project")
    (path,) = CANDLES.glob(f"{request.param}*.csv.gz")
    with gzip.open(path, "rt") as lines:
        rows = np.loadtxt(lines, delimiter=",", skiprows=1, max_rows=10_000, usecols=range(6))
    return Frame.from_array(rows)
