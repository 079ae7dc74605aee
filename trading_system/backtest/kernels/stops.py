"""What ends a position between two orders: a stop, a take-profit, or ruin."""

from __future__ import annotations

import numpy as np

from trading_system.backtest.kernels.compiling import Bars, Row, compiled
from trading_system.backtest.kernels.ledger import (
    SIGNAL,
    STOP_LOSS,
    TAKE_PROFIT,
    TRAILING_STOP,
    Held,
)
from trading_system.frames import Column


@compiled
def first_touch(
    bars: Bars, held: Held, account: Row, rules: Row, until: int
) -> tuple[int, float, int]:
    """(bar, price, reason) of the first touch from the bar `watched` on; bar `until` for none.

    Stops take: they are done at their price or, when the bar opened behind it, at the open. A
    take-profit rests and is done at its price. When both were touched, the stop was first. The
    best price, which the trailing stop follows, moves after a bar was checked against it.
    """
    opened, high, low = bars[0], bars[1], bars[2]
    side = 1.0 if held.units > 0.0 else -1.0
    entry = held.entry_value / held.entered
    fixed = entry * (1.0 - side * rules.stop_loss) if rules.stop_loss > 0.0 else -side * np.inf
    profit = entry * (1.0 + side * rules.take_profit) if rules.take_profit > 0.0 else side * np.inf
    for bar in range(account.watched, until):
        worst, best = (low[bar], high[bar]) if side > 0.0 else (high[bar], low[bar])
        stop, reason = fixed, STOP_LOSS
        if rules.trailing_stop > 0.0:
            trailing = account.best * (1.0 - side * rules.trailing_stop)
            if (trailing - fixed) * side > 0.0:
                stop, reason = trailing, TRAILING_STOP
        if (worst - stop) * side <= 0.0:
            behind = (opened[bar] - stop) * side <= 0.0
            return bar, opened[bar] if behind else stop, reason
        if (best - profit) * side >= 0.0:
            return bar, profit, TAKE_PROFIT
        if (best - account.best) * side > 0.0:
            account.best = best
    return until, 0.0, SIGNAL


@compiled
def ruin(close: Column, held: Held, start: int, until: int) -> int:
    """The first bar from `start` on at whose close nothing is left; `until` for none.

    Only a short position can cost more than there is: a long one is never bought on credit.
    """
    for bar in range(start, until):
        if held.cash + held.units * close[bar] <= 0.0:
            return bar
    return until
