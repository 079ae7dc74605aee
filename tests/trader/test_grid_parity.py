"""What a grid did beside a grid that is played over the same candles."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.grid_runs import FEE, GridRun, at, frame, kept, mandate
from tests.fakes.trader import BTC, instrument
from trading_system.domain.decisions import Outcome
from trading_system.domain.orders import OrderStatus, Side
from trading_system.strategies.base import build
from trading_system.strategies.grid import Grid, way
from trading_system.trader.causes import Cause
from trading_system.trader.grid_parity import grid_parity

D = Decimal
FALLS_AND_RISES = (95, 95, (95, 95, 88, 89), (89, 101, 89, 101), (101, 101, 99, 99))
"""Over 80 .. 90 .. 100 it buys at 90 in bar 2 and sells at 100 in bar 3."""


def compared(run, seen, *, laid=None, decisions=None, listed=None):
    owner = mandate(run.levels)
    targets = build(Grid, owner.parameters).targets(seen)
    return grid_parity(
        owner,
        listed or instrument(BTC),
        frame=seen,
        replayed=targets,
        decisions=kept(seen, targets, owner) if decisions is None else decisions,
        executions=list(run.executions.values()),
        record=laid or run.record,
        fee=float(FEE),
    )


def parts(pair):
    return pair.latency + pair.slippage + (pair.fee or 0.0) + pair.size + pair.partial + pair.alone


def lost(told):
    return told.replayed_profit - told.profit


@pytest.fixture
def run():
    """Begun after the first bar."""
    return GridRun().begin(1.1)


def test_a_grid_that_did_what_a_backtest_does_is_clean(run):
    run.fill(1, 2.5)
    run.fill(1, 3.5)
    told = compared(run, frame(*FALLS_AND_RISES))
    assert told.is_clean
    assert (told.decisions, told.differing, told.levels, told.not_acted) == (5, (), (), 0)
    bought, sold = told.fills
    assert [(each.bar, each.side, each.price, each.replayed_price) for each in told.fills] == [
        (at(2), Side.BUY, 90, 90),
        (at(3), Side.SELL, 100, 100),
    ]
    assert [(each.cell, each.number, each.maker) for each in told.fills] == [
        (1, 0, True),
        (1, 1, True),
    ]
    assert [(each.delay_ms, each.cause, each.alone) for each in told.fills] == [(0, None, 0)] * 2
    assert (bought.latency, bought.slippage, bought.fee, bought.partial) == (0, 0, 0, 0)
    # A thousandth of a coin was the fee; it cost 90, was not there to be sold, and is worth 99 now.
    assert bought.size == pytest.approx(0.001 * (99 - 90))
    assert sold.size == pytest.approx(0.001 * (100 - 99))
    assert sold.fee == pytest.approx(0.0999 - 0.1)
    assert told.replayed_profit == pytest.approx(10 - 0.09 - 0.1)
    assert told.profit == pytest.approx(0.999 * 100 - 90 - 0.0999)
    assert sum(map(parts, told.fills)) == pytest.approx(lost(told))


def test_the_first_purchases_cross_the_market_where_a_backtest_buys_at_the_close():
    """A cell at 90 buys at 85: the backtest at that close, the run at what the market asks then."""
    run = GridRun()
    run.begin(1.1)
    run.orders[1][0] = replace(run.orders[1][0], mid_price=D(86))
    run.fill(1, 1.1, 87, maker=False)
    told = compared(run, frame(85, (85, 87, 85, 87), 87))
    (pair,) = told.fills
    assert told.is_clean
    assert (pair.cause, pair.maker, pair.delay_ms) == (None, False, 6_000)
    assert (pair.price, pair.replayed_price) == (87, 85)
    assert (pair.latency, pair.slippage) == (1, 1)
    assert sum(map(parts, told.fills)) == pytest.approx(lost(told))


def test_a_level_that_the_candles_do_not_lead_to_is_named(run):
    laid = replace(run.record, prices=(D(80), D("90.01"), D(100), D(110)))
    laid = replace(laid, orders=(*laid.orders, ()))
    told = compared(run, frame(*FALLS_AND_RISES), laid=laid)
    assert not told.is_clean
    assert [(each.level, each.stored, each.replayed) for each in told.levels] == [
        (1, D("90.01"), D(90)),
        (3, D(110), None),
    ]


def test_levels_are_rounded_to_the_prices_that_the_venue_takes():
    """79.994 .. 100.006 in steps of 0.01: laid as 79.99, 90.00 and 100.01."""
    run = GridRun((80, 90, 100)).begin()
    owner = mandate()
    owner = replace(owner, parameters={**owner.parameters, "low": "79.994", "high": "100.006"})
    told = grid_parity(
        owner,
        instrument(BTC),
        frame=frame(95, 95),
        replayed=np.zeros(2),
        decisions=[],
        executions=[],
        record=replace(run.record, prices=(D("79.99"), D("90.00"), D("100.01"))),
        fee=0.001,
    )
    assert told.levels == ()


def test_a_target_off_by_the_last_bit_differs(run):
    seen, owner = frame(*FALLS_AND_RISES), mandate()
    decisions = kept(seen, build(Grid, owner.parameters).targets(seen), owner)
    decisions[2] = replace(decisions[2], target=np.nextafter(0.5, 1).item())
    told = compared(run, seen, decisions=decisions)
    assert [each.bar for each in told.differing] == [at(2)]


def test_bars_at_which_nothing_was_placed_are_counted(run):
    seen, owner = frame(*FALLS_AND_RISES), mandate()
    decisions = kept(seen, build(Grid, owner.parameters).targets(seen), owner)
    decisions[1] = replace(decisions[1], outcome=Outcome.MISSED)
    decisions[2] = replace(decisions[2], target=None)
    told = compared(run, seen, decisions=decisions)
    assert (told.decisions, told.not_acted) == (4, 1)


def test_a_touch_that_was_no_trade_is_told_and_shifts_nothing_that_follows(run):
    """In bars 2 and 3 the cell turns at a price that nobody got; the run trades in 5 and 6."""
    run.fill(1, 5.5)
    run.fill(1, 6.5)
    touches = [95, 95, (95, 95, 90, 95), (95, 101, 95, 101), (101, 101, 95, 95)]
    trades = [(95, 95, 88, 88), (88, 101, 88, 101), 101]
    told = compared(run, frame(*touches, *trades))
    assert [(each.bar, each.cause, each.delay_ms) for each in told.fills] == [
        (at(2), Cause.TOUCHED, None),
        (at(3), Cause.FOLLOWS, None),
        (at(5), None, 0),
        (at(6), None, 0),
    ]
    assert sum(map(parts, told.fills)) == pytest.approx(lost(told))


def test_a_price_that_went_past_a_resting_order_is_no_excuse(run):
    told = compared(run, frame(*FALLS_AND_RISES))
    assert [each.cause for each in told.fills] == [Cause.THROUGH, Cause.FOLLOWS]
    assert not told.is_clean


def test_a_fill_where_no_price_was_contradicts_its_candle(run):
    run.fill(0, 2.5)
    told = compared(run, frame(95, 95, 95, 95))
    assert [each.cause for each in told.fills] == [Cause.BEYOND]
    assert not told.is_clean


def test_a_fill_worse_than_its_limit_is_not_clean(run):
    run.fill(1, 2.5, 91)
    run.fill(1, 3.5, 99)
    told = compared(run, frame(*FALLS_AND_RISES))
    assert [each.cause for each in told.fills] == [Cause.WORSE] * 2
    assert not told.is_clean


def test_a_better_price_than_the_level_is_a_slippage_below_nothing(run):
    run.orders[1][0] = replace(run.orders[1][0], mid_price=D(95))
    run.fill(1, 2.5, 89, maker=False)
    (pair, *_) = compared(run, frame(*FALLS_AND_RISES)).fills
    assert (pair.cause, pair.slippage, pair.latency) == (None, -1, 0)


def test_what_the_run_did_in_another_bar_has_a_delay_and_a_cause(run):
    """The price came to 90 in bar 2, but only in bar 3 was anything sold there."""
    run.fill(1, 3.25)
    told = compared(run, frame(95, 95, (95, 95, 90, 91), (91, 91, 88, 89), 89))
    (pair,) = told.fills
    assert (pair.bar, pair.cause, pair.delay_ms) == (at(2), Cause.TOUCHED, 15_000)
    assert told.is_clean


def test_turns_within_a_bar_that_its_stated_way_does_not_take_are_told(run):
    """High first, then low, is taken to be the way; the run bought low and sold high."""
    run.fill(1, 2.2)
    run.fill(1, 2.8)
    told = compared(run, frame(95, 95, (99, 100.5, 89, 95), 95))
    assert [each.cause for each in told.fills] == [None, Cause.PATH]
    assert told.is_clean
    assert sum(map(parts, told.fills)) == pytest.approx(lost(told))


def test_a_turn_that_undoes_one_that_was_the_runs_alone_follows_from_it(run):
    run.fill(1, 2.2)
    run.fill(1, 2.8)
    run.fill(1, 3.5)
    told = compared(run, frame(95, 95, (99, 100.5, 89, 95), (95, 95, 88, 88)))
    assert [each.cause for each in told.fills] == [None, Cause.PATH, Cause.FOLLOWS]
    assert told.is_clean


def test_what_follows_must_be_within_its_candle_all_the_same(run):
    run.fill(1, 2.2)
    run.fill(1, 2.8)
    run.fill(1, 3.5)
    told = compared(run, frame(95, 95, (99, 100.5, 89, 95), 95))
    assert [each.cause for each in told.fills] == [None, Cause.PATH, Cause.BEYOND]


def test_while_nothing_rested_a_backtest_goes_on_and_that_is_no_fault(run):
    for cell in (0, 1):
        run.end(cell, 1.9)
    told = compared(run, frame(*FALLS_AND_RISES))
    assert [each.cause for each in told.fills] == [Cause.AWAY, Cause.FOLLOWS]
    assert told.is_clean


def test_what_was_stopped_catches_up_at_a_better_price_and_says_that_it_was_away(run):
    """The price fell to 88 in bar 2, while nothing rested; from 4.1 on the run is back."""
    for cell in (0, 1):
        run.end(cell, 1.9)
        run.place(cell, 4.1)
    run.fill(1, 4.1, 85, maker=False)
    told = compared(run, frame(95, 95, (95, 95, 88, 88), (88, 88, 85, 85), 85))
    (pair,) = told.fills
    assert (pair.bar, pair.cause, pair.delay_ms) == (at(2), Cause.AWAY, 66_000)
    assert (pair.number, pair.price, pair.slippage) == (1, 85, -5)
    assert told.is_clean


def test_an_order_that_ended_in_part_and_the_next_one_are_one_turn(run):
    run.part(1, 2.2, "0.4")
    run.end(1, 2.3)
    run.quantity = D("0.6")
    run.place(1, 2.4)
    run.quantity = D(1)
    run.fill(1, 2.5, next_after=-1)
    told = compared(run, frame(95, 95, (95, 95, 88, 89), 89))
    assert [(each.quantity, each.replayed_quantity) for each in told.fills] == [
        (0.4, 0.4),
        (0.6, pytest.approx(0.6)),
    ]
    for each in told.fills:
        assert each.size == pytest.approx(each.quantity * 0.001 * (89 - 90))
        assert each.partial == pytest.approx(0)
    assert [each.number for each in told.fills] == [0, 1]
    assert sum(map(parts, told.fills)) == pytest.approx(lost(told))


def test_what_was_filled_in_part_lacks_the_rest(run):
    run.part(1, 2.2, "0.4")
    told = compared(run, frame(95, 95, (95, 95, 88, 89), 89))
    (pair,) = told.fills
    assert (pair.quantity, pair.replayed_quantity) == (0.4, 1)
    assert pair.partial == pytest.approx((0.4 - 1) * (90 - 89))
    assert sum(map(parts, told.fills)) == pytest.approx(lost(told))


def test_what_fell_into_no_bar_that_has_closed_is_told_and_not_judged(run):
    run.fill(1, 3.2)
    told = compared(run, frame(95, 95, 95))
    assert [(each.cause, each.replayed_price) for each in told.fills] == [(Cause.UNSEEN, None)]
    assert told.is_clean
    assert sum(map(parts, told.fills)) == pytest.approx(lost(told))


def test_part_of_an_order_may_be_seen_and_the_rest_of_it_not_yet(run):
    run.part(1, 2.9, "0.4")
    run.fill(1, 3.1, next_after=-1)
    run.executions[run.orders[1][0].id] = replace(
        run.executions[run.orders[1][0].id],
        fills=tuple(
            replace(fill, quantity=share, quote_quantity=share * 90)
            for fill, share in zip(
                run.executions[run.orders[1][0].id].fills, (D("0.4"), D("0.6")), strict=True
            )
        ),
    )
    told = compared(run, frame(95, 95, (95, 95, 88, 89)))
    assert sorted((each.quantity, each.cause) for each in told.fills) == [
        (0.4, None),
        (0.6, Cause.UNSEEN),
    ]
    assert sum(map(parts, told.fills)) == pytest.approx(lost(told))


def test_a_minute_that_the_venue_has_no_candle_of_is_not_judged(run):
    """Bar 3 is missing: the order was filled in it, and no candle says at what prices."""
    run.fill(0, 3.5)
    seen = frame(95, 95, 95, 95, 95)
    rows = np.column_stack([getattr(seen, name) for name in seen.__dataclass_fields__])
    told = compared(run, type(seen).from_array(np.delete(rows, 3, axis=0)))
    assert [each.cause for each in told.fills] == [Cause.UNSEEN]
    assert told.is_clean


def test_what_somebody_closed_the_backtest_closes_at_that_price_and_both_begin_anew(run):
    """Bought in bar 2, closed in bar 3, and begun again in bar 4, where 90 is crossed at once."""
    run.fill(1, 2.5)
    for cell in (0, 1):
        run.end(cell, 3.3)
    run.close(3.4, "0.999", 89)
    run.begin(4.1)
    run.fill(1, 4.1, 89, maker=False)
    falling = (95, 95, (95, 95, 88, 89), 89)
    told = compared(run, frame(*falling, 89, (89, 101, 89, 101), 101))
    assert [(each.bar, each.cell, each.cause) for each in told.fills] == [
        (at(2), 1, None),
        (at(3), None, Cause.ASKED),
        (at(4), 1, None),
        (at(5), 1, Cause.THROUGH),
    ]
    closed = told.fills[1]
    assert (closed.replayed_quantity, closed.replayed_price, closed.delay_ms) == (1, 89, None)
    assert (closed.slippage, closed.latency, closed.partial, closed.alone) == (0, 0, 0, 0)
    assert closed.size == pytest.approx(0.001 * (89 - 101))
    assert sum(map(parts, told.fills)) == pytest.approx(lost(told))


def test_of_two_orders_that_closed_all_the_first_has_the_backtests_beside_it(run):
    run.fill(1, 2.5)
    for cell in (0, 1):
        run.end(cell, 3.3)
    run.close(3.4, "0.5", 89)
    run.close(3.5, "0.499", 88)
    told = compared(run, frame(95, 95, (95, 95, 88, 89), 89))
    assert [(each.quantity, each.replayed_quantity) for each in told.fills[1:]] == [
        (0.5, 1),
        (0.499, 0),
    ]
    assert sum(map(parts, told.fills)) == pytest.approx(lost(told))


def test_what_only_the_run_held_when_all_was_closed_it_closed_alone(run):
    run.close(1.5, "0.5", 90)
    told = compared(run, frame(95, 95, 95))
    (pair,) = told.fills
    assert (pair.cause, pair.replayed_price) == (Cause.ASKED, None)
    assert pair.alone == pytest.approx(-0.5 * (90 - 95) + 0.5 * 90 * 0.001)
    assert told.is_clean


def test_a_fee_in_a_third_asset_is_not_known_in_quote(run):
    run.fill(1, 2.5, fee_asset="BNB")
    told = compared(run, frame(95, 95, (95, 95, 88, 89), 89))
    (pair,) = told.fills
    assert pair.fee is None
    assert sum(map(parts, told.fills)) - 90 * 0.001 == pytest.approx(lost(told))


def test_a_grid_that_was_never_laid_is_clean():
    told = grid_parity(
        mandate(),
        instrument(BTC),
        frame=frame(95),
        replayed=np.zeros(1),
        decisions=[],
        executions=[],
        record=None,
        fee=0.001,
    )
    assert told.is_clean
    assert (told.fills, told.profit, told.replayed_profit) == ((), 0.0, 0.0)


LEVELS = (90, 95, 100, 105, 110)


def lived(seen, paths, lag):
    """A run on a market that goes these ways: four prices a bar; the first bar's close begins it.

    What the price comes to is filled at its level. What is placed, so many minutes after its cell
    had turned, and crosses the market, is filled at the price of the market.
    """
    run, due = GridRun(LEVELS).begin(1.0), []

    def turn(minute, price, cells, *, taken):
        for cell in cells:
            order = run.orders[cell][-1]
            buys, limit = order.request.side is Side.BUY, order.request.price
            if order.status is OrderStatus.NEW and (price <= limit if buys else price >= limit):
                paid = price if taken else None
                run.fill(cell, minute, paid, next_after=-1, maker=not taken)
                due.append((minute + lag, cell))

    def place(until, price):
        while due and min(due)[0] <= until:
            minute, cell = min(due)
            due.remove((minute, cell))
            run.place(cell, minute)
            turn(minute, price, [cell], taken=True)

    everywhere, price = range(len(LEVELS) - 1), seen.close[0]
    turn(1.0, price, everywhere, taken=True)
    for row in range(1, len(seen)):
        for moment, after in zip((0, 1 / 3, 2 / 3, 0.9999), paths[row], strict=True):
            place(row + moment, price)
            price = after
            turn(row + moment, price, everywhere, taken=False)
            place(row + moment, price)
    return run


@st.composite
def markets(draw):
    """Bars that each open where the last one closed, of whole prices, levels among them."""
    price = draw(st.integers(86, 114))
    bars = [price]
    for _ in range(draw(st.integers(1, 12))):
        high = price + draw(st.integers(0, 9))
        low = price - draw(st.integers(0, 9))
        close = draw(st.integers(low, high))
        bars.append((price, high, low, close))
        price = close
    return frame(*bars)


@settings(deadline=None, max_examples=150)
@given(seen=markets())
def test_of_a_market_that_goes_the_stated_way_all_is_paired_and_nothing_left_to_explain(seen):
    told = compared(lived(seen, way(seen, 0), 0), seen)
    assert told.is_clean
    assert {(each.cause, each.delay_ms) for each in told.fills} <= {(None, 0)}
    assert {each.slippage for each in told.fills} <= {0}
    assert sum(map(parts, told.fills)) == pytest.approx(lost(told), abs=1e-6)


@settings(deadline=None, max_examples=300)
@given(
    seen=markets(),
    data=st.data(),
    lag=st.sampled_from((0, 0.02, 0.5, 1.0, 2.7)),
)
def test_a_faithful_run_is_clean_and_the_parts_add_up_whichever_way_its_prices_went(
    seen, data, lag
):
    paths = way(seen, 0)
    for row in range(1, len(seen)):
        if data.draw(st.booleans()):
            paths[row, 1:3] = paths[row, 2:0:-1]
    told = compared(lived(seen, paths, lag), seen)
    assert told.is_clean, told.fills
    assert sum(map(parts, told.fills)) == pytest.approx(lost(told), abs=1e-6)
