"""A kill that flattens, over a real record: each part is sold once, wherever it is cut off."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace
from uuid import UUID

import pytest

from tests.fakes.deadly import Deadly, Killed
from tests.fakes.trader import BTC, D
from trading_system.domain.errors import OrderNotFound
from trading_system.domain.orders import OrderRequest, OrderStatus, OrderType, Side, TimeInForce
from trading_system.domain.reports import Balance, Report
from trading_system.execution.kill_switch import KillSwitch
from trading_system.execution.ledger import Ledger
from trading_system.execution.oms import OrderManager

ONE, TWO = UUID(int=1), UUID(int=2)
STEP = D("0.001")


def as_it_is(_name, port):
    return port


def kill_switch(bench, wrap=as_it_is):
    """As the system has it, over this bench's record and venue; `wrap` is put around each port."""
    ledger = Ledger(orders=bench.orders, clock=bench.clock, bus=bench.bus)
    orders = wrap("orders", bench.orders)
    manager = OrderManager(
        trading=wrap("venue", bench.venue),
        orders=orders,
        clock=bench.clock,
        bus=bench.bus,
        may_send=bench.control.may_send,
    )

    async def positions():
        return [page.position for page in await ledger.pages()]

    async def book(_symbol, *, levels):
        return SimpleNamespace(bids=[SimpleNamespace(price=D(100))] * levels, asks=[])

    async def ready():
        return None

    bench.listing.book = book
    return KillSwitch(
        control=bench.control,
        manager=manager,
        orders=orders,
        holdings=wrap("holdings", SimpleNamespace(positions=positions)),
        trading=wrap("balances", SimpleNamespace(balances=lambda: balances(bench))),
        market_data=wrap("listing", bench.listing),
        clock=bench.clock,
        bus=bench.bus,
        may_short=False,
        margin=SimpleNamespace(),
        ready=ready,
        stakes=wrap("stakes", bench.stakes).all,
    )


class Lagging:
    """A venue that does not find at once what it has taken."""

    def __init__(self, venue) -> None:
        self.place, self.cancel = venue.place, venue.cancel

    async def find(self, _order):
        raise OrderNotFound(-2013, "none")


async def balances(bench):
    """What the venue has by its own fills, and ten coins that nobody here ever traded."""
    bought = sum((sign(order) * done for order, done in executed(bench.world)), D(0))
    fees = sum((done / 1000 for order, done in executed(bench.world) if sign(order) > 0), D(0))
    return [Balance(asset="BTC", free=10 + bought - fees, locked=D(0))]


def executed(world):
    return [(world.venue.orders[name], done) for name, done in world.venue.executed.items()]


def sign(order) -> int:
    return 1 if order.request.side is Side.BUY else -1


async def looked_up(bench) -> None:
    """What the look-ups find of all that is open, once they were patient."""
    for order in await bench.orders.all():
        if order.status.is_final:
            continue
        try:
            await bench.manager.look_up(order)
        except OrderNotFound:
            await bench.manager.on_report(
                Report(
                    client_order_id=order.client_order_id,
                    status=OrderStatus.REJECTED,
                    source="reconciler",
                    time=bench.clock.now(),
                )
            )


async def two_strategies_and_somebody(bench) -> None:
    """All hold of one symbol, and an order rests."""
    await bench.trading(id=ONE, capital=D(1000))
    await bench.trading(id=TWO, capital=D(500))
    await bench.beat(101)
    by_hand = OrderRequest(symbol=BTC, side=Side.BUY, type=OrderType.MARKET, quantity=D("1.5"))
    await bench.desk.place(by_hand)
    lower = {"type": OrderType.LIMIT, "price": D(50), "time_in_force": TimeInForce.GTC}
    await bench.desk.place(replace(by_hand, **lower))
    await bench.settle()


async def until_done(switch, bench) -> None:
    for _ in range(9):
        await looked_up(bench)
        await switch.enforce()
        if switch.progress.done:
            return
    raise AssertionError(switch.progress)


async def cut_off(make_world, at, *, after):
    """What was sold, by whose it was, what is left to whom, and what the account has in the end.

    Then how many calls there were, of which the one with this number was the last of its run.
    """
    world, opened = make_world(f"{at}-{after}")
    async with opened() as first:
        await two_strategies_and_somebody(first)
    deadly = Deadly(at, after=after)
    async with opened() as second:
        await second.control.kill(reason="mad", who="ann", flatten=True)
        died = False
        try:
            await until_done(kill_switch(second, deadly), second)
        except Killed:
            died = True
    assert died == (at is not None)
    async with opened() as third:
        lagging = Lagging(world.venue)
        await kill_switch(third, lambda name, it: lagging if name == "venue" else it).enforce()
        await until_done(kill_switch(third), third)
        sold = defaultdict(Decimal)
        for order, done in executed(world):
            if order.request.side is Side.SELL:
                sold[await third.own.owner(order.id)] += done
        left = {each.mandate_id: each.quantity for each in await third.stakes.all()}
        (there,) = await balances(third)
    return (sold, left, there.free), deadly.calls


EVERY = pytest.mark.slow


@pytest.mark.parametrize(
    ("every", "after"),
    [
        (5, False),
        (5, True),
        pytest.param(1, False, marks=EVERY),
        pytest.param(1, True, marks=EVERY),
    ],
)
async def test_wherever_it_is_cut_off_each_part_is_sold_once(make_world, every, after):
    expected, calls = await cut_off(make_world, None, after=after)
    sold, left, there = expected
    assert set(sold) == {ONE, TWO, None}
    assert all(0 < quantity < STEP for quantity in left.values()), "fees leave some dust"
    assert 10 <= there < 10 + 3 * STEP, "what nobody bought here is still there"
    assert calls > 50
    for at in range(min(every, 3), calls + 1, every):
        assert (await cut_off(make_world, at, after=after))[0] == expected, at
