"""What fills make of a position: tables first, then the laws that hold for any sequence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import Side
from trading_system.domain.positions import Equity, Fold, Lot
from trading_system.domain.reports import Fill

BTC = Symbol("BTC", "USDT")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
D = Decimal


def fill(quantity, price, fee="0", asset="BNB", minute=0):
    return Fill(
        trade_id=str(minute),
        price=D(price),
        quantity=D(quantity),
        quote_quantity=D(quantity) * D(price),
        fee=D(fee),
        fee_asset=asset,
        maker=None,
        time=NOON + timedelta(minutes=minute),
    )


def folded(*trades, may_short=False):
    """From (side, quantity, price, fee, fee asset) to the fold."""
    fold = Fold(BTC, may_short=may_short)
    for minute, (side, *rest) in enumerate(trades):
        fold.add(side, fill(*rest, minute=minute))
    return fold


def fold(*trades, may_short=False):
    """The position that these make."""
    return folded(*trades, may_short=may_short).position


def figures(position):
    return (
        position.quantity,
        position.average_price,
        position.realised,
        position.realised_fifo,
    )


BUY, SELL = Side.BUY, Side.SELL


@pytest.mark.parametrize(
    ("trades", "expected"),
    [
        ([], (0, None, 0, 0)),
        ([(BUY, 2, 100)], (2, 100, 0, 0)),
        ([(BUY, 2, 100), (BUY, 2, 200)], (4, 150, 0, 0)),
        ([(BUY, 2, 100), (BUY, 2, 200), (SELL, 2, 300)], (2, 150, 300, 400)),
        ([(BUY, 2, 100), (BUY, 2, 200), (SELL, 1, 300)], (3, 150, 150, 200)),
        ([(BUY, 2, 100), (BUY, 2, 200), (SELL, 3, 300)], (1, 150, 450, 500)),
        ([(BUY, 2, 100), (BUY, 2, 200), (SELL, 4, 300)], (0, None, 600, 600)),
        ([(BUY, 2, 100), (SELL, 2, 90), (BUY, 1, 80)], (1, 80, -20, -20)),
    ],
)
def test_average_cost_and_first_in_first_out(trades, expected):
    assert figures(fold(*trades)) == expected


@pytest.mark.parametrize(
    ("trades", "expected"),
    [
        ([(SELL, 2, 100)], (-2, 100, 0, 0)),
        ([(SELL, 2, 100), (SELL, 2, 200)], (-4, 150, 0, 0)),
        ([(SELL, 2, 100), (SELL, 2, 200), (BUY, 1, 50)], (-3, 150, 100, 50)),
        ([(SELL, 2, 100), (BUY, 2, 50)], (0, None, 100, 100)),
        ([(BUY, 2, 100), (SELL, 3, 110)], (-1, 110, 20, 20)),
        ([(SELL, 2, 100), (BUY, 5, 90)], (3, 90, 20, 20)),
    ],
)
def test_where_shorts_are_allowed_a_position_flips(trades, expected):
    assert figures(fold(*trades, may_short=True)) == expected


def test_what_cannot_be_divided_evenly_is_cut_far_behind_any_price():
    position = fold((BUY, 3, "3.33"), (BUY, "0.01", 1), (SELL, 1, 4))
    assert abs(position.average_price - D(10) / D("3.01")) < D("1E-17")


def test_a_flip_opens_anew_at_its_own_time():
    flipped = folded((BUY, 1, 100), (BUY, 1, 100), (SELL, 3, 100), may_short=True)
    position = flipped.position
    assert position.opened_at == position.updated_at == NOON + timedelta(minutes=2)
    assert flipped.lots == (Lot(D(-1), D(-100)),)


def test_lots_leave_from_the_oldest_and_the_one_cut_keeps_its_place():
    trades = [(BUY, 1, 100), (BUY, 2, 110), (BUY, 3, 120), (SELL, "1.5", 130), (BUY, 4, 140)]
    assert folded(*trades).lots == (
        Lot(D("1.5"), D(165)),
        Lot(D(3), D(360)),
        Lot(D(4), D(560)),
    )


def test_each_fill_tells_what_it_realised_and_leaves_earlier_positions_as_they_were():
    fold = Fold(BTC)
    assert fold.add(BUY, fill(2, 100, "1", "USDT")) == -1
    before, fees = fold.position, dict(fold.position.fees)
    assert fold.add(SELL, fill(1, 150, "0.5", "USDT", minute=1)) == D("49.5")
    assert (before.quantity, before.realised, before.fees) == (2, -1, fees)
    assert fold.position.realised == D("48.5")


def test_a_position_knows_since_when_it_is_open_and_how_many_fills_made_it():
    position = fold((BUY, 2, 100), (SELL, 1, 100), (BUY, 1, 100))
    assert (position.opened_at, position.updated_at) == (NOON, NOON + timedelta(minutes=2))
    assert position.fills == 3
    assert fold((BUY, 2, 100), (SELL, 2, 100)).opened_at is None


def test_a_fee_in_base_reduces_what_is_held_and_costs_as_much_as_before():
    position = fold((BUY, 1, 100, "0.2", "BTC"))
    assert (position.quantity, position.cost, position.average_price) == (D("0.8"), 100, 125)
    assert (position.realised, position.fees) == (0, {"BTC": D("0.2")})


def test_a_fee_in_base_leaves_with_what_is_sold():
    position = fold((BUY, 2, 100), (SELL, 1, 150, "0.5", "BTC"))
    assert (position.quantity, position.cost) == (D("0.5"), 50)
    assert position.realised == position.realised_fifo == 0


def test_a_fee_in_quote_is_lost_at_once():
    position = fold((BUY, 1, 100, "0.1", "USDT"), (SELL, 1, 110, "0.11", "USDT"))
    assert position.realised == position.realised_fifo == D("9.79")
    assert position.fees == {"USDT": D("0.21")}


def test_a_fee_in_another_asset_is_kept_apart():
    position = fold((BUY, 1, 100, "0.01", "BNB"), (SELL, 1, 110, "0.02", "BNB"))
    assert (position.realised, position.fees) == (10, {"BNB": D("0.03")})


def test_a_fee_that_eats_all_that_was_bought_is_a_loss():
    eaten = folded((BUY, 1, 100, "1", "BTC"))
    assert figures(eaten.position) == (0, None, -100, -100)
    assert eaten.lots == ()


def test_coins_from_before_are_sold_without_a_profit_and_leave_no_short_position():
    position = fold((SELL, 3, 100, "1", "USDT"))
    assert figures(position) == (0, None, -1, -1)
    assert (position.from_before, position.opened_at) == (3, None)


def test_what_was_bought_here_is_sold_before_what_was_there():
    position = fold((BUY, 1, 100), (SELL, 4, 120))
    assert figures(position) == (0, None, 20, 20)
    assert position.from_before == 3
    assert figures(fold((BUY, 1, 100), (SELL, 4, 120), (BUY, 1, 130))) == (1, 130, 20, 20)


def test_it_is_worth_what_the_price_says():
    position = fold((BUY, 2, 100))
    assert (position.value(D(90)), position.unrealised(D(90))) == (180, -20)
    short = fold((SELL, 2, 100), may_short=True)
    assert (short.value(D(90)), short.unrealised(D(90))) == (-180, 20)


@pytest.mark.parametrize(("total", "peak", "drawdown"), [(90, 100, "0.1"), (5, 5, 0), (0, 0, 0)])
def test_the_drawdown_is_a_share_of_the_peak(total, peak, drawdown):
    equity = Equity(total=D(total), quote="USDT", day_start=D(1), peak=D(peak), at=NOON)
    assert equity.drawdown == D(drawdown)


AMOUNTS = st.decimals("0.00000001", "1000000", places=8)
TRADES = st.lists(
    st.tuples(
        st.sampled_from(Side),
        AMOUNTS,
        AMOUNTS,
        st.sampled_from(["0", "0.001", "0.5"]),
        st.sampled_from(["BTC", "USDT", "BNB"]),
    ).map(lambda row: (*row[:3], (row[1] if row[4] == "BTC" else row[2]) * D(row[3]) / 2, row[4])),
    max_size=12,
)


def cash(trades):
    """What all these trades brought in, in quote."""
    return sum(
        (
            (-1 if side is BUY else 1) * fill(quantity, price).quote_quantity
            - (fee if asset == "USDT" else 0)
            for side, quantity, price, fee, asset in trades
        ),
        D(0),
    )


@given(TRADES, AMOUNTS)
def test_what_is_realised_and_unrealised_is_what_came_in_and_what_is_left(trades, price):
    taken = folded(*trades, may_short=True)
    position = taken.position
    earned = cash(trades) + position.value(price)
    assert abs(position.realised + position.unrealised(price) - earned) < D("1E-12")
    by_lots = position.realised_fifo + position.value(price)
    assert abs(by_lots - sum((lot.cost for lot in taken.lots), D(0)) - earned) < D("1E-12")


@given(TRADES, st.booleans())
def test_both_ways_of_counting_agree_once_nothing_is_held(trades, may_short):
    taken = folded(*trades, may_short=may_short)
    held = taken.position.quantity
    if held:
        taken.add(SELL if held > 0 else BUY, fill(abs(held), 7, minute=len(trades)))
    position = taken.position
    assert (position.quantity, position.cost, taken.lots) == (0, 0, ())
    assert position.realised == position.realised_fifo


@given(TRADES)
def test_what_is_held_on_spot_is_never_negative_and_is_the_sum_of_its_lots(trades):
    taken = folded(*trades)
    position = taken.position
    assert position.quantity >= 0
    assert position.cost >= 0
    assert sum((lot.quantity for lot in taken.lots), D(0)) == position.quantity
    assert all(lot.quantity > 0 and lot.cost >= 0 for lot in taken.lots)
    assert (position.opened_at is None) == (position.quantity == 0)


def by_hand(trades):
    """What is realised on spot first in first out, unit price by unit price, in exact fractions."""
    lots, realised = [], Fraction(0)
    for side, quantity, price, fee, asset in trades:
        amount, paid = Fraction(quantity), Fraction(quantity) * Fraction(price)
        realised -= Fraction(fee) if asset == "USDT" else 0
        if side is BUY:
            amount -= Fraction(fee) if asset == "BTC" else 0
            lots.append([amount, paid / amount])
            continue
        amount += Fraction(fee) if asset == "BTC" else 0
        each = paid / amount
        while amount and lots:
            part = min(amount, lots[0][0])
            realised += part * (each - lots[0][1])
            amount -= part
            lots[0][0] -= part
            if not lots[0][0]:
                lots.pop(0)
    return realised


@given(TRADES)
def test_first_in_first_out_is_what_one_gets_by_hand(trades):
    assert abs(Fraction(fold(*trades).realised_fifo) - by_hand(trades)) < Fraction(1, 10**12)
