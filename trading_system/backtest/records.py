"""The rows that kernels and the rest hand each other, as numpy's structured types."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import numpy as np

from trading_system.backtest.rules import FillRule, Rules, Sizing

Rows = Any
"""Rows of one of the types below: a numpy.recarray, which mypy cannot see the fields of."""


class Reason(IntEnum):
    """Why something was filled, or why a trade ended."""

    SIGNAL = 0
    STOP_LOSS = 1
    TAKE_PROFIT = 2
    TRAILING_STOP = 3
    RUIN = 4
    """A short had cost everything: closed at that close, if no order did it there already."""
    OPEN = 5
    """No end: the data ended first. Valued at the last close, without a fee."""


def _kind(fields: list[tuple[str, type]]) -> np.dtype[Any]:
    """A structured type whose rows have their fields as attributes, compiled or not."""
    return np.dtype((np.record, fields))


FILL = _kind(
    [
        ("bar", np.int64),
        ("reason", np.int64),
        ("quantity", np.float64),  # bought, or sold when negative
        ("price", np.float64),
        ("fee", np.float64),
        ("units", np.float64),  # held afterwards
        ("cash", np.float64),  # left afterwards
    ]
)
TRADE = _kind(
    [
        ("entry_bar", np.int64),
        ("exit_bar", np.int64),
        ("side", np.int64),  # 1 long, -1 short
        ("quantity", np.float64),  # all that was entered
        ("entry_price", np.float64),  # averages over quantity
        ("exit_price", np.float64),
        ("pnl", np.float64),  # after fees
        ("fees", np.float64),
        ("reason", np.int64),
    ]
)
"""From flat to flat; a flip ends one and begins another."""

CELL = _kind([("bar", np.int64), ("price", np.float64), ("fee", np.float64)])
"""What the cell of a grid was bought for."""

TALLY = _kind(
    [
        ("fills", np.int64),
        ("trades", np.int64),  # ended ones
        ("wins", np.int64),
        ("gross_profit", np.float64),
        ("gross_loss", np.float64),  # positive
        ("fees", np.float64),
        ("turnover", np.float64),  # value of all fills
    ]
)
"""What all fills and trades come to."""

ACCOUNT = _kind(
    [
        ("cash", np.float64),
        ("units", np.float64),
        ("bar", np.int64),  # that a grid goes on from
        ("target", np.float64),  # of the bar before
        ("full", np.int64),  # cells of a grid
        ("filled", np.int64),  # rows of fills and of trades that were written at last
        ("ended", np.int64),
        ("held", np.int64),  # closes before it were looked at for ruin
        ("watched", np.int64),  # bars before it were looked at for stops
        ("ruined", np.bool_),
        # The trade that is open:
        ("entry_bar", np.int64),
        ("entered", np.float64),
        ("entry_value", np.float64),
        ("exited", np.float64),
        ("exit_value", np.float64),
        ("fees", np.float64),
        ("best", np.float64),  # price since the entry
    ]
)
"""What a run knows at a bar."""

CURVE = _kind(
    [
        ("cash", np.float64),
        ("units", np.float64),
        ("bar", np.int64),  # closes before it are in the sheet
        ("used", np.int64),  # columns of the sheet that are in use
        ("flats", np.int64),  # of them, that stand for several bars
        ("added", np.int64),  # closes before it are in the figures below
        ("bars_held", np.int64),  # closes with a position
        ("equity", np.float64),  # at the last close
        ("drawdown", np.float64),  # the deepest, as a share of the peak before
        ("drawdown_bars", np.int64),  # the longest time below a peak
        ("returns", np.float64),  # sums over bars of r, of r² and of min(r, 0)²
        ("squares", np.float64),
        ("downside", np.float64),
        # The drawdown that is open:
        ("peak", np.float64),
        ("trough", np.float64),
        ("below", np.int64),
    ]
)
"""What the equity at all closes comes to."""

RULES = _kind(
    [
        ("capital", np.float64),
        ("fee_taker", np.float64),
        ("fee_maker", np.float64),
        ("slippage", np.float64),
        ("impact", np.float64),
        ("lot_step", np.float64),
        ("min_notional", np.float64),
        ("stop_loss", np.float64),
        ("take_profit", np.float64),
        ("trailing_stop", np.float64),
        ("lowest", np.float64),  # target, -1 or 0
        ("fixed", np.bool_),
        ("at_close", np.bool_),
        ("guarded", np.bool_),  # by a stop or a take-profit
    ]
)


def packed(rules: Rules) -> Rows:
    """The rules as one row that kernels read."""
    row = np.zeros(1, RULES)
    row[0] = (
        *(getattr(rules, name) for name in (RULES.names or ())[:-4]),
        -1.0 if rules.short else 0.0,
        rules.sizing == Sizing.FIXED,
        rules.fill == FillRule.CLOSE,
        max(rules.stop_loss, rules.take_profit, rules.trailing_stop) > 0,
    )
    return row


def by_name(row: Rows) -> dict[str, Any]:
    """The fields of one row as Python's own numbers."""
    return dict(zip(row.dtype.names, row.item(), strict=True))


def joined(parts: Sequence[Rows], kind: np.dtype[Any]) -> Rows:
    """The rows of all parts in their order, copied as bytes: numpy copies rows field by field."""
    if len(parts) == 1:
        return parts[0].view(np.recarray)
    every = np.concatenate([np.zeros(0, np.uint8), *(part.view(np.uint8) for part in parts)])
    return every.view(kind).view(np.recarray)
