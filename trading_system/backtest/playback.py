"""A run, some rows at a time: kernels that trade and the one that measures, in turn.

Refuses to know what is played: targets and grids alike go on bar by bar until they say it is over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from trading_system.backtest import records
from trading_system.backtest.compiled import compiled
from trading_system.backtest.records import ACCOUNT, CURVE, FILL, TALLY, TRADE, Rows
from trading_system.frames import Column

Advance = Callable[[Rows, Rows, Rows, Rows], bool]
"""(account, fills, trades, tally) -> whether there is more: trades on as far as there are rows."""

_ROWS = 4_096


@dataclass(frozen=True, kw_only=True, eq=False)
class Played:
    """What a run came to: a row of TALLY, one of CURVE and, if kept, all fills and trades."""

    tally: Any
    curve: Any
    fills: Rows
    trades: Rows


def play(
    advance: Advance, close: Column, capital: float, *, rows: int = _ROWS, keep: bool
) -> Played:
    """Trade to the end and measure; it does not matter how many `rows` at a time."""
    kernels = compiled()
    account, tally, curve = (np.zeros(1, kind) for kind in (ACCOUNT, TALLY, CURVE))
    account["cash"] = curve["cash"] = curve["peak"] = curve["trough"] = capital
    sheet = kernels.blank_sheet(capital)
    curve["used"] = 1
    kept = []
    fills, trades = np.empty(rows, FILL), np.empty(rows, TRADE)
    more = True
    while more:
        more = advance(account, fills, trades, tally)
        filled, ended = int(account["filled"][0]), int(account["ended"][0])
        kernels.measure(close, fills, filled, 0 if more else len(close), curve, sheet)
        if keep:
            kept.append((fills[:filled], trades[:ended]))
            fills, trades = np.empty(rows, FILL), np.empty(rows, TRADE)
    kernels.conclude(curve, sheet)
    return Played(
        tally=tally[0],
        curve=curve[0],
        fills=records.joined([part for part, _ in kept], FILL),
        trades=records.joined([part for _, part in kept], TRADE),
    )
