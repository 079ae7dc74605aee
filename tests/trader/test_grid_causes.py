"""What candles and orders say of a fill that is not where its like is."""

from __future__ import annotations

import pytest

from tests.fakes.grid_runs import BARS, GridRun, at, frame
from trading_system.domain.orders import OrderStatus, Side
from trading_system.trader.causes import Cause
from trading_system.trader.grid_causes import Rest, of_pair, rests
from trading_system.trader.grid_turns import Bars, Like, Turn

BARS_SEEN = Bars(frame(95, 95, (95, 101, 89, 95), (95, 100, 90, 95), 95), BARS)
"""Bar 2 goes past 90 and 100, bar 3 comes to them."""


def like(row, side=Side.BUY):
    return Like(row=row, side=side, quantity=1.0, price=90.0 if side is Side.BUY else 100.0, fee=0)


def rest(since, until, side=Side.BUY):
    return Rest(side=side, since=at(since), until=at(until))


@pytest.mark.parametrize(
    ("row", "orders", "filled", "cause"),
    [
        (2, [rest(1, 9)], {}, Cause.THROUGH),
        (2, [rest(2, 3)], {2}, Cause.THROUGH),  # to the last instant of it
        (3, [rest(1, 9)], {}, Cause.TOUCHED),
        (2, [rest(2.1, 9)], {}, Cause.PLACED),
        (2, [rest(1, 2.1), rest(2.5, 9)], {2}, Cause.PATH),  # it was filled, and again was touched
        (2, [rest(1, 2.9)], {}, Cause.AWAY),  # withdrawn within the bar
        (2, [rest(3, 9)], {}, Cause.AWAY),
        (2, [rest(1, 9, Side.SELL)], {}, Cause.AWAY),
        (2, [], {}, Cause.AWAY),
    ],
)
@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_why_nobody_filled_what_a_backtest_does(row, orders, filled, cause, side):
    if side is Side.SELL:
        other = {Side.BUY: Side.SELL, Side.SELL: Side.BUY}
        orders = [Rest(side=other[e.side], since=e.since, until=e.until) for e in orders]
    assert of_pair(None, like(row, side), orders, filled, BARS_SEEN) is cause


@pytest.mark.parametrize(
    ("minute", "price", "row", "cause"),
    [
        (2.5, None, 2, None),
        (2.5, None, None, Cause.PATH),
        (2.5, None, 3, Cause.PATH),
        (3.5, None, 2, Cause.THROUGH),  # an order rested in bar 2, and so it was to be filled there
        (4.5, None, None, Cause.BEYOND),
        (4.5, None, 3, Cause.BEYOND),
        (7.0, None, None, Cause.UNSEEN),
        (2.5, 90.01, 2, Cause.WORSE),
        (2.5, 89.99, 2, None),
    ],
)
def test_why_no_backtest_fills_what_was_filled(minute, price, row, cause):
    run = GridRun().begin(1.1)
    done = run.fill(1, minute, price)
    turn = Turn(row=BARS_SEEN.row(at(minute)), side=Side.BUY, executions=(done,))
    beside = None if row is None else like(row)
    assert of_pair(turn, beside, [rest(1.1, minute)], {turn.row}, BARS_SEEN) is cause


def test_an_order_rests_from_its_answer_to_its_last_fill_or_its_end():
    run = GridRun().begin(1.0)
    run.orders[0].clear()
    run.place(0, 1.5, latency_ms=6_000)
    run.fill(0, 2.5)
    run.end(0, 3.5)
    run.place(0, 4.0)
    run.end(0, 4.1, OrderStatus.REJECTED)
    run.place(0, 5.0)
    bought, sold, open_ = rests(run.orders[0], run.executions)
    assert bought == rest(1.6, 2.5)
    assert sold == rest(2.5, 3.5, Side.SELL)
    assert open_.since == at(5.0)
    assert open_.until > at(1e9)


def test_an_order_whose_fills_are_not_told_yet_rested_until_that_was_known():
    run = GridRun().begin(1.0)
    run.end(1, 2.5, OrderStatus.FILLED)
    assert rests(run.orders[1], {}) == [rest(1.0, 2.5)]
