"""Lays what was filled beside a backtest's fills, bar by bar, what nothing decided as well; pure.

What somebody closed, or a kill, no decision asked for: the backtest is told to close it too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from uuid import UUID

import numpy as np

from trading_system.backtest.rules import Rules
from trading_system.domain.mandates import Mandate
from trading_system.domain.orders import Side
from trading_system.domain.timeframes import Timeframe
from trading_system.frames import Frame
from trading_system.storage.times import to_milliseconds
from trading_system.trader.causes import Cause
from trading_system.trader.fill_pairs import Execution, FillPair, Replayed, alone, pair


def closings(
    timeframe: Timeframe, frame: Frame, executions: Iterable[Execution], ordered: Collection[int]
) -> dict[UUID, int]:
    """By order that closed what was held, of no decision's: the bar after which a backtest does it.

    That is the last bar closed by then, or the next one where an order was decided at its close. A
    backtest does one thing a bar: where another was decided at that one too, it holds on.
    """
    found = {}
    for each in executions:
        if each.bar is None:
            under_way = timeframe.floor(to_milliseconds(each.fills[0].time))
            row = int(np.searchsorted(frame.open_time, under_way))
            bars = frame.open_time[max(row - 1, 0) : row + 1].tolist()
            free = [bar for bar in bars if bar not in ordered]
            if free:
                found[each.order.id] = free[0]
    return found


def paired(
    executions: Iterable[Execution],
    replayed: dict[tuple[int, bool], Replayed],
    closed: dict[UUID, int],
    *,
    last: int,
    as_sized: Callable[[Execution], Mandate],
    rules: Rules,
) -> Iterator[FillPair]:
    """Each execution beside its like, which is taken out of `replayed`, then what is left there.

    `closed` are the bars of closings, `last` is the bar whose decision no backtest has filled yet:
    what came after it is unseen. `as_sized` tells the mandate as it was then. A closing that the
    backtest has not is in no pair, and what trades on from it has that for its cause.
    """
    held_on: Side | None = None  # the side of a closing that the backtest could not do
    for each in executions:
        order, bar = each.order, closed.get(each.order.id, each.bar)
        if bar is None:
            held_on = order.request.side
            continue
        unseen = bar > last or (bar == last and not each.is_stop)
        like = None if unseen else _like(each, bar, replayed)
        told = pair(each, bar, like, as_sized(each), rules)
        if order.id in closed:
            told = replace(told, delay_ms=None)  # nothing was decided that it could be late for
        if unseen:
            yield replace(told, cause=Cause.UNSEEN)
        elif order.id in closed:
            if like is not None:
                yield replace(told, cause=Cause.ASKED)
        elif like is None and held_on not in {None, order.request.side}:
            held_on = None
            yield replace(told, cause=Cause.FOLLOWS)
        else:
            yield told
    for left in replayed.items():
        yield alone(*left)


def _like(
    execution: Execution, bar: int, replayed: dict[tuple[int, bool], Replayed]
) -> Replayed | None:
    """Taken out of what was replayed: same bar, same cause, same side."""
    key = bar, execution.is_stop
    found = replayed.get(key)
    if found is None or (found[0] > 0) != (execution.order.request.side is Side.BUY):
        return None
    return replayed.pop(key)
