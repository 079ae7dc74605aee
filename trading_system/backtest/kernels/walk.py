"""From decision to decision: what is filled, and what that comes to.

What is held stays in registers on the way. What happens seldom, the end of a position between two
decisions, is a loop apart that takes it from the account's row and puts it back there.
"""

# ruff: noqa: PLR0917 -- what is compiled takes plain rows and arrays, by their place

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trading_system.backtest.kernels.compiling import Bars, Row, Rows, apart, compiled
from trading_system.backtest.kernels.ledger import (
    RUIN,
    SIGNAL,
    TAKE_PROFIT,
    Held,
    book,
    put_down,
    taken_up,
)
from trading_system.backtest.kernels.orders import rebalance, slipped
from trading_system.backtest.kernels.stops import first_touch, ruin
from trading_system.frames import Column

FILLS_EACH = 3
"""Rows that one decision may need: for ruin or a stop, and for its order; and the end for two."""


@compiled
def simulate(
    bars: Bars,
    places: NDArray[np.int64],
    wanted: Column,
    over: bool,  # noqa: FBT001 -- kernels take everything by its place
    rules: Rows,
    account: Rows,
    fills: Rows,
    tally: Rows,
) -> None:
    """Do what is decided at the bars `places`, to hold `wanted`, each of shape (m,).

    Then, when it is `over`, go on to the last bar. `bars`: open, high, low, close and volume, each
    of shape (n,); `rules`, `account`, `tally`: one row each. `fills` are written from their
    beginning, as many as `account.filled` says then.
    """
    rule, state, sums = rules[0], account[0], tally[0]
    prices, delay = (bars[3], 0) if rule.at_close else (bars[0], 1)
    state.filled = 0
    held, before = taken_up(state), state.target
    for j in range(len(places)):
        target, bar = max(wanted[j], rule.lowest), places[j] + delay
        if target != before and bar < len(prices):
            if rule.guarded or held.units < 0.0:
                held = meanwhile(bars, rule, held, state, fills, sums, places[j] + 1, bar)
            state.held = bar
            quantity, price = rebalance(
                held.cash, held.units, rule, prices[bar], bars[4], bar, target
            )
            if quantity != 0.0 and not state.ruined:
                order = (quantity, price)
                held = book(held, state, sums, fills, bar, order, rule.fee_taker, SIGNAL)
        before = target
    if over and (rule.guarded or held.units < 0.0):
        held = meanwhile(bars, rule, held, state, fills, sums, len(prices), len(prices))
    put_down(state, held)
    state.target = before


@apart
def meanwhile(
    bars: Bars,
    rule: Row,
    held: Held,
    state: Row,
    fills: Rows,
    sums: Row,
    watched: int,
    until: int,
) -> Held:
    """End the position where stops, before the bar `watched`, or ruin, before `until`, say so."""
    if rule.guarded:
        held = watch(bars, rule, held, state, fills, sums, watched)
    return perish(bars, rule, held, state, fills, sums, until)


@compiled
def watch(
    bars: Bars, rule: Row, held: Held, state: Row, fills: Rows, sums: Row, until: int
) -> Held:
    """Leave the position where a stop or a take-profit is touched in a bar before `until`."""
    if held.units != 0.0:
        bar, price, reason = first_touch(bars, held, state, rule, until)
        if bar < until:
            held = perish(bars, rule, held, state, fills, sums, bar)
            units, rate = held.units, rule.fee_maker
            if units != 0.0:
                if reason != TAKE_PROFIT:
                    side = -1.0 if units > 0.0 else 1.0
                    price = slipped(rule, price, side, abs(units), bars[4], bar)
                    rate = rule.fee_taker
                held = book(held, state, sums, fills, bar, (-units, price), rate, reason)
    state.watched = until
    return held


@apart
def perish(
    bars: Bars, rule: Row, held: Held, state: Row, fills: Rows, sums: Row, until: int
) -> Held:
    """End what has cost everything at a close before `until`; nothing is traded afterwards.

    Only a short position can: a long one is never bought on credit.
    """
    if held.units < 0.0:
        close, volume = bars[3], bars[4]
        bar = ruin(close, held, state.held, until)
        if bar < until:
            price = slipped(rule, close[bar], 1.0, -held.units, volume, bar)
            order = (-held.units, price)
            held = book(held, state, sums, fills, bar, order, rule.fee_taker, RUIN)
            state.ruined = True
    return held
