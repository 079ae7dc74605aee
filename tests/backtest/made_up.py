"""Candles and targets at random, for what must hold for all of them."""

from __future__ import annotations

import numpy as np

from trading_system.frames import Frame


def random_frame(rng, count, swing):
    """Bars that gap, rise and fall; some without volume."""
    close = 100 * np.exp(np.cumsum(rng.normal(0, swing, count)))
    opened = np.concatenate([[100], close[:-1]]) * np.exp(rng.normal(0, swing / 2, count))
    high = np.maximum(opened, close) * np.exp(np.abs(rng.normal(0, swing / 2, count)))
    low = np.minimum(opened, close) * np.exp(-np.abs(rng.normal(0, swing / 2, count)))
    volume = rng.choice([0.0, 1.0, 50.0, 1000.0], count)
    time = np.arange(count) * 3_600_000
    return Frame.from_array(np.column_stack([time, opened, high, low, close, volume]))


def random_targets(rng, count, change):
    """Targets that stay for a while."""
    levels = rng.choice([-1.0, -0.5, 0.0, 0.25, 1.0], count)
    kept = np.maximum.accumulate(np.where(rng.random(count) < change, np.arange(count), 0))
    return levels[kept]
