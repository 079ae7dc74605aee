"""Both orders of a replacement execute no more than was wanted, wherever it is cut off."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from itertools import product
from uuid import UUID

import pytest

from trading_system.domain.errors import (
    OrderNotFound,
    OutcomeUnknown,
    Rejected,
    Unreachable,
)
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import NotModified, OrderRequest, OrderStatus, OrderType, Side
from trading_system.domain.reports import Replacement, Report
from trading_system.execution import steps
from trading_system.execution.oms import OrderManager

S = OrderStatus
WANTED = Decimal(2)
LIMIT = OrderRequest(
    symbol=Symbol("BTC", "USDT"),
    side=Side.BUY,
    type=OrderType.LIMIT,
    quantity=WANTED,
    price=Decimal(100),
)
HIGHER = Decimal(101)
KNOWN = Decimal("0.5")  # executed before the replacement is planned
ON_THE_WAY = (steps.BEFORE_SEND, steps.ANSWERED, steps.AFTER_BOOKING, steps.REPORT_BOOKED)


class Killed(BaseException):
    """The end of the process."""


class Floor:
    """A venue whose market trades: `meanwhile` of an old order fills just before it is replaced.

    `amends` is false where orders keep their quantity; of the calls numbered in `lost` (from 1, of
    those that change something) the answers never arrive.
    """

    def __init__(self, clock, *, meanwhile, amends=True, lost=()) -> None:
        self.clock = clock
        self.meanwhile = meanwhile
        self.amends = amends
        self.lost = set(lost)
        self.calls = 0
        self.rows: dict[str, dict] = {}

    def fill(self, name, quantity):
        row = self.rows[name]
        if row["status"] in {S.NEW, S.PARTIALLY_FILLED}:
            row["executed"] = min(row["executed"] + quantity, row["quantity"])
            whole = row["executed"] == row["quantity"]
            row["status"] = S.FILLED if whole else S.PARTIALLY_FILLED

    def fill_all(self):
        for name, row in self.rows.items():
            self.fill(name, row["quantity"])

    @property
    def executed(self):
        return sum(row["executed"] for row in self.rows.values())

    def say(self, name, source="lookup"):
        if name not in self.rows:
            raise OrderNotFound(-2013, "Order does not exist.")
        row = self.rows[name]
        return Report(
            client_order_id=name,
            venue_order_id=name[-5:],
            status=row["status"],
            source=source,
            time=self.clock.now(),
            executed_quantity=row["executed"],
            executed_quote=row["executed"] * 100,
            quantity=row["quantity"],
        )

    def answer(self, what):
        self.calls += 1
        if self.calls in self.lost:
            raise OutcomeUnknown("timeout")
        return what

    async def find(self, order):
        return self.say(order.client_order_id)

    def put(self, order):
        assert order.client_order_id not in self.rows, "sent twice"
        self.rows[order.client_order_id] = {
            "status": S.NEW,
            "quantity": order.request.quantity,
            "executed": Decimal(0),
        }
        return self.say(order.client_order_id, "answer")

    async def place(self, order, **_):
        return self.put(order)

    async def amend(self, order, quantity):
        row = self.rows[order.client_order_id]
        if not self.amends or not row["executed"] < quantity < row["quantity"]:
            raise Rejected(-2038, "Order amend rejected.")
        row["quantity"] = quantity
        return self.answer(self.say(order.client_order_id, "answer"))

    def end(self, order):
        row = self.rows[order.client_order_id]
        if row["status"].is_final:
            raise OrderNotFound(-2011, "Unknown order sent.")
        row["status"] = S.CANCELED
        return self.say(order.client_order_id, "answer")

    async def cancel(self, order):
        return self.answer(self.end(order))

    async def replace(self, old, new, **_):
        self.fill(old.client_order_id, self.meanwhile)
        try:
            cancelled = self.end(old)
        except OrderNotFound as gone:
            refused = Replacement(cancelled=None, placed=None, cancel_refusal=str(gone))
            return self.answer(refused)
        return self.answer(Replacement(cancelled=cancelled, placed=self.put(new)))


@pytest.fixture
def make(orders, clock, bus):
    """A manager on this floor, as after a start."""

    def build(floor, on_step=steps.ignore):
        return OrderManager(trading=floor, orders=orders, clock=clock, bus=bus, on_step=on_step)

    return build


async def partly_filled(manager, floor):
    order, _ = await manager.save(LIMIT, idempotency_key=None, digest="d")
    order = await manager.send(order)
    floor.fill(order.client_order_id, KNOWN)
    return await manager.look_up(order)


async def settle(manager, orders, rounds=3):
    """What the rounds of the reconciler do, until nothing is in doubt."""
    for _ in range(rounds):
        for order in await orders.all():
            if not order.status.is_final:
                try:
                    await manager.look_up(order)
                except OrderNotFound:
                    await manager.on_report(absent(order))
        await manager.excess.cut_all()


def absent(order):
    return Report(
        client_order_id=order.client_order_id,
        status="REJECTED",
        source="reconciler",
        time=order.created_at,
    )


def killing(step, times):
    """Ends everything when a step is reached for so many times; `count` is how often it was."""

    def on_step(name):
        on_step.count += name == step
        if on_step.count == times:
            on_step.count += 1
            raise Killed

    on_step.count = 0
    return on_step


MEANWHILE = [Decimal(text) for text in ("0", "0.25", "1", "1.5")]


@pytest.mark.parametrize("amends", [True, False], ids=["amendable", "not amendable"])
@pytest.mark.parametrize("meanwhile", MEANWHILE)
@pytest.mark.parametrize(("step", "times"), list(product(ON_THE_WAY, range(1, 5))))
async def test_killed_anywhere_both_orders_execute_no_more_than_was_wanted(
    make, orders, clock, step, times, meanwhile, amends
):
    floor = Floor(clock, meanwhile=meanwhile, amends=amends)
    order = await partly_filled(make(floor), floor)
    with suppress(Killed, NotModified):
        await make(floor, killing(step, times)).modify(order.id, price=HIGHER)
    with suppress(Killed):  # once more, while it makes up for it
        await settle(make(floor, killing(step, times)), orders)
    await settle(make(floor), orders)
    floor.fill_all()
    is_replaced = len(floor.rows) > 1
    gives_up = is_replaced and meanwhile and not amends  # the rest is cancelled
    assert floor.executed == (KNOWN + meanwhile if gives_up else WANTED)


@pytest.mark.parametrize("lost", [{1}, {2}, {3}, {1, 2}, {1, 2, 3}], ids=str)
@pytest.mark.parametrize("amends", [True, False], ids=["amendable", "not amendable"])
async def test_whatever_answer_is_lost_both_orders_execute_no_more_than_was_wanted(
    make, orders, clock, amends, lost
):
    floor = Floor(clock, meanwhile=Decimal("0.25"), amends=amends, lost=lost)
    manager = make(floor)
    order = await partly_filled(manager, floor)
    await manager.modify(order.id, price=HIGHER)
    await settle(manager, orders)
    floor.fill_all()
    await settle(manager, orders)
    assert floor.executed == (WANTED if amends else KNOWN + Decimal("0.25"))
    assert sum(each.executed_quantity for each in await orders.all()) == floor.executed


@pytest.fixture
def trading(clock):
    """A floor for everything that the fixtures build."""
    return Floor(clock, meanwhile=Decimal("0.25"))


@pytest.fixture
async def oversized(make, orders, manager, trading):
    """Killed right after the answer: the new order rests a quarter too large."""
    order = await partly_filled(manager, trading)
    with pytest.raises(Killed):
        await make(trading, killing(steps.ANSWERED, 1)).modify(order.id, price=HIGHER)
    for each in await orders.all():
        await manager.look_up(each)
    (new,) = await orders.replacements()
    assert (new.request.quantity, new.wanted_in_all) == (Decimal("1.5"), WANTED)
    return manager, trading, new


async def test_it_is_cut_once(oversized, orders):
    manager, floor, new = oversized
    for _ in range(3):
        await manager.excess.cut_all()
    assert (await orders.get(new.id)).request.quantity == Decimal("1.25")
    assert floor.calls == 2  # one that replaced and one that cut


async def test_what_somebody_is_calling_about_is_left_to_them(oversized, orders):
    manager, floor, new = oversized
    async with manager.calls.alone(new.id):
        await manager.excess.cut_all()
    assert floor.calls == 1
    await manager.excess.cut_all()
    assert floor.calls == 2


async def test_what_cannot_be_cut_now_is_cut_later_and_does_not_keep_others(oversized, orders):
    manager, floor, new = oversized
    unheard_of = replace(new, id=UUID(int=1), client_order_id="nowhere")
    orders.rows = {unheard_of.id: unheard_of} | orders.rows
    await manager.excess.cut_all()
    assert (await orders.get(new.id)).request.quantity == Decimal("1.25")
    floor.rows["nowhere"] = {"status": S.NEW, "quantity": Decimal("1.5"), "executed": Decimal(0)}
    await manager.excess.cut_all()
    assert (await orders.get(unheard_of.id)).request.quantity == Decimal("1.25")


async def test_what_has_ended_meanwhile_is_not_touched(oversized):
    manager, floor, _ = oversized
    floor.fill_all()
    await manager.excess.cut_all()
    assert floor.calls == 1


async def test_what_was_traded_too_much_is_told(oversized, capsys):
    manager, floor, new = oversized
    floor.fill(new.client_order_id, Decimal("1.4"))
    await manager.excess.cut_all()
    assert floor.rows[new.client_order_id]["status"] is S.CANCELED
    assert "more was traded than was asked for" in capsys.readouterr().out


async def test_before_it_is_modified_again_it_is_as_large_as_it_may_be(oversized, orders):
    """Its open quantity would be carried over, excess and all."""
    manager, floor, new = oversized
    floor.meanwhile = Decimal(0)
    newest = await manager.modify(new.id, price=Decimal(102))
    assert newest.request.quantity == Decimal("1.25")
    floor.fill_all()
    assert floor.executed == WANTED


async def test_while_the_order_before_is_in_doubt_nothing_is_modified(oversized, orders):
    manager, floor, new = oversized
    before = await orders.get(new.replaces)
    orders.rows[before.id] = replace(before, status=S.PENDING_CANCEL)
    with pytest.raises(NotModified, match="not known yet how far it got"):
        await manager.modify(new.id, price=Decimal(102))
    assert floor.calls == 1


@pytest.mark.parametrize("failing", ["amend", "amend and find"])
async def test_what_cannot_be_cut_is_not_modified_with_its_excess(oversized, orders, failing):
    """Its open quantity would be carried over, and nobody would know any more."""
    manager, floor, new = oversized
    finds = 0

    async def no_amend(*_):
        raise Unreachable("down")

    async def find_once(order):
        nonlocal finds
        finds += 1
        if finds > 1:
            raise Unreachable("down")
        return floor.say(order.client_order_id)

    floor.amend, amend = no_amend, floor.amend
    if failing == "amend and find":
        floor.find, find = find_once, floor.find
    with pytest.raises(NotModified, match="more of it is open than was asked for") as raised:
        await manager.modify(new.id, price=Decimal(102))
    assert (raised.value.old.id, raised.value.new) == (new.id, None)
    floor.amend, floor.meanwhile = amend, Decimal(0)
    if failing == "amend and find":
        floor.find = find
    await manager.modify(new.id, price=Decimal(102))
    floor.fill_all()
    assert floor.executed == WANTED


async def test_what_was_cut_before_its_answer_was_cut_off_is_not_cancelled(oversized, orders):
    """A PUT is sent again over a connection that broke: the venue refuses the second one."""
    manager, floor, new = oversized
    once = floor.amend

    async def twice(order, quantity):
        await once(order, quantity)
        return await once(order, quantity)

    floor.amend = twice
    await manager.excess.cut_all()
    after = await orders.get(new.id)
    assert (after.status, after.request.quantity) == (S.NEW, Decimal("1.25"))


async def test_of_a_venue_that_is_silent_the_order_is_told_as_it_was(make, orders, clock):
    floor = Floor(clock, meanwhile=Decimal("0.25"), lost={2})
    manager = make(floor)
    order = await partly_filled(manager, floor)

    async def silent(_):
        raise Unreachable("down")

    floor.find, find = silent, floor.find
    new = await manager.modify(order.id, price=HIGHER)
    assert new.request.quantity == Decimal("1.5")
    floor.find = find
    await manager.excess.cut_all()
    assert (await orders.get(new.id)).request.quantity == Decimal("1.25")
    assert floor.calls == 2


async def test_an_order_of_the_right_size_is_modified_as_it_is(make, orders, clock):
    """One of a time when the total was not kept, too."""
    floor = Floor(clock, meanwhile=Decimal(0))
    manager = make(floor)
    order = await partly_filled(manager, floor)
    for price in (101, 102, 103):
        order = await manager.modify(order.id, price=Decimal(price))
        orders.rows[order.id] = replace(order, wanted_in_all=None if price == 102 else WANTED)
    assert order.request.quantity == WANTED - KNOWN
    assert [row["status"] for row in floor.rows.values()] == [S.CANCELED] * 3 + [S.NEW]


@pytest.mark.parametrize("failures", [0, 1], ids=["with a pass", "without one"])
async def test_what_is_too_large_is_cut_with_every_round(
    oversized, orders, both, records, done, clock, failures
):
    _, _, new = oversized
    records.failures = [Unreachable("down")] * failures
    both()
    await clock.advance(1)
    assert len(done.rows) == 1 - failures
    assert (await orders.get(new.id)).request.quantity == Decimal("1.25")


async def test_a_pass_that_was_asked_for_ends_with_orders_of_the_right_size(
    oversized, orders, reconciler
):
    _, _, new = oversized
    await reconciler.reconcile()
    assert (await orders.get(new.id)).request.quantity == Decimal("1.25")
