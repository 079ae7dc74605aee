"""Wherever an order is cut off, after a restart our record says what the venue's does."""

from __future__ import annotations

from decimal import Decimal
from itertools import product

import pytest

from trading_system.domain.errors import OrderNotFound
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import OrderRequest, OrderType, Side
from trading_system.domain.reports import Replacement, Report
from trading_system.execution import steps
from trading_system.execution.oms import OrderManager

LIMIT = OrderRequest(
    symbol=Symbol("BTC", "USDT"),
    side=Side.BUY,
    type=OrderType.LIMIT,
    quantity=Decimal(2),
    price=Decimal(100),
)
STEPS = [text for name, text in vars(steps).items() if name.isupper()]


class Killed(BaseException):
    """The end of the process."""


class Paper:
    """A venue that forgets nothing: status and quantity by client order id."""

    def __init__(self, clock) -> None:
        self.clock = clock
        self.rows: dict[str, tuple[str, Decimal]] = {}

    def say(self, order) -> Report:
        if order.client_order_id not in self.rows:
            raise OrderNotFound(-2013, "Order does not exist.")
        status, quantity = self.rows[order.client_order_id]
        return Report(
            client_order_id=order.client_order_id,
            venue_order_id="1",
            status=status,
            source="lookup",
            time=self.clock.now(),
            quantity=quantity,
        )

    async def find(self, order):
        return self.say(order)

    async def place(self, order, **_):
        assert order.client_order_id not in self.rows, "sent twice"
        self.rows[order.client_order_id] = ("NEW", order.request.quantity)
        return self.say(order)

    async def cancel(self, order):
        _, quantity = self.rows[order.client_order_id]
        self.rows[order.client_order_id] = ("CANCELED", quantity)
        return self.say(order)

    async def amend(self, order, quantity):
        self.rows[order.client_order_id] = ("NEW", quantity)
        return self.say(order)

    async def replace(self, old, new, **_):
        return Replacement(cancelled=await self.cancel(old), placed=await self.place(new))


async def deal(manager):
    """One order modified in its place, by another one, and then cancelled."""
    order, _ = await manager.save(LIMIT, idempotency_key=None, digest="d")
    order = await manager.send(order)
    order = await manager.modify(order.id, quantity=Decimal(1))
    order = await manager.modify(order.id, price=Decimal(99))
    await manager.cancel(order.id)


def killing(step, times):
    """Ends everything when a step is reached for so many times."""
    reached = []

    def on_step(name):
        reached.append(name)
        if name == step and reached.count(step) == times:
            raise Killed

    return on_step


@pytest.mark.parametrize(("step", "times"), list(product(STEPS, range(1, 5))))
async def test_an_order_cut_off_anywhere_is_known_after_a_restart(orders, clock, bus, step, times):
    paper = Paper(clock)
    parts = {"trading": paper, "orders": orders, "clock": clock, "bus": bus}
    told = []
    try:
        await deal(OrderManager(**parts, on_step=killing(step, times)))
    except Killed:
        told.append(step)
    assert told or step in {steps.BEFORE_SAVE, steps.AFTER_SAVE}  # of which there are three

    restarted = OrderManager(**parts)
    for order in await orders.all():
        if not order.status.is_final:
            try:
                await restarted.look_up(order)
            except OrderNotFound:  # as the look-ups believe it, after a while
                await restarted.on_report(said_absent(order))

    ours = {order.client_order_id: order for order in orders.rows.values()}
    assert paper.rows.keys() <= ours.keys(), "an order that nobody knows of"
    for client_order_id, order in ours.items():
        assert (str(order.status), order.request.quantity) == paper.rows.get(
            client_order_id, ("REJECTED", order.request.quantity)
        )
    assert [status for status, _ in paper.rows.values()].count("NEW") <= 1


def said_absent(order) -> Report:
    return Report(
        client_order_id=order.client_order_id,
        status="REJECTED",
        source="reconciler",
        time=order.created_at,
        reject_reason="the venue never got it",
    )
