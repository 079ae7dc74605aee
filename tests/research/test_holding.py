from __future__ import annotations

import numpy as np
import pytest

from tests.research.questions import history
from trading_system.backtest import engine
from trading_system.backtest.rules import FillRule, Rules
from trading_system.research.holding import after_warmup, holding


def test_holding_is_what_an_order_at_the_first_close_would_have_made():
    """With prices that open where the last one closed, and the first bar still."""
    prices = np.concatenate([[100.0], 100 * np.exp(np.cumsum(np.sin(np.arange(499)) / 50))])
    candles = history(500, warmup=0, prices=prices)
    rules = Rules(fee_taker=0.0, fill=FillRule.CLOSE)
    played = engine.summarize(candles.frame, np.ones(500), rules, "1h")
    held = holding(candles.frame, "1h")
    assert held["price"] == 100.0
    for name in ("total_return", "annual_return", "volatility", "sharpe", "calmar", "max_drawdown"):
        assert held[name] == pytest.approx(getattr(played, name), rel=1e-9), name


def test_the_warm_up_is_not_held():
    frame = after_warmup(history(10, warmup=3).frame, 3)
    assert len(frame) == 10
    assert holding(frame, "1h")["price"] == frame.open[0]
