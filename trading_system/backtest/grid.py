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

import numpy as np

from trading_system.backtest import records
from trading_system.backtest.compiled import compiled
from trading_system.backtest.engine import Result, after, judge, told
from trading_system.backtest.metrics import Metrics
from trading_system.backtest.playback import Played, play
from trading_system.backtest.records import CELL, TRADE, Rows
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
    trades: list[Rows] = []
    played = _play(frame, levels, quantity, rules, trades, warmup=warmup, keep=True)
    listed = records.joined(trades, TRADE)
    return told(played, frame, rules, timeframe, warmup=warmup, trades=lambda: listed)


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
    played = _play(frame, levels, quantity, rules, [], warmup=warmup, keep=False)
    return judge(played, frame, rules, timeframe, warmup)


def _play(
    frame: Frame,
    levels: Column,
    quantity: float,
    rules: Rules,
    kept: list[Rows],
    *,
    warmup: int,
    keep: bool,
) -> Played:
    if len(levels) < 2 or not np.all(np.diff(levels) > 0) or levels[0] <= 0:  # noqa: PLR2004 -- two levels bound a cell
        raise InvalidRequest("a grid has two levels or more, positive and ascending")
    if not 0 < quantity < math.inf:
        raise InvalidRequest(f"quantity={quantity:g} must be positive")
    taken = 1 + max(rules.fee_taker, rules.fee_maker) + rules.slippage + rules.impact
    cost = float(levels[:-1].sum()) * quantity * taken
    if rules.capital < cost:
        raise InvalidRequest(f"capital={rules.capital:g} is less than the {cost:g} all cells cost")
    kernels = compiled()
    bars = after(frame, warmup)
    prices = np.asarray(levels, np.float64)
    packed, cells = records.packed(rules), np.zeros(len(prices) - 1, CELL)

    rows = 4_096 + 8 * len(cells)
    trades = np.empty(rows, TRADE)

    def advance(account: Rows, fills: Rows, tally: Rows) -> bool:
        ended = kernels.simulate_grid(
            bars, prices, float(quantity), packed, account, cells, fills, trades, tally
        )
        if keep:
            kept.append(trades[: int(account["ended"][0])].copy())
        return not ended

    return play(advance, bars[3], rules.capital, rows=rows, keep=keep)
