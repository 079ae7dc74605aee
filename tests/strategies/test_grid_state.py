from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from trading_system.domain.errors import InvalidRequest
from trading_system.domain.orders import Side
from trading_system.strategies.grid_state import (
    GridOrder,
    filled,
    laid,
    orders_wanted,
    record,
    restored,
)

HALF = Decimal("0.5")


@pytest.fixture
def state():
    """Cells from 10, 11 and 12, half a coin each, all empty."""
    return laid(np.array([10.0, 11.0, 12.0, 13.0]), HALF, Decimal("0.01"))


def test_a_new_grid_buys_at_once_what_lies_above_the_price_and_waits_below(state):
    assert orders_wanted(state, Decimal("11.5")) == tuple(
        GridOrder(cell=cell, side=Side.BUY, price=Decimal(at), quantity=HALF, crosses=crosses)
        for cell, (at, crosses) in enumerate([("10.00", False), ("11.00", False), ("12.00", True)])
    )
    assert orders_wanted(state, Decimal(11))[1].crosses


def test_a_full_cell_sells_a_step_higher_and_an_empty_one_buys_again(state):
    state = filled(state, 1, HALF)
    order = orders_wanted(state, Decimal("11.5"))[1]
    assert (order.side, order.price, order.quantity) == (Side.SELL, Decimal(12), HALF)
    assert not order.crosses
    assert orders_wanted(state, Decimal(12))[1].crosses
    assert state.inventory == HALF
    assert state.capacity == Decimal("1.5")
    again = filled(state, 1, HALF)
    assert orders_wanted(again, Decimal("11.5"))[1].side is Side.BUY
    assert again.inventory == 0


def test_partly_filled_orders_go_on_about_the_rest(state):
    state = filled(state, 0, Decimal("0.2"))
    order = orders_wanted(state, Decimal(11))[0]
    assert (order.side, order.quantity) == (Side.BUY, Decimal("0.3"))
    state = filled(filled(state, 0, Decimal("0.3")), 0, Decimal("0.1"))
    order = orders_wanted(state, Decimal(11))[0]
    assert (order.side, order.quantity) == (Side.SELL, Decimal("0.4"))
    assert state.inventory == Decimal("0.4")


@pytest.mark.parametrize("quantity", ["0", "-0.1", "0.51"])
@pytest.mark.parametrize("full", [False, True])
def test_a_fill_of_more_than_the_order_is_none_of_the_grids(state, quantity, full):
    if full:
        state = filled(state, 2, HALF)
    with pytest.raises(ValueError, match="cell 2 holds"):
        filled(state, 2, Decimal(quantity))


def test_a_restart_reads_back_the_very_state(state):
    state = filled(filled(filled(state, 2, HALF), 2, Decimal("0.1")), 0, Decimal("0.30"))
    again = restored(json.loads(json.dumps(record(state))))
    assert again == state
    assert str(again.held[0]) == "0.30"
    assert orders_wanted(again, Decimal(11)) == orders_wanted(state, Decimal(11))


@pytest.mark.parametrize("levels", [[], [10.0]])
def test_a_grid_has_a_cell(levels):
    with pytest.raises(InvalidRequest, match="at least one cell"):
        laid(np.array(levels), HALF, Decimal("0.01"))


def test_levels_closer_than_the_venues_prices_are_refused():
    with pytest.raises(InvalidRequest, match="ascend; take fewer levels"):
        laid(np.array([10.001, 10.002]), HALF, Decimal("0.01"))


@pytest.mark.parametrize(
    "change",
    [
        {"held": (Decimal(0),) * 2},
        {"selling": (False,) * 4},
        {"quantity": Decimal(0)},
        {"held": (Decimal(-1), Decimal(0), Decimal(0))},
        {"held": (Decimal(1), Decimal(0), Decimal(0))},
    ],
)
def test_a_state_that_cannot_be_is_refused(state, change):
    with pytest.raises(InvalidRequest):
        replace(state, **change)
