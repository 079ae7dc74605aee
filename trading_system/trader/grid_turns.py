"""A grid's turns, as they were traded and as a backtest plays them, each beside its like; pure.

A cell turns when it has bought until it is full, and again when it has sold. Refuses to go by how
many turns there were before: one that a touch made on one side alone would shift all that follow.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

import numpy as np

from trading_system.backtest import grid
from trading_system.backtest.rules import Rules
from trading_system.domain.orders import Order, Side
from trading_system.domain.timeframes import Timeframe
from trading_system.frames import Frame
from trading_system.storage.times import to_milliseconds
from trading_system.strategies.base import first
from trading_system.trader.fill_pairs import Execution
from trading_system.trader.grid_record import GridRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What filled a cell, or emptied it: one order, or several when some ended in part.

    `row` is the bar of the first fill.
    """

    row: int
    side: Side
    executions: tuple[Execution, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Like:
    """The same in a backtest; `taken`: bought at the first close, and told of the bar after it."""

    row: int
    side: Side
    quantity: float
    price: float
    fee: float
    taken: bool = False

    @property
    def signed(self) -> float:
        """The quantity, negative when it was sold."""
        return self.quantity if self.side is Side.BUY else -self.quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Stint:
    """From empty cells to the time when somebody closed all that they held, if anybody did.

    `begins` and `ends` in ms UTC: the first order of a cell, and the first of the `closings`.
    """

    begins: int
    ends: int | None
    orders: tuple[tuple[Order, ...], ...]
    closings: tuple[Execution, ...]


@dataclass(frozen=True, slots=True)
class Bars:
    """A frame, asked by instants in ms UTC."""

    frame: Frame
    timeframe: Timeframe

    def row(self, at: int) -> int:
        """The bar that holds this instant, or the last one before it; -1 before all of them."""
        return int(np.searchsorted(self.frame.open_time, at, side="right")) - 1

    def holds(self, at: int) -> bool:
        """Whether a bar does: of what a venue has no candle of there is none."""
        row = self.row(at)
        return row >= 0 and at < self.span(row)[1]

    def closed(self, at: int) -> int:
        """How many bars had closed by then."""
        return self.row(at - self.timeframe.length) + 1

    def span(self, row: int) -> tuple[int, int]:
        """When it opens and when it has closed."""
        opens = int(self.frame.open_time[row])
        return opens, opens + self.timeframe.length


def stints(record: GridRecord, executions: Sequence[Execution]) -> list[Stint]:
    """All that a grid did, oldest first; executions of no cell's order are closings."""
    of_cells = {order.id for orders in record.orders for order in orders}
    closings = [each for each in executions if each.order.id not in of_cells]
    closings.sort(key=lambda each: sent(each.order))
    placed = sorted(sent(order) for orders in record.orders for order in orders)
    found, at = [], 0
    while at < len(placed):
        begins = placed[at]
        later = [each for each in closings if sent(each.order) >= begins]
        ends = sent(later[0].order) if later else None
        at = len(placed) if ends is None else bisect_left(placed, ends)
        begins_again = placed[at] if at < len(placed) else None
        found.append(
            Stint(
                begins=begins,
                ends=ends,
                orders=tuple(
                    tuple(each for each in orders if _within(sent(each), begins, ends))
                    for orders in record.orders
                ),
                closings=tuple(
                    each for each in later if _within(sent(each.order), begins, begins_again)
                ),
            )
        )
    return found


def turns(orders: Sequence[Order], executions: Mapping[UUID, Execution], bars: Bars) -> list[Turn]:
    """A cell's turns in their order; it sells only what it bought, and all of it."""
    filled = [executions[order.id] for order in orders if order.id in executions]
    return [
        Turn(row=bars.row(filled_from(several[0])), side=side, executions=tuple(several))
        for side, group in groupby(filled, key=lambda each: each.order.request.side)
        for several in [list(group)]
    ]


def replayed_cells(
    record: GridRecord, bars: Bars, rules: Rules, *, start: int, stop: int
) -> list[list[Like]]:
    """By cell, what a backtest fills from the close of row `start` up to row `stop`, not included.

    The kernels tell no cells: the full ones are always the highest.
    """
    levels = np.array([float(price) for price in record.prices])
    cells = len(levels) - 1
    likes: list[list[Like]] = [[] for _ in range(cells)]
    if stop <= start + 1:
        return likes
    seen, name = first(bars.frame, stop), bars.timeframe.name
    run = grid.run(seen, levels, float(record.quantity), rules, name, warmup=start)
    full = 0
    for fill in run.fills:
        bought = fill.quantity > 0
        full += bought
        likes[cells - full].append(
            Like(
                row=start + max(int(fill.bar), 1),
                side=Side.BUY if bought else Side.SELL,
                quantity=abs(float(fill.quantity)),
                price=float(fill.price),
                fee=float(fill.fee),
                taken=int(fill.bar) == 0,
            )
        )
        full -= not bought
    return likes


def aligned(
    done: Sequence[Turn], likes: Sequence[Like]
) -> Iterator[tuple[Turn | None, Like | None, bool]]:
    """Both sides' turns of a cell, which alternate from a purchase on, each beside its like.

    Two are alike unless the cell of one side had turned back before the other side's turned. Such a
    pair of turns is one side's alone, and so is what has no like in the end; the last value says
    that a turn undoes one that was alone.
    """
    ours = theirs = 0
    while ours < len(done) and theirs < len(likes):
        if _turned_back(likes, theirs, before=done[ours].row):
            yield None, likes[theirs], False
            yield None, likes[theirs + 1], True
            theirs += 2
        elif _turned_back(done, ours, before=likes[theirs].row):
            yield done[ours], None, False
            yield done[ours + 1], None, True
            ours += 2
        else:
            yield done[ours], likes[theirs], False
            ours, theirs = ours + 1, theirs + 1
    for number, turn in enumerate(done[ours:]):
        yield turn, None, number % 2 == 1
    for number, like in enumerate(likes[theirs:]):
        yield None, like, number % 2 == 1


def sent(order: Order) -> int:
    """When it was placed, in ms UTC by our clock."""
    return to_milliseconds(order.created_at)


def filled_from(execution: Execution) -> int:
    """When the first of it was filled, in ms UTC."""
    return to_milliseconds(min(fill.time for fill in execution.fills))


def _turned_back(several: Sequence[Turn] | Sequence[Like], at: int, *, before: int) -> bool:
    return at + 1 < len(several) and several[at + 1].row < before


def _within(at: int, begins: int, ends: int | None) -> bool:
    return begins <= at and (ends is None or at < ends)
