"""An order manager between a fake venue and a fake record."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from types import SimpleNamespace

import pytest

from tests.fakes.account import (
    FakeBalances,
    FakeListed,
    FakeReconciliations,
    FakeRecords,
    FakeRegistered,
)
from tests.fakes.execution import FakeListing, FakeOrders, FakeTrading
from tests.fakes.order_lists import FakeOrderListRepository, FakeOrderLists
from tests.fakes.safety import (
    FakeCommitments,
    FakeControlLog,
    FakeDrawdown,
    FakeHoldings,
    FakePrices,
    FakeWallet,
)
from trading_system.bus import Bus
from trading_system.domain.instruments import Symbol
from trading_system.domain.reports import Fill, Report
from trading_system.execution.balances import BalanceBook
from trading_system.execution.control import Arming, Control
from trading_system.execution.doubts import Doubts
from trading_system.execution.gate import RiskGate
from trading_system.execution.look_ups import LookUps
from trading_system.execution.loss_watch import LossWatch
from trading_system.execution.oms import OrderManager
from trading_system.execution.order_lists import ListManager
from trading_system.execution.purse import Purse
from trading_system.execution.reconciler import Reconciler
from trading_system.execution.survey import Survey
from trading_system.risk.limits import RiskLimits


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
def venue_lists():
    return FakeOrderLists()


@pytest.fixture
def saved_lists(orders):
    return FakeOrderListRepository(orders)


@pytest.fixture
def list_manager(venue_lists, saved_lists, manager, clock):
    return ListManager(venue=venue_lists, lists=saved_lists, manager=manager, clock=clock)


@pytest.fixture
def records():
    return FakeRecords()


@pytest.fixture
def look_ups(manager, orders, records, trading, clock):
    return LookUps(
        manager=manager,
        orders=orders,
        records=records,
        trading=trading,
        background=trading,
        clock=clock,
        patience=60,
    )


@pytest.fixture
def kept(orders):
    return FakeBalances(orders)


@pytest.fixture
def book(kept, clock, bus):
    return BalanceBook(balances=kept, clock=clock, bus=bus)


@pytest.fixture
def registered():
    return FakeRegistered()


@pytest.fixture
def listed(clock):
    """What the venue that trades lists: change its symbols."""
    return FakeListed({Symbol(base, "USDT") for base in ("BTC", "ETH", "SOL")}, clock)


@pytest.fixture
def done():
    return FakeReconciliations()


@pytest.fixture
def pushed():
    """Whether order events arrive by themselves: change it."""
    return SimpleNamespace(up=False)


@pytest.fixture
def survey(orders, clock, registered, listed):
    return Survey(orders=orders, clock=clock, symbols=registered, market_data=listed)


@pytest.fixture
def background(records):
    """The records as they are read where nobody waits."""
    return records


@pytest.fixture
def doubts(manager, orders, records, survey, look_ups, clock):
    return Doubts(
        manager=manager,
        orders=orders,
        records=records,
        survey=survey,
        look_ups=look_ups,
        clock=clock,
    )


@pytest.fixture
def reconciler(
    manager, orders, records, background, doubts, look_ups, book, survey, done, pushed, clock, bus
):
    return Reconciler(
        manager=manager,
        orders=orders,
        records=records,
        background=background,
        survey=survey,
        doubts=doubts,
        look_ups=look_ups,
        balances=book,
        done=done,
        clock=clock,
        bus=bus,
        is_pushed=lambda: pushed.up,
    )


@pytest.fixture
async def both(reconciler, doubts):
    """Call it to have passes and look-ups go on until the test ends, as the system has them."""
    tasks = []

    def begin():
        tasks.extend(asyncio.create_task(each.run()) for each in (reconciler, doubts))

    yield begin
    for task in tasks:
        assert not task.done()
        task.cancel()


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


@pytest.fixture
def control_log():
    return FakeControlLog()


@pytest.fixture
async def control(control_log, clock, bus):
    """Trading goes on."""
    control = Control(log=control_log, clock=clock, bus=bus, arming=Arming.FREE)
    await control.load()
    return control


@pytest.fixture
def holdings():
    return FakeHoldings()


@pytest.fixture
def wallet():
    return FakeWallet()


@pytest.fixture
def prices():
    """BTC/USDT last traded at 100."""
    prices = FakePrices()
    prices.tell(Symbol("BTC", "USDT"), 100.0)
    return prices


@pytest.fixture
def make_gate(control, orders, holdings, wallet, prices, listing, clock, bus):
    """A gate with these limits; `breaker` is why the venue is not asked, `pushed` whether it is."""

    def build(*, breaker=lambda: None, pushed=lambda: False, may_short=False, **limits):
        wanted = RiskLimits(**limits)
        return RiskGate(
            limits=wanted,
            control=control,
            purse=Purse(balances=wallet.balances, is_pushed=pushed, clock=clock, bus=bus),
            losses=LossWatch(holdings=holdings, record=FakeDrawdown(), limits=wanted, clock=clock),
            commitments=FakeCommitments(orders),
            holdings=holdings,
            live=prices,
            market_data=listing,
            clock=clock,
            breaker=breaker,
            currency="USDT",
            may_short=may_short,
        )

    return build


@pytest.fixture
def submit(manager, request):
    """Save and send what the module that asks calls its REQUEST."""

    async def place():
        order, _ = await manager.save(request.module.REQUEST, idempotency_key=None, digest="d")
        return await manager.send(order)

    return place
