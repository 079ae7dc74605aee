"""The loops of a backtest, compiled.

`walk` goes from one of the target's `changes` to the next (`orders` says what is traded, `stops`
when it ends by itself, `ledger` books it) and `cells` plays grids; `curve` measures what either
came to, and `resampling` how sure that is.
"""

from __future__ import annotations

from trading_system.backtest.kernels.cells import simulate_grid
from trading_system.backtest.kernels.changes import no_places
from trading_system.backtest.kernels.curve import blank_sheet, conclude, measure
from trading_system.backtest.kernels.resampling import resample
from trading_system.backtest.kernels.walk import DONE, FULL, WRONG, simulate

__all__ = [
    "DONE",
    "FULL",
    "WRONG",
    "blank_sheet",
    "conclude",
    "measure",
    "no_places",
    "resample",
    "simulate",
    "simulate_grid",
]
