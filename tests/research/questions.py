"""Backtests to ask for, over candles that are made up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from tests.backtest.made_up import random_frame
from trading_system.backtest.rules import Rules
from trading_system.frames import Frame
from trading_system.research.backtest import answered
from trading_system.research.configuration import Configuration
from trading_system.research.history import History
from trading_system.strategies.sma_cross import SmaCross

BEGIN = datetime(2025, 6, 1, tzinfo=UTC)
MONTHS = 24 * 61
WARMUP = 49
STRATEGY = SmaCross(fast=5, slow=50)


def history(count=MONTHS, *, warmup=WARMUP, seed=1, digest="d" * 64, minutes=60, prices=None):
    """`count` candles from the first of June on, and some before; `prices`: the only one of each.

    Rows that are None are holes.
    """
    made = random_frame(np.random.default_rng(seed), count + warmup, 0.01)
    step = timedelta(minutes=minutes)
    rows = np.column_stack(
        [made.open_time, made.open, made.high, made.low, made.close, made.volume]
    )
    rows[:, 0] = (BEGIN - warmup * step).timestamp() * 1000 + np.arange(
        len(made)
    ) * minutes * 60_000
    if prices is not None:
        rows[:, 1:5] = np.asarray(prices, float)[:, None]
        rows = rows[~np.isnan(rows[:, 1])]
    frame = Frame.from_array(rows)
    return History(
        symbol="BTC/USDT",
        timeframe=f"{minutes}m" if minutes < 60 else f"{minutes // 60}h",
        frame=frame,
        warmup=warmup,
        start=BEGIN,
        end=BEGIN + count * step,
        missing=0,
        digest=digest,
    )


def configuration(strategy=STRATEGY, over=None, **rules):
    """What is asked about these candles."""
    candles = over or history()
    return Configuration.of(
        strategy,
        symbol=candles.symbol,
        timeframe=candles.timeframe,
        start=candles.start,
        end=candles.end,
        rules=Rules(**rules),
    )


def record(strategy=STRATEGY, over=None, **rules):
    """The answer."""
    candles = over or history()
    return answered(strategy, configuration(strategy, candles, **rules), candles)
