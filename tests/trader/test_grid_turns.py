"""Turns of a grid's cells: what belongs to which, and what lies beside what."""

from __future__ import annotations

import pytest

from tests.fakes.grid_runs import BARS, GridRun, at, frame
from trading_system.backtest.rules import Rules
from trading_system.domain.orders import Side
from trading_system.trader.grid_turns import (
    Bars,
    Like,
    Turn,
    aligned,
    replayed_cells,
    stints,
    turns,
)

BUY, SELL = Side.BUY, Side.SELL
FLAT = Bars(frame(*[95] * 9), BARS)


def done(*rows):
    return [
        Turn(row=row, side=SELL if number % 2 else BUY, executions=())
        for number, row in enumerate(rows)
    ]


def played(*rows):
    return [
        Like(row=row, side=SELL if number % 2 else BUY, quantity=1.0, price=1.0, fee=0.0)
        for number, row in enumerate(rows)
    ]


@pytest.mark.parametrize(
    ("ours", "theirs", "together"),
    [
        ([1, 2, 3], [1, 2, 3], [(1, 1), (2, 2), (3, 3)]),
        ([2, 5], [1, 4], [(2, 1), (5, 4)]),  # late, and yet the same
        ([6, 7], [1, 2, 6, 7], [(None, 1), (None, -2), (6, 6), (7, 7)]),
        ([1, 2, 6, 7], [6, 7], [(1, None), (-2, None), (6, 6), (7, 7)]),
        ([1, 9], [1, 2, 3, 9], [(1, 1), (None, 2), (None, -3), (9, 9)]),
        ([1, 5], [1, 5, 5, 5], [(1, 1), (5, 5), (None, 5), (None, -5)]),
        ([1, 1, 1], [1], [(1, 1), (1, None), (-1, None)]),
        ([], [4, 5, 6], [(None, 4), (None, -5), (None, 6)]),
        ([4], [], [(4, None)]),
        ([3], [1, 3], [(3, 1), (None, 3)]),  # it turned back in the same bar, not before
    ],
)
def test_turns_are_alike_unless_one_side_had_turned_back_before_the_other_turned(
    ours, theirs, together
):
    """Rows by side, None for no like; a row below nothing undoes the one before it."""
    told = [
        tuple(None if each is None else -each.row if follows else each.row for each in (turn, like))
        for turn, like, follows in aligned(done(*ours), played(*theirs))
    ]
    assert told == together


def test_no_turn_is_lost_or_laid_beside_another_side():
    for turn, like, _ in aligned(done(1, 2, 3, 8), played(2, 2, 2, 5, 6, 7)):
        assert turn is None or like is None or turn.side is like.side


def test_orders_that_ended_in_part_are_one_turn_and_what_was_never_filled_is_none():
    run = GridRun().begin(1.1)
    run.part(1, 2.2, "0.4")
    run.end(1, 2.3)
    run.place(1, 2.4)
    run.end(1, 2.5)
    run.place(1, 2.6)
    run.fill(1, 3.5)
    run.fill(1, 4.5)
    first, second = turns(run.orders[1], run.executions, FLAT)
    assert (first.side, first.row, len(first.executions)) == (BUY, 2, 2)
    assert (second.side, second.row, len(second.executions)) == (SELL, 4, 1)
    assert turns(run.orders[0], run.executions, FLAT) == []


def test_a_stint_ends_when_somebody_closes_and_the_next_begins_with_a_cells_order():
    run = GridRun().begin(1.1)
    run.fill(1, 2.5)
    closings = [run.close(3.4, "0.5", 89), run.close(3.5, "0.499", 88)]
    run.begin(5.1)
    first, second = stints(run.record, list(reversed(run.executions.values())))
    assert (first.begins, first.ends) == (at(1.1), at(3.4))
    assert [each.order.id for each in first.closings] == [each.order.id for each in closings]
    assert [len(orders) for orders in first.orders] == [1, 2]
    assert (second.begins, second.ends, second.closings) == (at(5.1), None, ())
    assert [len(orders) for orders in second.orders] == [1, 1]


def test_a_grid_that_has_placed_nothing_has_no_stint():
    run = GridRun(orders=[[], []])
    assert stints(run.record, []) == []


def test_a_backtests_fills_are_told_by_their_cells():
    """Over 80 .. 90 .. 100 .. 110 from 95: the highest cell is bought at that close, as a taker."""
    run = GridRun((80, 90, 100, 110))
    seen = frame(70, 95, (95, 95, 79, 85), (85, 111, 85, 111), 70)
    run.orders = [[], [], []]
    rules = Rules(fee_taker=0.01, fee_maker=0.001)
    cells = replayed_cells(run.record, Bars(seen, BARS), rules, start=1, stop=4)
    told = [[(like.row, like.signed, like.price, like.taken) for like in each] for each in cells]
    assert told == [
        [(2, 1, 80, False), (3, -1, 90, False)],
        [(2, 1, 90, False), (3, -1, 100, False)],
        [(2, 1, 95, True), (3, -1, 110, False)],
    ]
    assert cells[2][0].fee == pytest.approx(0.95)
    assert cells[2][1].fee == pytest.approx(0.11)


@pytest.mark.parametrize("stop", [1, 2])
def test_a_backtest_of_no_bar_after_the_first_close_fills_nothing(stop):
    run = GridRun(orders=[[], []])
    seen = Bars(frame(70, 70, 110), BARS)
    assert replayed_cells(run.record, seen, Rules(), start=1, stop=stop) == [[], []]


def test_bars_are_asked_by_instants():
    two = Bars(frame(1, 2), BARS)
    assert [two.row(at(minute)) for minute in (-0.1, 0, 0.9, 1, 5)] == [-1, 0, 0, 1, 1]
    assert [two.holds(at(minute)) for minute in (-0.1, 0, 1.9, 2)] == [False, True, True, False]
    assert [two.closed(at(minute)) for minute in (0.9, 1, 1.9, 2, 7)] == [0, 1, 1, 2, 2]
    assert two.span(1) == (at(1), at(2))
