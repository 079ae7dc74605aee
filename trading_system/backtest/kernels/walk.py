"""From change to change of the target: what is filled, and which trades that makes.

Writes to a few rows at a time and stops when they may not be enough for what comes, so that a run
needs the same memory however much it trades; whoever calls goes on with the same account.
"""

# ruff: noqa: PLR0917 -- what is compiled takes plain rows and arrays, by their place

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trading_system.backtest.kernels.changes import SPAN, changes
from trading_system.backtest.kernels.compiling import Bars, Row, Rows, apart, compiled
from trading_system.backtest.kernels.ledger import RUIN, SIGNAL, TAKE_PROFIT, book, value_open
from trading_system.backtest.kernels.orders import rebalance, slipped
from trading_system.backtest.kernels.stops import first_touch, ruin
from trading_system.frames import Column

DONE, FULL, WRONG = range(3)
"""The end; more rows are needed; the target of bar `account.bar` is not within [-1, 1]."""

_ROOM = 3  # rows that one change may need: a stop or ruin, its order, and the trade still open


@compiled
def simulate(
    bars: Bars,
    targets: Column,
    rules: Rows,
    account: Rows,
    places: NDArray[np.int64],
    fills: Rows,
    trades: Rows,
    tally: Rows,
) -> int:
    """Play `targets`, shape (n,), from the bar that `account` is at; DONE, FULL or WRONG.

    `bars`: open, high, low, close and volume, each of shape (n,); `rules`, `account`, `tally`: one
    row each; `places` is scratch. `fills` and `trades` are written from their beginning, as many
    rows as `account.filled` and `account.ended` say then.
    """
    rule, state, sums = rules[0], account[0], tally[0]
    room = min(len(fills), len(trades)) - _ROOM
    state.filled = state.ended = 0
    n = len(targets)
    for start in range(state.bar, n, SPAN):
        for j in range(changes(targets, start, min(start + SPAN, n), places)):
            state.bar = places[j]
            target = targets[state.bar]
            if not -1.0 <= target <= 1.0:
                return WRONG
            if state.filled > room:
                return FULL
            target = max(target, rule.lowest)
            if target != state.target:
                turn(bars, rule, state, fills, trades, sums, target)
    if rule.guarded:
        watch(bars, rule, state, fills, trades, sums, n)
    if state.units < 0.0:
        perish(bars, rule, state, fills, trades, sums, n)
    value_open(state, trades[state.ended], n - 1, bars[3][n - 1])
    return DONE


@compiled
def turn(
    bars: Bars, rule: Row, state: Row, fills: Rows, trades: Rows, sums: Row, target: float
) -> None:
    """Do what a new target, decided at the close of `state.bar`, asks for."""
    bar = state.bar if rule.at_close else state.bar + 1
    price = bars[3] if rule.at_close else bars[0]
    if bar < len(price):
        if rule.guarded:
            watch(bars, rule, state, fills, trades, sums, state.bar + 1)
        if state.units < 0.0:
            perish(bars, rule, state, fills, trades, sums, bar)
        state.held = bar
        order = rebalance(state, rule, price[bar], bars[4], bar, target)
        if order[0] != 0.0:
            fill, trade = fills[state.filled], trades[state.ended]
            book(state, sums, fill, trade, bar, order, rule.fee_taker, SIGNAL)
    state.target = target


@apart
def watch(
    bars: Bars, rule: Row, state: Row, fills: Rows, trades: Rows, sums: Row, until: int
) -> None:
    """Leave the position where a stop or a take-profit is touched in a bar before `until`."""
    if state.units != 0.0:
        bar, price, reason = first_touch(bars, state, rule, until)
        if bar < until:
            if state.units < 0.0:
                perish(bars, rule, state, fills, trades, sums, bar)
            units, rate = state.units, rule.fee_maker
            if units != 0.0:
                if reason != TAKE_PROFIT:
                    side = -1.0 if units > 0.0 else 1.0
                    price = slipped(rule, price, side, abs(units), bars[4], bar)
                    rate = rule.fee_taker
                fill, trade = fills[state.filled], trades[state.ended]
                book(state, sums, fill, trade, bar, (-units, price), rate, reason)
    state.watched = until


@apart
def perish(
    bars: Bars, rule: Row, state: Row, fills: Rows, trades: Rows, sums: Row, until: int
) -> None:
    """End what has cost everything at a close before `until`; nothing is traded afterwards.

    Only a short position can: a long one is never bought on credit.
    """
    close, volume = bars[3], bars[4]
    bar = ruin(close, state, until)
    if bar < until:
        price = slipped(rule, close[bar], 1.0, -state.units, volume, bar)
        fill, trade = fills[state.filled], trades[state.ended]
        order = (-state.units, price)
        book(state, sums, fill, trade, bar, order, rule.fee_taker, RUIN)
        state.ruined = True
