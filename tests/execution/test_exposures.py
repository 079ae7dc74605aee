from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import OrderStatus, Side
from trading_system.execution.exposures import exposures, pays, pays_with, remaining, tied_up
from trading_system.ports import Commitment
from trading_system.risk.facts import Exposure

BTC, ETH = Symbol("BTC", "USDT"), Symbol("ETH", "USDT")
D = Decimal
LIST = UUID(int=7)


def order(**changes):
    """A resting order to buy 3 at 100, of which 1 was filled at 99."""
    fields = {
        "id": uuid4(),
        "symbol": BTC,
        "side": Side.BUY,
        "status": OrderStatus.NEW,
        "quantity": D(3),
        "quote_quantity": None,
        "price": D(100),
        "stop_price": None,
        "executed_quantity": D(1),
        "executed_quote": D(99),
    }
    return Commitment(**fields | changes)


FULL = {"status": OrderStatus.FILLED, "executed_quantity": D(3), "executed_quote": D(297)}
BY_QUOTE = {"quantity": None, "price": None, "quote_quantity": D(300)}
MARKET = {"price": None}
SELL = {"side": Side.SELL}
INFINITE = D("Infinity")


@pytest.mark.parametrize(
    ("changes", "price", "left", "paid"),
    [
        ({}, D(80), 2, ("USDT", 299)),
        ({}, None, 2, ("USDT", 299)),
        (FULL, None, 0, ("USDT", 297)),
        ({"executed_quantity": D(4), "executed_quote": D(396)}, None, 0, ("USDT", 396)),
        ({"status": OrderStatus.CANCELED}, None, 0, ("USDT", 99)),
        (MARKET, D(80), 2, ("USDT", 259)),
        (MARKET, None, 2, ("USDT", INFINITE)),
        (MARKET | {"stop_price": D(90)}, D(80), 2, ("USDT", 279)),
        (BY_QUOTE, D(67), 3, ("USDT", 300)),
        (BY_QUOTE, None, INFINITE, ("USDT", 300)),
        (SELL, None, 2, ("BTC", 3)),
        (SELL | FULL, None, 0, ("BTC", 3)),
        (SELL | BY_QUOTE, D(67), 3, ("BTC", 4)),
        (SELL | BY_QUOTE, None, INFINITE, ("BTC", INFINITE)),
    ],
)
def test_what_an_order_may_still_fill_and_what_it_pays(changes, price, left, paid):
    assert remaining(order(**changes), price) == left
    each = order(**changes)
    assert (pays_with(each), pays(each, price)) == paid


@pytest.mark.parametrize(
    ("changes", "freed"),
    [
        ({}, 200),
        (SELL, 2),
        (MARKET | {"stop_price": D(90)}, 180),
        (MARKET, 0),
        (FULL, 0),
    ],
)
def test_what_cancelling_sets_free(changes, freed):
    assert tied_up(order(**changes)) == freed


def seen(held, orders, *, may_short=False):
    return exposures(held, orders, {BTC: D(100)}.get, {BTC: D(200)}.get, may_short=may_short)


def test_every_symbol_held_or_ordered_is_exposed():
    assert seen({BTC: D(5)}, [order(), order(**SELL), order(symbol=ETH, quantity=D(4))]) == {
        BTC: Exposure(held=D(5), buying=D(2), selling=D(2), price=D(200)),
        ETH: Exposure(buying=D(3)),
    }


def test_what_was_executed_and_is_in_no_position_yet_may_still_come():
    ended = order(status=OrderStatus.CANCELED, unbooked=D(1))
    resting = order(**SELL, unbooked=D(1))
    listed = order(list_id=LIST, unbooked=D(4))
    assert seen({BTC: D(5)}, [ended, resting, listed, order(**FULL, symbol=ETH)]) == {
        BTC: Exposure(
            held=D(5),
            buying=D(1) + D(4) + D(2),
            selling=D(1) + D(2),
            buying_unanswered=D(5),
            selling_unanswered=D(1),
            price=D(200),
        )
    }


def test_whether_more_can_be_sold_than_is_held_is_passed_on():
    (exposure,) = seen({BTC: D(-1)}, [], may_short=True).values()
    assert exposure == Exposure(held=D(-1), price=D(200), may_short=True)


def test_of_orders_of_which_one_alone_can_fill_the_largest_counts():
    legs = [
        order(list_id=LIST, quantity=quantity, executed_quantity=D(0), **SELL)
        for quantity in (D(2), D(5), D(3))
    ]
    (exposure,) = seen({}, [*legs, replace(legs[0], list_id=None, id=uuid4())]).values()
    assert exposure.selling == 7
