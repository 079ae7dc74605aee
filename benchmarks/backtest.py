"""A run, a sweep and grids over 525,600 minutes, beside vectorbt, backtesting.py and bare loops.

Everything in one process, medians; ratios say how often ours fits into theirs. Single runs are
`warm`, each one's own calls back to back, and `in_turn` with the peer, which empties the caches in
between. The candles are recorded ones, tiled. The SMA cross is the one that is built in: from
candles to its targets in every `route`, by sums that all periods share in the sweep, and made
before the clock starts in `simulation`, on both sides. Whatever depends on the candles is made anew
in every round.
"""

from __future__ import annotations

import gzip
import json
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from os import cpu_count
from pathlib import Path
from statistics import median

import numba
import numpy as np

from trading_system.backtest import engine, grid
from trading_system.backtest.rules import FillRule, Rules
from trading_system.frames import Frame
from trading_system.strategies.base import targets_on
from trading_system.strategies.sma_cross import SmaCross

CANDLES = Path(__file__).parents[2] / "shared/data/candles"
FILE = "BTCUSDT_1m_2025-05-20_2025-08-18.csv.gz"
BARS = 525_600
FEE = 0.001
PERIODS = [round(value) for value in np.linspace(5, 250, 50)]
"""50 of them make 1,225 pairs of fast and slow."""
RULES = Rules(fee_taker=FEE, fill=FillRule.CLOSE)
"""vectorbt fills at the close of the signal unless told otherwise."""
WANTED = (
    "run >= 300 x vectorbt and >= 100 x backtesting.py, sweep >= 100 x vectorbt and >= 0.6 x its "
    "bare kernel in <= 500 MB, grids >= 50 M bars/s or within 2 x of the bare kernel"
)


