"""Grids of resting limit orders, filled against every bar's high and low.

Prices L[0] < .. < L[m] bound m cells. An empty cell rests a purchase of `quantity` at L[i], a full
one a sale at L[i + 1]. The grid begins at the close of its first bar, where cells with L[i] at or
above the price buy as takers; all other fills are a maker's, each at its own level, even when the
price gaps over it. Being touched is being filled.

The stated way of a price inside a bar: from the open to the nearer extreme (the low when both are
as near), to the other one and to the close. Each cell so trades what that way crosses and no more:
never the several times that a real price may have gone to and fro.

Refuses to begin without the money that all cells cost.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from trading_system.backtest import records
from trading_system.backtest.engine import Result, after, compiled, judge
from trading_system.backtest.metrics import Metrics
from trading_system.backtest.records import ACCOUNT, CELL, FILL, TALLY, TRADE, Rows
from trading_system.backtest.rules import Rules
from trading_system.domain.errors import InvalidRequest
from trading_system.frames import Column, Frame


def run(
    frame: Frame,
    levels: Column,
    quantity: float,
    rules: Rules,
    timeframe: str,
    *,
    warmup: int = 0,
) -> Result:
    """Play the grid with `levels`, shape (m + 1,) and ascending, and `quantity` a cell.

    It begins at the close of bar `warmup`. Its trades are a cell's, from purchase to sale, in the
    order of the sales; what is unsold in the end is in the equity alone. Raises InvalidRequest for
    levels, a quantity or a capital that cannot be, ConfigurationError without numba.
    """
    count = _play(frame, levels, quantity, rules, warmup=warmup, notes=_nothing())
    notes = records.rows(FILL, int(count.fills)), records.rows(TRADE, int(count.trades))
    tally = _play(frame, levels, quantity, rules, warmup=warmup, notes=notes)
    return Result(
        open_time=frame.open_time[warmup:],
        close=frame.close[warmup:],
        capital=rules.capital,
        fills=notes[0],
        trades=notes[1],
        metrics=judge(tally, frame, rules, timeframe, warmup),
    )


def summarize(
    frame: Frame,
    levels: Column,
    quantity: float,
    rules: Rules,
    timeframe: str,
    *,
    warmup: int = 0,
) -> Metrics:
    """The metrics of `run` to the last bit, without writing anything down by bar or by trade."""
    tally = _play(frame, levels, quantity, rules, warmup=warmup, notes=_nothing())
    return judge(tally, frame, rules, timeframe, warmup)


def _nothing() -> tuple[Rows, Rows]:
    return records.rows(FILL, 0), records.rows(TRADE, 0)


def _play(
    frame: Frame,
    levels: Column,
    quantity: float,
    rules: Rules,
    *,
    warmup: int,
    notes: tuple[Rows, Rows],
) -> Any:
    if len(levels) < 2 or not np.all(np.diff(levels) > 0) or levels[0] <= 0:  # noqa: PLR2004 -- two levels bound a cell
        raise InvalidRequest("a grid has two levels or more, positive and ascending")
    if not 0 < quantity < math.inf:
        raise InvalidRequest(f"quantity={quantity:g} must be positive")
    taken = 1 + max(rules.fee_taker, rules.fee_maker) + rules.slippage + rules.impact
    cost = float(levels[:-1].sum()) * quantity * taken
    if rules.capital < cost:
        raise InvalidRequest(f"capital={rules.capital:g} is less than the {cost:g} all cells cost")
    tally = records.rows(TALLY, 1)
    compiled().simulate_grid(
        after(frame, warmup),
        np.asarray(levels, np.float64),
        float(quantity),
        records.packed(rules),
        records.rows(ACCOUNT, 1),
        records.rows(CELL, len(levels) - 1),
        *notes,
        tally,
    )
    return tally[0]
