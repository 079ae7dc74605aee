"""Finds out why a grid and its backtest did not fill in the same bar: from candles and orders."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from trading_system.domain.orders import Order, OrderStatus, Side
from trading_system.storage.times import to_milliseconds
from trading_system.trader.causes import Cause
from trading_system.trader.fill_pairs import Execution
from trading_system.trader.grid_turns import Bars, Like, Turn, filled_from, sent

_FOREVER = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """An order in the book, from its answer to its end, in ms UTC."""

    side: Side
    since: int
    until: int


def rests(orders: Iterable[Order], executions: Mapping[UUID, Execution]) -> list[Rest]:
    """When the orders of a cell rested; one that the venue refused never did."""
    return [
        Rest(
            side=order.request.side,
            since=sent(order) + (order.latency_ms or 0),
            until=_ended(order, executions.get(order.id)),
        )
        for order in orders
        if order.status is not OrderStatus.REJECTED
    ]


def of_pair(
    turn: Turn | None, like: Like | None, orders: Sequence[Rest], rows: Collection[int], bars: Bars
) -> Cause | None:
    """Why the two of a pair are not in the same bar, or the one is alone; None of those that are.

    `orders` and `rows` are when orders of that cell rested, and the bars that it was filled in.
    """
    if turn is not None and any(map(_is_worse, turn.executions)):
        return Cause.WORSE
    if turn is not None and not _is_reached(turn, bars):
        at = filled_from(turn.executions[0])
        return Cause.BEYOND if bars.holds(at) else Cause.UNSEEN
    if like is None or (turn is not None and turn.row < like.row):
        return Cause.PATH
    if turn is None or like.row < turn.row:
        return _only_replayed(like, orders, rows, bars)
    return None


def _is_reached(turn: Turn, bars: Bars) -> bool:
    """Whether the candle came to the level that it was filled at."""
    limit = _limit(turn.executions[0])
    if turn.side is Side.BUY:
        return bool(bars.frame.low[turn.row] <= float(limit))
    return bool(bars.frame.high[turn.row] >= float(limit))


def _only_replayed(like: Like, orders: Sequence[Rest], rows: Collection[int], bars: Bars) -> Cause:
    """Why nobody filled it in that bar."""
    opens, closes = bars.span(like.row)
    ready = [each for each in orders if each.side is like.side and each.since < closes]
    if any(each.since <= opens and each.until >= closes for each in ready):
        frame, row = bars.frame, like.row
        reached = frame.low[row] if like.side is Side.BUY else frame.high[row]
        return Cause.TOUCHED if reached == like.price else Cause.THROUGH
    if like.row in rows:
        return Cause.PATH
    return Cause.PLACED if any(each.since > opens for each in ready) else Cause.AWAY


def _is_worse(execution: Execution) -> bool:
    """Whether any of it was filled at a worse price than its limit."""
    prices, limit = [fill.price for fill in execution.fills], _limit(execution)
    return max(prices) > limit if execution.order.request.side is Side.BUY else min(prices) < limit


def _limit(execution: Execution) -> Decimal:
    limit = execution.order.request.price
    assert limit is not None  # noqa: S101 -- cells place nothing else
    return limit


def _ended(order: Order, execution: Execution | None) -> int:
    if order.status is OrderStatus.FILLED and execution is not None:
        return to_milliseconds(max(fill.time for fill in execution.fills))
    return to_milliseconds(order.updated_at) if order.status.is_final else _FOREVER