def recorded() -> Frame:
    with gzip.open(CANDLES / FILE, "rt") as lines:
        rows = np.loadtxt(lines, delimiter=",", skiprows=1, usecols=range(6))
    rows = np.tile(rows, (-(-BARS // len(rows)), 1))[:BARS]
    rows[:, 0] = rows[0, 0] + np.arange(BARS) * 60_000.0
    return Frame.from_array(rows)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def bare_cross(close, sums, fast, slow, fee):
    """What one would write for this strategy alone: return, trades, Sharpe's sums, drawdown."""
    cash, units, peak, drawdown, trades = 1.0, 0.0, 1.0, 0.0, 0
    total, squares, before, was = 0.0, 0.0, 1.0, False
    for i in range(slow - 1, len(close)):
        above = (sums[i + 1] - sums[i + 1 - fast]) * slow > (
            sums[i + 1] - sums[i + 1 - slow]
        ) * fast
        if above != was:
            if above:
                units = cash / (close[i] * (1.0 + fee))
                cash = 0.0
            else:
                cash = units * close[i] * (1.0 - fee)
                units = 0.0
                trades += 1
            was = above
        equity = cash + units * close[i]
        gain = equity / before - 1.0
        total += gain
        squares += gain * gain
        before = equity
        peak = max(peak, equity)
        drawdown = max(drawdown, 1.0 - equity / peak)
    return before - 1.0, trades, total, squares, drawdown


@numba.njit(cache=True, nogil=True, error_model="numpy")
def bare_grid(opened, high, low, close, levels, quantity, fee):  # noqa: PLR0917 -- as one writes it
    """What one would write for a grid alone: cash, cells, fills, Sharpe's sums, drawdown."""
    count, full, cash, fills = len(levels) - 1, 0, 10_000_000.0, 0
    before, total, squares, peak, drawdown = cash, 0.0, 0.0, cash, 0.0
    for bar in range(len(close)):
        up = high[bar] - opened[bar] < opened[bar] - low[bar]
        first, second = (high[bar], low[bar]) if up else (low[bar], high[bar])
        for price in (opened[bar], first, second, close[bar]):
            while full < count and price <= levels[count - full - 1]:
                full += 1
                cash -= quantity * levels[count - full] * (1.0 + fee)
                fills += 1
            while full > 0 and price >= levels[count - full + 1]:
                cash += quantity * levels[count - full + 1] * (1.0 - fee)
                full -= 1
                fills += 1
        equity = cash + full * quantity * close[bar]
        gain = equity / before - 1.0
        total += gain
        squares += gain * gain
        before = equity
        peak = max(peak, equity)
        drawdown = max(drawdown, 1.0 - equity / peak)
    return before, fills, total, squares, drawdown


def in_turn(repeats, **calls):
    """Seconds of each call, medians over `repeats` rounds after one that warms up."""
    took = {name: [] for name in calls}
    for turn in range(repeats + 1):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            if turn:
                took[name].append(time.perf_counter() - started)
    return {name: median(times) for name, times in took.items()}


def warm(**calls):
    """Seconds of each call, medians of its own repeats: 15 back to back, or as many as a second."""
    took = {}
    for name, call in calls.items():
        once = in_turn(1, **{name: call})[name]
        took |= in_turn(max(15, round(1 / once)), **{name: call})
    return took


def everything(frame, targets):
    """A run with every metric that there is."""
    result = engine.run(frame, targets, RULES, "1m")
    return result.metrics, result.sharpe_interval, result.probabilistic_sharpe


def vectorbt_calls(frame):
    import pandas as pd
    import vectorbt

    index = pd.to_datetime(frame.open_time, unit="ms")
    close = pd.Series(frame.close, index=index)

    def signals(fast, slow):
        quick, calm = vectorbt.MA.run(close, fast), vectorbt.MA.run(close, slow)
        return quick.ma_crossed_above(calm), quick.ma_crossed_below(calm)

    def portfolio(entries, exits):
        played = vectorbt.Portfolio.from_signals(
            close, entries, exits, fees=FEE, init_cash=10_000, freq="1min"
        )
        return played.total_return(), played.trades.count()

    return signals, portfolio


def backtesting_call(frame, targets):
    import pandas as pd
    from backtesting import Backtest, Strategy

    columns = {
        name: getattr(frame, name.lower()) for name in ("Open", "High", "Low", "Close", "Volume")
    }
    data = pd.DataFrame(columns, index=pd.to_datetime(frame.open_time, unit="ms"))

    class Cross(Strategy):
        def init(self):
            self.target = self.I(lambda: targets)

        def next(self):
            if self.target[-1] and not self.position:
                self.buy()
            elif not self.target[-1] and self.position:
                self.position.close()

    backtest = Backtest(data / 1e6, Cross, cash=10_000, commission=FEE)  # whole units: micro BTC
    return backtest.run


def runs(frame):
    strategy = SmaCross(fast=20, slow=50)
    targets = strategy.targets(frame)
    signals, portfolio = vectorbt_calls(frame)
    entries, exits = signals(20, 50)
    sums = SmaCross.prepared(frame).totals
    calls = {
        "simulation": lambda: everything(frame, targets),
        "route": lambda: everything(frame, strategy.targets(frame)),
        "vectorbt": lambda: portfolio(entries, exits),
        "vectorbt_route": lambda: portfolio(*signals(20, 50)),
        "bare_kernel": lambda: bare_cross(frame.close, sums, 20, 50, FEE),
        "one_look_at_closes": frame.close.sum,
    }
    took, turns = warm(**calls), in_turn(15, **calls)
    started = time.perf_counter()
    backtesting_call(frame, targets)()
    took["backtesting"] = time.perf_counter() - started
    ours, theirs = engine.run(frame, targets, RULES, "1m").metrics, portfolio(entries, exits)
    return {
        "milliseconds_warm": {name: round(took[name] * 1000, 3) for name in took},
        "milliseconds_in_turn": {name: round(turns[name] * 1000, 3) for name in turns},
        "simulation_vs_vectorbt": round(took["vectorbt"] / took["simulation"], 1),
        "route_vs_vectorbt": round(took["vectorbt_route"] / took["route"], 1),
        "route_vs_vectorbt_in_turn": round(turns["vectorbt_route"] / turns["route"], 1),
        "bare_kernel_vs_vectorbt": round(took["vectorbt_route"] / took["bare_kernel"], 1),
        "route_vs_backtesting": round(took["backtesting"] / took["route"], 1),
        "same_return_and_trades": bool(np.isclose(ours.total_return, theirs[0], rtol=1e-9))
        and theirs[1] - ours.trades in {0, 1},  # theirs counts the open one
        "vectorbt_route_ms": round(took["vectorbt_route"] * 1000, 1),
    }


def sweep(frame, vectorbt_seconds):
    pairs = list(combinations(PERIODS, 2))
    targets = targets_on(SmaCross, frame)
    sums = SmaCross.prepared(frame).totals

    def ours(pair):
        fast, slow = pair
        found = engine.summarize(frame, targets(SmaCross(fast=fast, slow=slow)), RULES, "1m")
        return found.total_return

    def bare(pair):
        return bare_cross(frame.close, sums, *pair, FEE)[0]

    ours(pairs[0]), bare(pairs[0])
    shares, times = [], []
    with ThreadPoolExecutor(cpu_count()) as pool:
        for part in range(7):  # in turn, so that a busy machine is busy for both
            chosen = pairs[part::7]
            started = time.perf_counter()
            mine = list(pool.map(ours, chosen))
            middle = time.perf_counter()
            theirs = list(pool.map(bare, chosen))
            shares.append((time.perf_counter() - middle) / (middle - started))
            times.append((middle - started) / len(chosen))
            assert np.allclose(mine, theirs, rtol=1e-6)
    each = median(times)
    return {
        "combinations": len(pairs),
        "milliseconds_each": round(each * 1000, 3),
        "vs_vectorbt": round(vectorbt_seconds / each, 1),
        "vs_bare_kernel": round(median(shares), 2),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def grids(frame):
    low, high = float(frame.low.min()), float(frame.high.max())
    levels = [np.linspace(low, high, count) for count in range(20, 60)]
    rules = Rules(capital=10_000_000, fee_maker=FEE)

    def ours(prices):
        return grid.summarize(frame, prices, 1.0, rules, "1m").total_return

    def bare(prices):
        return bare_grid(frame.open, frame.high, frame.low, frame.close, prices, 1.0, FEE)

    with ThreadPoolExecutor(cpu_count()) as pool:
        took = in_turn(
            5,
            ours=lambda: list(pool.map(ours, levels)),
            bare=lambda: list(pool.map(bare, levels)),
        )
    return {
        "million_bars_per_second": round(BARS * len(levels) / took["ours"] / 1e6),
        "vs_bare_kernel": round(took["bare"] / took["ours"], 2),
    }


def main() -> None:
    if not CANDLES.exists():
        sys.exit("no recorded candles beside the project")
    frame = recorded()
    before = sweep(frame, 0.0)["peak_rss_mb"]  # before the peers take memory
    run = runs(frame)
    swept = sweep(frame, run["vectorbt_route_ms"] / 1000) | {"peak_rss_mb": before}
    result = {"bars": BARS, "run": run, "sweep": swept, "grid": grids(frame)}
    print(json.dumps({"bench": "backtest", **result, "wanted": WANTED}))


if __name__ == "__main__":
    main()
