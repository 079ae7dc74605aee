"""An order manager between a fake venue and a fake record."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.fakes.execution import FakeListing, FakeOrders, FakeTrading
from trading_system.bus import Bus
from trading_system.domain.reports import Fill, Report
from trading_system.execution.oms import OrderManager


@pytest.fixture
def trading():
    return FakeTrading()


@pytest.fixture
def orders():
    return FakeOrders()


@pytest.fixture
def bus():
    return Bus()


@pytest.fixture
def listing():
    return FakeListing()


@pytest.fixture
def manager(trading, orders, clock, bus):
    return OrderManager(trading=trading, orders=orders, clock=clock, bus=bus)


@pytest.fixture
def says(clock):
    """Build an answer: `says("FILLED", "2", fills=("t1",))` is called with the order."""

    def build(status, executed="0", *, fills=(), source="answer"):
        def answer(order):
            return Report(
                client_order_id=order.client_order_id,
                venue_order_id="77",
                status=status,
                source=source,
                time=clock.now(),
                executed_quantity=Decimal(executed),
                executed_quote=Decimal(executed) * 100,
                fills=tuple(
                    Fill(
                        trade_id=name,
                        price=Decimal(100),
                        quantity=Decimal(1),
                        quote_quantity=Decimal(100),
                        fee=Decimal("0.001"),
                        fee_asset="BTC",
                        maker=False,
                        time=clock.now(),
                    )
                    for name in fills
                ),
            )

        return answer

    return build
