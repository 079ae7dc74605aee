"""A run, some rows at a time: kernels that trade and the one that measures, in turn.

Refuses to know what is played: targets and grids alike go on bar by bar until they say it is over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from trading_system.backtest import records
from trading_system.backtest.compiled import compiled
from trading_system.backtest.records import ACCOUNT, CURVE, FILL, TALLY, Rows
from trading_system.frames import Column

Advance = Callable[[Rows, Rows, Rows], bool]
"""(account, fills, tally) -> whether there is more: trades on as far as there are rows."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Played:
    """What a run came to: the fields of TALLY and of CURVE by name and, if kept, all fills."""

    tally: Mapping[str, Any]
    curve: Mapping[str, Any]
    fills: Rows


def play(advance: Advance, close: Column, capital: float, *, rows: int, keep: bool) -> Played:
    """Trade to the end and measure; it does not matter how many `rows` at a time."""
    kernels = compiled()
    account, tally, curve = (np.zeros(1, kind) for kind in (ACCOUNT, TALLY, CURVE))
    account["cash"] = curve["cash"] = curve["peak"] = curve["trough"] = capital
    sheet = kernels.blank_sheet(capital)
    curve["used"] = 1
    kept = []
    fills = np.empty(rows, FILL)
    more = True
    while more:
        more = advance(account, fills, tally)
        filled = int(account["filled"][0])
        kernels.measure(close, fills, filled, 0 if more else len(close), curve, sheet)
        if keep:
            kept.append(fills[:filled])
            fills = np.empty(rows, FILL)
    kernels.conclude(curve, sheet)
    return Played(
        tally=records.by_name(tally), curve=records.by_name(curve), fills=records.joined(kept, FILL)
    )
