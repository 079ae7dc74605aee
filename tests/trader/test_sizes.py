"""From a target to an order: rounded down, never beyond what is owned, and closing only closes."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.trader import AT_NOON, BTC, ETH, D, instrument, mandate
from trading_system.domain.mandates import SizeKind, Sizing, StopRule
from trading_system.domain.orders import OrderRequest, OrderType, Side, TimeInForce
from trading_system.domain.stops import StopKind
from trading_system.trader.sizes import Means, close_all, order_for

PAIR = instrument(BTC)
PLAIN = mandate(AT_NOON)
STOP = StopRule(kind=StopKind.FIXED, distance_percent=D(4))


def means(*, equity=1000, others=0, held=0, price=100):
    return Means(equity=D(equity), others=D(others), held=D(held), price=D(price))


@pytest.mark.parametrize(
    ("sizing", "stop", "quantity"),
    [
        # 1000 at the limit of 101 and with 0.2 % for the fee
        (Sizing(), None, "9.881"),
        (Sizing(kind=SizeKind.EQUITY, amount=D(50)), None, "5"),
        (Sizing(kind=SizeKind.QUOTE, amount=D(250)), None, "2.5"),
        (Sizing(kind=SizeKind.QUOTE, amount=D(5000)), None, "9.881"),
        (Sizing(kind=SizeKind.QUANTITY, amount=D("1.2345")), None, "1.234"),
        (Sizing(kind=SizeKind.RISK, amount=D(1)), STOP, "2.5"),  # 10 at risk, 4 a coin
        (Sizing(kind=SizeKind.RISK, amount=D(1)), None, None),
    ],
)
def test_a_target_of_one_is_what_the_sizing_says(sizing, stop, quantity):
    order = order_for(replace(PLAIN, sizing=sizing, stop=stop), D(1), means(), PAIR)
    if quantity is None:
        assert isinstance(order, str)
        return
    assert order == OrderRequest(
        symbol=BTC,
        side=Side.BUY,
        type=OrderType.LIMIT,
        quantity=D(quantity),
        price=D(101),
        time_in_force=TimeInForce.IOC,
    )


@pytest.mark.parametrize(
    ("target", "held", "side", "kind", "quantity"),
    [
        ("0.5", 0, Side.BUY, OrderType.LIMIT, "4.94"),
        ("0.5", "9.871", Side.SELL, OrderType.MARKET, "4.931"),
        ("0", "9.8711", Side.SELL, OrderType.MARKET, "9.871"),
        ("-1", 0, Side.SELL, OrderType.LIMIT, "9.98"),
        ("-1", 2, Side.SELL, OrderType.LIMIT, "11.98"),  # out and in with one order
        ("0", -3, Side.BUY, OrderType.MARKET, "3"),
        ("1", -3, Side.BUY, OrderType.LIMIT, "12.881"),
    ],
)
def test_the_order_leads_from_what_is_held_to_the_target(target, held, side, kind, quantity):
    order = order_for(PLAIN, D(target), means(held=held), PAIR)
    assert (order.side, order.type, order.quantity) == (side, kind, D(quantity))
    assert order.reduce_only is (kind is OrderType.MARKET)


@pytest.mark.parametrize(
    ("target", "held", "price", "reason"),
    [
        ("0", 0, 100, "what is held is what is wanted"),
        ("0", "0.0004", 100, "less than the 0.001 BTC the venue takes"),
        ("0", "0.004", 100, "less than the 5 the venue takes"),
        ("1", 0, 20_000_000, "what is held is what is wanted"),
        ("0.003", 0, 100, "less than the 5 the venue takes"),
    ],
)
def test_too_little_to_trade_is_no_order_and_says_why(target, held, price, reason):
    assert reason in order_for(PLAIN, D(target), means(held=held, price=price), PAIR)


def test_symbols_share_evenly_and_what_others_hold_is_not_spent_twice():
    both = replace(PLAIN, symbols=(BTC, ETH))
    assert order_for(both, D(1), means(), PAIR).quantity == D("4.94")
    assert order_for(both, D(1), means(others=900), PAIR).quantity == D("0.988")
    assert isinstance(order_for(both, D(1), means(others=1100), PAIR), str)


@given(
    target=st.decimals(-1, 1, places=3),
    equity=st.decimals(1, 10**6, places=2),
    held=st.decimals(-50, 50, places=4),
    price=st.decimals("0.5", 10**5, places=2),
)
def test_nothing_is_bought_that_the_equity_does_not_pay_for(target, equity, held, price):
    """At the worst price that the order takes, with the fee, the position stays within equity."""
    asked = means(equity=equity, held=held, price=price)
    order = order_for(PLAIN, target, asked, PAIR)
    if isinstance(order, str) or order.reduce_only:
        return
    sign = 1 if order.side is Side.BUY else -1
    after = held + sign * order.quantity
    assert after * sign > 0
    assert abs(after) * max(order.price, price) * D("1.001") <= equity
    assert order.quantity % PAIR.step_size == 0


@pytest.mark.parametrize(
    ("held", "side", "quantity"), [("1.2345", Side.SELL, "1.234"), ("-0.004", Side.BUY, "0.004")]
)
def test_closing_sells_or_buys_back_whole_steps_whatever_they_are_worth(held, side, quantity):
    order = close_all(D(held), PAIR)
    assert (order.side, order.quantity, order.reduce_only) == (side, D(quantity), True)


def test_there_is_nothing_to_close_of_less_than_a_step():
    assert close_all(Decimal("0.0009"), PAIR) is None
