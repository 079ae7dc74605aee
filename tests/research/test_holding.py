from __future__ import annotations

import numpy as np
import pytest

from tests.research.questions import history, record
from trading_system.backtest import engine
from trading_system.backtest.rules import FillRule, Rules
from trading_system.research.holding import holding
from trading_system.strategies.sma_cross import SmaCross


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
    candles = history(10, warmup=3)
    kept = record(SmaCross(fast=1, slow=4), candles)
    assert kept.holding["price"] == candles.frame.open[3]
