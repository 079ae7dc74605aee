"""What the venue's own table says of each order type, and nothing else."""

from __future__ import annotations

from itertools import combinations

import pytest

from trading_system.api.order_members import MEMBERS, objection
from trading_system.domain.orders import OrderType

# What must be there, and what may be there besides; everything else is refused.
TAKEN = {
    OrderType.MARKET: ("", "quote_quantity"),
    OrderType.LIMIT: ("price", "time_in_force iceberg_quantity"),
    OrderType.LIMIT_MAKER: ("price", "iceberg_quantity"),
    OrderType.STOP_LOSS: ("stop_price", "quote_quantity trailing_delta"),
    OrderType.STOP_LOSS_LIMIT: (
        "price stop_price",
        "time_in_force trailing_delta iceberg_quantity",
    ),
    OrderType.TAKE_PROFIT: ("stop_price", "quote_quantity trailing_delta"),
    OrderType.TAKE_PROFIT_LIMIT: (
        "price stop_price",
        "time_in_force trailing_delta iceberg_quantity",
    ),
}
EVERY_CHOICE = [
    frozenset(chosen) for size in range(len(MEMBERS) + 1) for chosen in combinations(MEMBERS, size)
]


def test_every_type_is_in_the_table():
    assert set(TAKEN) == set(OrderType)


@pytest.mark.parametrize("kind", OrderType)
def test_exactly_what_a_type_takes_is_let_through(kind):
    must, may = (frozenset(names.split()) for names in TAKEN[kind])
    for given in EVERY_CHOICE:
        has_all = must <= given | ({"stop_price"} if "trailing_delta" in given else set())
        fits = has_all and given <= must | may
        assert (objection(kind, given) is None) == fits, given


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        (OrderType.LIMIT, set(), "a LIMIT order needs price"),
        (OrderType.MARKET, {"price"}, "a MARKET order takes no price"),
        (OrderType.STOP_LOSS, {"time_in_force"}, "a STOP_LOSS order needs stop_price"),
    ],
)
def test_what_is_wrong_is_said(kind, given, words):
    assert objection(kind, given) == words
