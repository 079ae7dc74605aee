"""The one door for orders."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from trading_system.domain.errors import KeyReused, NotAllowed, UnknownSymbol
from trading_system.domain.events import OrderRefused
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import OrderRequest, OrderStatus, OrderType, Side
from trading_system.execution.desk import Desk, approve, digest, refuse_unarmed

REQUEST = OrderRequest(
    symbol=Symbol("BTC", "USDT"), side=Side.BUY, type=OrderType.MARKET, quantity=Decimal(2)
)


@pytest.fixture
def desk(manager, listing, bus):
    return Desk(review=approve, orders=manager, market_data=listing, bus=bus)


async def test_an_approved_request_becomes_an_order(desk, trading, says):
    trading.answers.append(says("FILLED", "2"))
    assert (await desk.place(REQUEST)).status is OrderStatus.FILLED


async def test_a_symbol_the_venue_does_not_list_is_refused_before_anything_is_saved(desk, orders):
    with pytest.raises(UnknownSymbol, match="NO/PE"):
        await desk.place(replace(REQUEST, symbol=Symbol("NO", "PE")))
    assert orders.rows == {}


async def test_live_trading_that_is_not_armed_sends_nothing_and_says_how(
    manager, listing, bus, trading, orders
):
    told = []
    bus.subscribe(OrderRefused, told.append)
    desk = Desk(review=refuse_unarmed, orders=manager, market_data=listing, bus=bus)
    with pytest.raises(NotAllowed, match="LIVE_TRADING_ARMED=yes"):
        await desk.place(REQUEST)
    assert (trading.sent, orders.rows) == ([], {})
    assert told[0].request == REQUEST


async def test_one_key_stands_for_one_wish(desk, trading, says):
    trading.answers.append(says("FILLED", "2"))
    first = await desk.place(REQUEST, "key")
    assert await desk.place(replace(REQUEST, quantity=Decimal("2.00")), "key") == first
    with pytest.raises(KeyReused):
        await desk.place(replace(REQUEST, quantity=Decimal(3)), "key")


def test_the_same_wish_in_other_digits_has_the_same_digest() -> None:
    same = replace(REQUEST, quantity=Decimal("2.000"))
    assert digest(same) == digest(REQUEST)
    assert digest(replace(REQUEST, side=Side.SELL)) != digest(REQUEST)
    assert digest(replace(REQUEST, quantity=None, quote_quantity=Decimal(2))) != digest(REQUEST)
