"""Minutes that are made up, as rows of `frames.COLUMNS`."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from trading_system.domain.candles import MINUTE, Candle

BEGIN = datetime(2025, 6, 2, tzinfo=UTC)  # a Monday
BEGIN_MS = 1_748_822_400_000


def minutes(count, *, start=BEGIN_MS, seed=1, without=()):
    """Rows of `count` minutes with prices of two decimals and volumes of five, some left out."""
    drawn = np.random.default_rng(seed)
    close = np.round(100 + np.cumsum(drawn.normal(0, 0.1, count)), 2)
    opened = np.append(100.0, close[:-1])
    high = np.round(np.maximum(opened, close) + drawn.uniform(0, 0.2, count), 2)
    low = np.round(np.minimum(opened, close) - drawn.uniform(0, 0.2, count), 2)
    volume = np.round(drawn.uniform(0, 30, count), 5)
    times = start + np.arange(count) * MINUTE
    rows = np.column_stack([times, opened, high, low, close, volume])
    return np.delete(rows, list(without), axis=0)


def candles(rows):
    """The same for a repository."""
    return [Candle(int(row[0]), *row[1:]) for row in rows.tolist()]
