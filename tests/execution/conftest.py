"""An order manager between a fake venue and a fake record."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace

import pytest

from tests.fakes.account import FakeBalances, FakeReconciliations, FakeRecords, FakeRegistered
from tests.fakes.execution import FakeListing, FakeOrders, FakeTrading
from trading_system.bus import Bus
from trading_system.domain.reports import Fill, Report
from trading_system.execution.balances import BalanceBook
from trading_system.execution.look_ups import LookUps
from trading_system.execution.oms import OrderManager
from trading_system.execution.reconciler import Reconciler
from trading_system.execution.survey import Survey


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
def records():
    return FakeRecords()


@pytest.fixture
def look_ups(manager, orders, records, clock):
    return LookUps(manager=manager, orders=orders, records=records, clock=clock, patience=60)


@pytest.fixture
def kept(orders):
    return FakeBalances(orders)


@pytest.fixture
def book(records, kept, clock, bus):
    return BalanceBook(records=records, balances=kept, clock=clock, bus=bus)


@pytest.fixture
def registered():
    return FakeRegistered()


@pytest.fixture
def done():
    return FakeReconciliations()


@pytest.fixture
def pushed():
    """Whether order events arrive by themselves: change it."""
    return SimpleNamespace(up=False)


@pytest.fixture
def reconciler(manager, orders, records, look_ups, book, registered, done, pushed, clock, bus):
    return Reconciler(
        manager=manager,
        orders=orders,
        survey=Survey(orders=orders, records=records, clock=clock, symbols=registered),
        look_ups=look_ups,
        balances=book,
        done=done,
        clock=clock,
        bus=bus,
        is_pushed=lambda: pushed.up,
    )


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
