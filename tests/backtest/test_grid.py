"""Grids against a slow, obvious reference with one resting order a cell, and by hand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.backtest.made_up import random_frame
from trading_system.backtest import engine, grid
from trading_system.backtest.rules import Rules
from trading_system.domain.errors import InvalidRequest
from trading_system.frames import Frame


class Cell:
    """One resting order: a purchase at `low` while empty, a sale at `high` while full."""

    def __init__(self, low, high):
        self.low, self.high = low, high
        self.bought = None


def reference(frame, levels, quantity, rules):  # noqa: C901 -- one page, from top to bottom
    """Walk each bar's way from level to level, ask every cell at each; (fills, trades, equity)."""
    cells = [Cell(low, high) for low, high in pairwise(levels)]
    cash, fills, trades, equity = rules.capital, [], [], []

    def buy(cell, bar, price, rate):
        nonlocal cash
        fee = quantity * price * rate
        cash -= quantity * price + fee
        cell.bought = (bar, price, fee)
        fills.append((bar, quantity, price, fee))

    def sell(cell, bar, rate):
        nonlocal cash
        fee = quantity * cell.high * rate
        cash -= -quantity * cell.high + fee
        entry_bar, paid, paid_fee = cell.bought
        cell.bought = None
        fills.append((bar, -quantity, cell.high, fee))
        pnl = quantity * cell.high - quantity * paid - (paid_fee + fee)
        trades.append((entry_bar, bar, paid, cell.high, pnl))

    start = frame.close[0]
    for cell in reversed(cells):
        if cell.low >= start:
            buy(cell, 0, start * (1 + rules.slippage), rules.fee_taker)
    for bar in range(len(frame)):
        opened, high, low, close = (
            column[bar] for column in (frame.open, frame.high, frame.low, frame.close)
        )
        near_first = [low, high] if opened - low <= high - opened else [high, low]
        for price in [opened, *near_first, close] if bar else []:
            for cell in reversed(cells):
                if cell.bought is None and price <= cell.low:
                    buy(cell, bar, cell.low, rules.fee_maker)
            for cell in cells:
                if cell.bought is not None and price >= cell.high:
                    sell(cell, bar, rules.fee_maker)
        full = sum(cell.bought is not None for cell in cells)
        equity.append(cash + full * quantity * close)
    return fills, trades, equity


@settings(deadline=None, max_examples=100)
@given(
    seed=st.integers(0, 2**32),
    swing=st.sampled_from((0.002, 0.02, 0.1)),
    cells=st.integers(1, 30),
    width=st.sampled_from((0.02, 0.2, 0.9)),
    geometric=st.booleans(),
    fee_maker=st.sampled_from((0.0, 0.001)),
    slippage_bps=st.sampled_from((0.0, 10.0)),
)
def test_a_grid_is_equal_to_the_reference_to_the_last_bit(
    seed, swing, cells, width, geometric, fee_maker, slippage_bps
):
    frame = random_frame(np.random.default_rng(seed), 600, swing)
    spaced = np.geomspace if geometric else np.linspace
    levels = spaced(100 * (1 - width), 100 * (1 + width), cells + 1)
    rules = Rules(fee_maker=fee_maker, slippage_bps=slippage_bps)
    result = grid.run(frame, levels, 0.5, rules, "1h")
    fills, trades, equity = reference(frame, levels, 0.5, rules)
    names = ("entry_bar", "exit_bar", "entry_price", "exit_price", "pnl")
    assert [(f.bar, f.quantity, f.price, f.fee) for f in result.fills] == fills
    assert [tuple(t[name] for name in names) for t in result.trades] == trades
    assert result.equity.tolist() == equity
    assert repr(grid.summarize(frame, levels, 0.5, rules, "1h")) == repr(result.metrics)


def test_a_bar_is_walked_to_its_nearer_extreme_first(table):
    """The low is nearer: bought at 98 and sold at 100 in one bar; the other way, only bought."""
    levels = np.array([98.0, 100.0, 102.0])
    low_first = table(99, (99, 101.5, 97.5, 99))
    high_first = table(99, (99.5, 100.5, 97.5, 99))
    rules = Rules(fee_maker=0.001, fee_taker=0)
    result = grid.run(low_first, levels, 1, rules, "1m")
    # At 99 the upper cell (100 to 102) buys at once; then 98 is bought and sold for 100.
    assert [(f.bar, f.quantity, f.price) for f in result.fills] == [
        (0, 1, 99),
        (1, 1, 98),
        (1, -1, 100),
    ]
    assert result.trades[0].pnl == pytest.approx(2 - 0.198)
    result = grid.run(high_first, levels, 1, rules, "1m")
    assert [(f.bar, f.quantity, f.price) for f in result.fills] == [(0, 1, 99), (1, 1, 98)]


def test_a_gap_fills_orders_at_their_own_levels(table):
    result = grid.run(table(105, 95, 105), np.array([96.0, 98, 100]), 1, Rules(fee_maker=0), "1m")
    assert [(f.quantity, f.price) for f in result.fills] == [(1, 98), (1, 96), (-1, 98), (-1, 100)]
    assert result.equity.tolist() == [10_000, 10_000 - 98 - 96 + 2 * 95, 10_004]


@pytest.mark.parametrize(
    ("levels", "quantity", "says"),
    [
        ([100], 1, "two levels"),
        ([100, 100], 1, "ascending"),
        ([0, 100], 1, "positive"),
        ([100, 101], 0, "quantity"),
        ([9_995, 10_001], 1, "capital=10000 is less than the"),
    ],
)
def test_a_grid_that_cannot_be_is_refused(table, levels, quantity, says):
    with pytest.raises(InvalidRequest, match=says):
        grid.run(table(100, 100), np.array(levels, np.float64), quantity, Rules(), "1m")


def test_a_grid_after_a_warm_up_is_a_grid_that_begins_there():
    frame = random_frame(np.random.default_rng(1), 300, 0.02)
    later = type(frame).from_array(
        np.column_stack([getattr(frame, name)[50:] for name in frame.__dataclass_fields__])
    )
    levels = np.linspace(80.0, 120.0, 9)
    ours = grid.run(frame, levels, 1, Rules(), "1h", warmup=50)
    theirs = grid.run(later, levels, 1, Rules(), "1h")
    assert ours.fills.tolist() == theirs.fills.tolist()
    assert ours.metrics == theirs.metrics
    with pytest.raises(InvalidRequest, match="leave none"):
        engine.after(frame, 300)


def test_a_grid_that_fills_its_rows_again_and_again_loses_nothing():
    """Waves over all levels: some ten thousand fills, of which each must follow from the last."""
    waves = 100 + 10 * np.sin(np.arange(4_000))
    rows = [(i * 60_000, price, price, price, price, 1.0) for i, price in enumerate(waves)]
    frame = Frame.from_array(np.array(rows))
    rules = Rules(capital=100_000.0, fee_maker=0.001)
    result = grid.run(frame, np.linspace(85.0, 115.0, 31), 1.0, rules, "1m")
    fills, trades, equity = reference(frame, np.linspace(85.0, 115.0, 31), 1.0, rules)
    assert len(fills) > 20_000
    assert [(f.bar, f.quantity, f.price, f.fee) for f in result.fills] == fills
    assert len(result.trades) == len(trades) == result.metrics.trades
    assert result.equity.tolist() == equity
