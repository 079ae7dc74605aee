from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as draw

from trading_system.domain.errors import InvalidRequest
from trading_system.domain.orders import Side
from trading_system.strategies.detect import example_frame
from trading_system.strategies.grid import Grid, Spacing, spaced
from trading_system.strategies.grid_state import filled, laid, orders_wanted
from trading_system.strategies.indicators import atr

FOUR = Grid(low=10.0, high=14.0, levels=5)
"""Cells from 10, 11, 12 and 13, each one high."""


@pytest.mark.parametrize(
    ("spacing", "prices"),
    [
        (Spacing.ARITHMETIC, [1, 34, 67, 100]),
        (Spacing.GEOMETRIC, [1, 4.64158883361, 21.5443469, 100]),
    ],
)
def test_levels_are_evenly_spaced_and_end_where_they_should(spacing, prices):
    levels = spaced(1.0, 100.0, 4, spacing)
    assert levels.tolist() == pytest.approx(prices)
    assert levels[[0, -1]].tolist() == [1.0, 100.0]


def test_the_ends_are_exact_whatever_the_ratio():
    low, high = 4.7, 6.22
    assert low * (high / low) != high
    for count in range(2, 200):
        assert spaced(low, high, count, Spacing.GEOMETRIC)[[0, -1]].tolist() == [low, high]
        assert spaced(low, high, count, Spacing.ARITHMETIC)[[0, -1]].tolist() == [low, high]


@pytest.mark.parametrize(
    ("way", "full"),
    [
        ([12.5], [1]),  # the cell at 13 buys at once
        ([12.0], [2]),  # so does one whose price is touched
        ([9.0], [4]),
        ([15.0], [0]),
        ([14.0, 13.5, 13.0, 12.5], [0, 0, 1, 1]),
        ([12.5, 11.5, 12.5, 13.0], [1, 2, 2, 1]),  # bought at 12, sold at 13
        ([12.5, 14.0, 12.5], [1, 0, 1]),
        ([12.5, 8.0, 10.5, 11.0], [1, 4, 4, 3]),
    ],
)
def test_cells_fill_on_the_way_down_and_empty_a_step_higher(bars, way, full):
    assert (FOUR.targets(bars(*way)) * 4).tolist() == full


@pytest.mark.parametrize(
    ("bar", "full"),
    [
        ((12.5, 13.1, 11.5, 12.5), 2),  # up first, which sells the only full cell; down buys two
        ((12.5, 13.5, 11.9, 12.5), 1),  # down first: buys at 12; up sells it and the one at 13 ...
        ((12.5, 13.5, 11.5, 12.5), 1),  # as far both ways: the low first
    ],
)
def test_inside_a_bar_the_nearer_extreme_comes_first(bars, bar, full):
    assert FOUR.targets(bars(12.5, bar))[1] * 4 == full


def test_what_happened_before_the_close_of_its_first_bar_does_not_concern_it(bars):
    assert FOUR.targets(bars((12.5, 20, 5, 12.5)))[0] * 4 == 1


def test_a_range_of_its_own_comes_from_the_atr_of_the_first_bars():
    frame = example_frame(bars=300, seed=9)
    grid = Grid(atr_period=60, atr_width=4.0, levels=11)
    assert grid.warmup == 60
    reach = 4.0 * atr(frame, 60)[60]
    prices = grid.prices(frame)
    assert prices[[0, 5, -1]].tolist() == pytest.approx(
        [frame.close[60] - reach, frame.close[60], frame.close[60] + reach]
    )
    targets = grid.targets(frame)
    assert not targets[:60].any()
    assert targets[60] == pytest.approx(0.5)


def test_a_range_does_not_reach_below_nothing(bars):
    prices = Grid(atr_period=1, atr_width=10.0).prices(bars(5, (5, 9, 4, 6)))
    assert prices[[0, -1]].tolist() == pytest.approx([0.6, 56.0])


@pytest.mark.parametrize("closes", [(), (5,), (5, 5), (5, 5, 5)])
def test_without_a_move_there_is_no_range_and_no_trade(bars, closes):
    grid = Grid(atr_period=2)
    assert len(grid.prices(bars(*closes))) == 0
    assert grid.targets(bars(*closes)).tolist() == [0.0] * len(closes)


def test_a_named_range_needs_no_bars(bars):
    assert FOUR.warmup == 0
    assert FOUR.prices(bars()).tolist() == [10, 11, 12, 13, 14]
    assert FOUR.targets(bars()).tolist() == []


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"low": 5.0}, "0 < low=5 < high=0 must hold"),
        ({"high": 5.0}, "0 < low=0 < high=5 must hold"),
        ({"low": 5.0, "high": 5.0}, "0 < low=5 < high=5 must hold"),
        ({"quantity": Decimal(0)}, "quantity=0 trades nothing"),
        ({"levels": 1}, "levels=1 is out of range: 2..1000"),
    ],
)
def test_a_grid_that_cannot_trade_is_refused(values, reason):
    with pytest.raises(InvalidRequest) as refusal:
        Grid(**values)
    assert str(refusal.value) == reason


prices = draw.integers(90, 150).map(lambda tenths: tenths / 10)
bar_rows = draw.tuples(prices, prices, prices, prices).map(
    lambda p: (p[0], max(p), min(p), p[3])  # open, high, low, close
)


def touched_one_by_one(levels, path):
    """The rules in their plainest form: every cell looks at every price."""
    full = [False] * (len(levels) - 1)
    for price in path:
        for cell in range(len(full)):
            if price <= levels[cell]:
                full[cell] = True
            elif price >= levels[cell + 1]:
                full[cell] = False
    return sum(full)


def by_orders(state, path):
    """The state that orders live in, every order filled once the price has reached it."""
    for price in path:
        for order in orders_wanted(state, Decimal(str(price))):
            if order.crosses:
                state = filled(state, order.cell, order.quantity)
    return state.inventory / state.quantity


@settings(max_examples=150, deadline=None)
@given(rows=draw.lists(bar_rows, min_size=1, max_size=25), levels=draw.integers(2, 9))
def test_targets_are_what_the_cells_hold(bars, rows, levels):
    grid = Grid(low=10.0, high=14.0, levels=levels)
    targets = grid.targets(bars(*rows))
    ladder = grid.prices(bars(*rows)).tolist()
    state = laid(np.array(ladder), Decimal("0.5"), Decimal("1e-20"))
    path = [rows[0][3]]
    for i, (opened, high, low, close) in enumerate(rows):
        if i:
            near = [high, low] if high - opened < opened - low else [low, high]
            path += [opened, *near, close]
        assert targets[i] == touched_one_by_one(ladder, path) / (levels - 1)
        assert targets[i] == float(by_orders(state, path)) / (levels - 1)


def test_levels_of_the_state_are_prices_of_the_venue():
    state = laid(np.array([1.004, 1.005001, 1.0160000001]), Decimal("0.5"), Decimal("0.01"))
    assert [str(price) for price in state.prices] == ["1.00", "1.01", "1.02"]
    assert [order.side for order in orders_wanted(state, Decimal(2))] == [Side.BUY, Side.BUY]
