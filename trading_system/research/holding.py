"""The answer that needs no strategy: all the money in the asset, from the first open on."""

from __future__ import annotations

import numpy as np

from trading_system.backtest import metrics
from trading_system.frames import Frame


def holding(frame: Frame, timeframe: str) -> dict[str, float]:
    """Figures as `backtest.metrics` has them, of holding from the first open to the last close.

    Without fees. `price` is what was paid: the asset is worth close / price of the money then.
    """
    periods = metrics.periods_per_year(timeframe)
    price, bars = float(frame.open[0]), len(frame)
    gains = metrics.returns(frame.close, price)
    total, squares = float(gains.sum()), float((gains * gains).sum())
    deviated = metrics.deviation(total, squares, bars)
    peak = np.maximum.accumulate(np.concatenate([[price], frame.close]))[1:]
    whole = float(frame.close[-1]) / price - 1
    annual, deepest = (
        metrics.annual_return(whole, bars, periods),
        float((1 - frame.close / peak).max()),
    )
    return {
        "price": price,
        "total_return": whole,
        "annual_return": annual,
        "volatility": deviated * periods**0.5,
        "sharpe": metrics.sharpe(total / bars, deviated, periods),
        "calmar": metrics.ratio(annual, deepest),
        "max_drawdown": deepest,
    }
