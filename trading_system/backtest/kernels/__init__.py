"""The loops of a backtest, compiled.

`changes` finds what is decided, and `walk` does it (`orders` says what is traded, `stops` when it
ends by itself, `ledger` books it); `cells` plays grids. `curve` measures what either came to,
`trades` lists what fills make, `days` is what is left each day, and `resampling` how sure that is.
"""

from __future__ import annotations

from trading_system.backtest.kernels.cells import simulate_grid
from trading_system.backtest.kernels.changes import ROOM, decide
from trading_system.backtest.kernels.curve import blank_sheet, conclude, measure
from trading_system.backtest.kernels.days import daily_equity
from trading_system.backtest.kernels.resampling import resample
from trading_system.backtest.kernels.trades import list_trades
from trading_system.backtest.kernels.walk import FILLS_EACH, simulate

__all__ = [
    "FILLS_EACH",
    "ROOM",
    "blank_sheet",
    "conclude",
    "daily_equity",
    "decide",
    "list_trades",
    "measure",
    "resample",
    "simulate",
    "simulate_grid",
]
