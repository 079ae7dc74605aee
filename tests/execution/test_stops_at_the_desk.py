"""Stops through the real desk and gate: no pause, limit or twin keeps one from closing, once."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace

import pytest

from tests.execution.test_stops import BTC, FIXED, Bench
from tests.fakes.safety import FakeRefusals
from trading_system.domain.errors import Unreachable
from trading_system.domain.orders import OrderStatus
from trading_system.domain.stops import StopStatus
from trading_system.execution.desk import Desk

D = Decimal
TIGHT = {
    "max_order_notional": D(1),
    "max_order_quantity": {BTC: D("0.01")},
    "max_open_orders": 0,
    "max_orders_per_minute": 0,
    "max_exposure": D(1),
    "max_price_age_seconds": 1.0,
}


@pytest.fixture
async def make_bench(
    clock, manager, list_manager, orders, listing, bus, make_gate, holdings, wallet
):
    """A keeper whose desk, gate, orders and holdings are those of `tests/execution/conftest`."""
    opened = []

    def build(**options):
        bench = Bench(clock)
        opened.append(bench)
        holdings.quantities[BTC] = D(2)
        wallet.free["BTC"] = D(2)
        desk = Desk(
            gate=make_gate(**options),
            manager=manager,
            orders=orders,
            refusals=FakeRefusals(),
            market_data=listing,
            clock=clock,
            bus=bus,
            lists=list_manager,
        )
        bench.record, bench.holdings, bench.bus = orders, holdings, bus
        bench.dealing = SimpleNamespace(place=desk.place, check=desk.check, cancel=manager.cancel)
        bench.keeper = bench.opened()
        return bench

    yield build
    for bench in opened:
        for task in bench.tasks:
            task.cancel()


@pytest.fixture
def sells(holdings, says):
    """An answer that fills an order whole, which the positions show once it is booked."""

    def answer(order):
        holdings.quantities[BTC] -= order.request.quantity
        report = says("FILLED", str(order.request.quantity), fills=("t1",))(order)
        return replace(report, fills=(replace(report.fills[0], quantity=order.request.quantity),))

    return answer


@pytest.fixture
def stale(prices):
    """The last price is an hour old and the book cannot be asked."""
    prices.tell(BTC, 100.0, 3_600_000)
    prices.failure = Unreachable("no book")
    yield
    assert prices.asked == []  # who closes waits for no price


async def test_a_stop_closes_in_a_pause_and_over_every_limit(
    make_bench, control, trading, sells, orders, stale
):
    bench = make_bench(**TIGHT)
    bench.by_system()
    stop = await bench.keeper.guard(FIXED)
    await bench.run()
    await control.pause(reason="lunch", who="ann")
    trading.answers.append(sells)
    await bench.trades(90)
    assert bench.repository.rows[stop.id].status is StopStatus.DONE
    assert [order.status for order in orders.rows.values()] == [OrderStatus.FILLED]


async def test_a_stop_at_the_venue_follows_its_position_in_a_pause(
    make_bench, control, trading, says, orders, holdings, wallet, clock, stale
):
    bench = make_bench(**TIGHT)
    trading.answers.append(says("NEW"))
    stop = await bench.keeper.guard(FIXED)
    await bench.run()
    await control.pause(reason="lunch", who="ann")
    holdings.quantities[BTC] = wallet.free["BTC"] = D("1.5")
    trading.answers.extend([says("CANCELED"), says("NEW")])
    await clock.advance(1)
    assert [order.status for order in orders.rows.values()] == ["CANCELED", "NEW"]
    assert bench.repository.rows[stop.id].ordered == D("1.5")


async def test_a_stop_at_the_venue_stays_while_its_successor_would_be_refused(
    make_bench, trading, says, orders, holdings, clock
):
    failures = []
    bench = make_bench(breaker=lambda: failures[0] if failures else None)
    trading.answers.append(says("NEW"))
    stop = await bench.keeper.guard(FIXED)
    await bench.run()
    failures.append("5 failures")
    holdings.quantities[BTC] = D("1.5")
    await clock.advance(60)
    assert [order.status for order in orders.rows.values()] == ["NEW"]
    assert "5 failures" in bench.repository.rows[stop.id].reason


@pytest.mark.parametrize("may_short", [False, True])
async def test_of_two_stops_that_are_hit_together_one_closes_the_position(
    make_bench, trading, sells, orders, holdings, clock, may_short
):
    bench = make_bench(may_short=may_short)
    bench.by_system()
    stops = [await bench.keeper.guard(FIXED) for _ in range(2)]
    await bench.run()
    trading.answers.append(sells)
    await bench.trades(90)
    await clock.advance(60)
    assert [order.request.quantity for order in orders.rows.values()] == [2]
    assert holdings.quantities[BTC] == 0
    assert {bench.repository.rows[each.id].status for each in stops} == {"done", "cancelled"}
