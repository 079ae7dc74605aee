"""The arithmetic of positions and margins."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.simulator.futures.positions import (
    BRACKETS,
    Margins,
    Position,
    commission,
    largest_notional,
    maintenance,
)
from trading_system.simulator.model import Side

CENT = Decimal("0.00000001")


def after(*fills: tuple[str, str, str]) -> Position:
    position = Position()
    for now, (side, quantity, price) in enumerate(fills):
        position = position.after(Side(side), Decimal(price), Decimal(quantity), now)
    return position


def told(position: Position) -> tuple[str, str, str]:
    return tuple(
        f"{value.normalize():f}"
        for value in (position.amount, position.entry_price, position.realised)
    )


@pytest.mark.parametrize(
    ("fills", "expected"),
    [
        ([("BUY", "2", "100")], ("2", "100", "0")),
        ([("BUY", "2", "100"), ("BUY", "2", "110")], ("4", "105", "0")),
        ([("BUY", "4", "105"), ("SELL", "1", "115")], ("3", "105", "10")),
        ([("BUY", "4", "105"), ("SELL", "4", "100")], ("0", "0", "-20")),
        ([("BUY", "1", "100"), ("SELL", "3", "110")], ("-2", "110", "10")),
        ([("SELL", "2", "100"), ("SELL", "2", "90")], ("-4", "95", "0")),
        ([("SELL", "4", "95"), ("BUY", "1", "85")], ("-3", "95", "10")),
        ([("SELL", "1", "100"), ("BUY", "2", "90"), ("BUY", "1", "92")], ("2", "91", "10")),
    ],
)
def test_fills_open_close_and_turn_a_position(fills, expected):
    assert told(after(*fills)) == expected


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["BUY", "SELL"]),
            st.integers(1, 10_000).map(lambda n: str(Decimal(n) / 1_000)),
            st.integers(1, 10_000_000).map(lambda n: str(Decimal(n) / 100)),
        ),
        max_size=30,
    ),
    st.integers(1, 10_000_000).map(lambda n: Decimal(n) / 100),
)
def test_realised_and_unrealised_profit_together_are_what_the_fills_were_worth(fills, mark):
    """Whatever way it was cut into positions: the cash that went in and out, and what is held."""
    position = after(*fills)
    paid = sum(
        Decimal(quantity) * Decimal(price) * (-1 if side == "BUY" else 1)
        for side, quantity, price in fills
    )
    held = position.amount * mark
    assert abs(position.realised + position.profit_at(mark) - (paid + held)) <= CENT * (
        len(fills) + 1
    )


def test_what_faces_an_order_is_what_it_could_reduce():
    long, short = after(("BUY", "2", "100")), after(("SELL", "3", "100"))
    assert (long.facing(Side.SELL), long.facing(Side.BUY)) == (2, 0)
    assert (short.facing(Side.BUY), short.facing(Side.SELL)) == (3, 0)
    assert Position().facing(Side.BUY) == Position().facing(Side.SELL) == 0


def test_the_break_even_price_is_that_of_a_recorded_position():
    """Recorded: 0.009 BTC entered at 67445.9 break even at 67479.62295."""
    assert after(("BUY", "0.009", "67445.9")).break_even_price == Decimal("67479.62295")
    assert after(("SELL", "1", "1000")).break_even_price == Decimal("999.5")
    assert Position().break_even_price == 0


@pytest.mark.parametrize(
    ("price", "quantity", "maker", "fee"),
    [
        ("0.006567", "800", False, "0.0026268"),
        ("0.00665", "800", True, "0.001064"),
        ("0.00661", "800", False, "0.002644"),
        ("36567.10", "0.010", False, "0.18283550"),
    ],
)
def test_commissions_are_those_of_recorded_fills(price, quantity, maker, fee):
    """The last is the rate of today on a fill of 2023, which was charged less."""
    assert commission(Decimal(price), Decimal(quantity), maker=maker) == Decimal(fee)


def margins(amount: str, *, bids: str = "0", asks: str = "0", leverage: int = 10) -> Margins:
    side = "BUY" if Decimal(amount) > 0 else "SELL"
    position = after((side, amount.lstrip("-"), "100")) if Decimal(amount) else Position()
    return Margins(
        position=position,
        mark=Decimal(110),
        leverage=leverage,
        bids=Decimal(bids),
        asks=Decimal(asks),
    )


@pytest.mark.parametrize(
    ("held", "initial", "of_position", "of_orders"),
    [
        (margins("0"), 0, 0, 0),
        (margins("2"), 22, 22, 0),
        (margins("-2"), 22, 22, 0),
        (margins("2", bids="100"), 32, 22, 10),
        (margins("2", asks="100"), 22, 22, 0),  # it would only reduce
        (margins("2", asks="500"), 28, 22, 6),  # it would turn the position round
        (margins("-2", bids="500"), 28, 22, 6),
        (margins("0", bids="300", asks="200"), 30, 0, 30),  # either side may fill, not both
        (margins("2", leverage=20), 11, 11, 0),
    ],
)
def test_margin_is_bound_by_the_worst_that_open_orders_can_do(
    held, initial, of_position, of_orders
):
    assert (held.initial, held.of_position, held.of_orders) == (initial, of_position, of_orders)


def test_unrealised_profit_is_measured_at_the_mark():
    assert (margins("2").unrealised, margins("-2").unrealised) == (20, -20)


def test_maintenance_margin_does_not_jump_from_one_bracket_to_the_next():
    for lower, upper in pairwise(BRACKETS):
        at = lower.cap * lower.rate - lower.cumulative
        assert at == lower.cap * upper.rate - upper.cumulative == maintenance(lower.cap)
    assert margins("2").maintenance == Decimal("0.88")
    beyond = BRACKETS[-1].cap + 1
    assert maintenance(beyond) == beyond * BRACKETS[-1].rate - BRACKETS[-1].cumulative


@pytest.mark.parametrize(
    ("leverage", "most"),
    [(125, 50_000), (126 - 25, 50_000), (100, 600_000), (20, 100_000_000), (1, 1_800_000_000)],
)
def test_more_leverage_allows_less_notional(leverage, most):
    assert largest_notional(leverage) == most
