"""Play made-up runs and print what came out: started twice, with numba compiling and without."""

from __future__ import annotations

import sys

import numpy as np

from tests.backtest.made_up import random_frame, random_targets
from trading_system.backtest import engine, grid, metrics
from trading_system.backtest.rules import FillRule, Rules
from trading_system.domain.errors import InvalidRequest
from trading_system.frames import Frame

STOPS = {"stop_loss": 0.05, "take_profit": 0.06, "trailing_stop": 0.04}
COSTS = {"slippage_bps": 5, "impact": 0.1, "lot_step": 0.1, "min_notional": 60}
RULES = (
    Rules(),
    Rules(short=True, **STOPS, **COSTS),
    Rules(short=True, fill=FillRule.CLOSE, capital=1_000.0),
    Rules(stop_loss=0.02),
    Rules(take_profit=0.02, short=True),
)


def say(*outcome):
    sys.stdout.write(f"{outcome}\n")


def main():
    np.seterr(over="ignore")  # bits that fall off, as they do when compiled
    for rules in RULES:
        for seed, swing, count in ((1, 0.01, 700), (2, 0.3, 1_024)):
            rng = np.random.default_rng(seed)
            frame, targets = random_frame(rng, count, swing), random_targets(rng, count, 0.1)
            result = engine.run(frame, targets, rules, "1h")
            say(result.fills.tolist(), result.trades.tolist(), result.metrics)
    say(result.sharpe_interval)
    try:
        engine.run(frame, np.full(1_024, 2.0), Rules(), "1h")
    except InvalidRequest as refused:
        say(refused)
    # Ruined before a stop is touched, and a short to the end:
    prices = np.array([100.0, 40, 85, 120, 120])
    frame = Frame.from_array(np.column_stack([np.arange(5), *[prices] * 4, np.ones(5)]))
    rules = Rules(short=True, stop_loss=0.6, fill=FillRule.CLOSE)
    for targets in ([-1, -0.99, -0.99, -0.99, -0.99], [0, 0, 0, 0, -1]):
        say(engine.run(frame, np.array(targets), rules, "1h").fills.tolist())
    # More fills than are written at a time, and blocks that end with the frame:
    frame = random_frame(np.random.default_rng(3), 4_608, 0.001)
    say(engine.run(frame, np.arange(4_608) / 4_608, Rules(fee_taker=0), "1h").metrics)
    # Positions that are held from block to block, over days with holes and without deviation:
    rng = np.random.default_rng(5)
    frame, targets = random_frame(rng, 1_400, 0.01), random_targets(rng, 1_400, 0.01)
    times = np.cumsum(rng.choice((1, 1, 1, 1, 60), 1_400)) * 3_600_000
    columns = (frame.open, frame.high, frame.low, frame.close, frame.volume)
    frame = Frame.from_array(np.column_stack([times, *columns]))
    result = engine.run(frame, targets, Rules(short=True), "1h")
    say(result.metrics, result.sharpe_interval, result.daily_returns.tolist())
    say(metrics.sharpe_interval(np.full(20, 0.1), 365))
    frame = random_frame(np.random.default_rng(3), 600, 0.01)
    result = grid.run(frame, np.linspace(80.0, 120.0, 21), 1.0, Rules(), "1h")
    say(result.fills.tolist(), result.trades.tolist(), result.metrics)
    waves = 100 + 10 * np.sin(np.arange(500.0))
    rows = np.column_stack([np.arange(500) * 60_000, *[waves] * 4, np.ones(500)])
    levels = np.linspace(85.0, 115.0, 61)
    result = grid.run(Frame.from_array(rows), levels, 1.0, Rules(capital=100_000), "1m")
    say(result.fills.tolist(), result.trades.tolist(), result.metrics)


if __name__ == "__main__":
    main()
