"""An order in doubt is asked about at once, however long everything else takes to be read."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.conftest import settle
from tests.fakes.account import FakeRecords
from tests.fakes.execution import FakeTrading
from trading_system.domain.errors import OutcomeUnknown, StorageError, Unreachable
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import OrderRequest, OrderStatus, OrderType, Side
from trading_system.domain.reports import VenueOrder

S = OrderStatus
BTC = Symbol("BTC", "USDT")
REQUEST = OrderRequest(symbol=BTC, side=Side.BUY, type=OrderType.LIMIT, quantity=Decimal(2))


class SlowRecords(FakeRecords):
    """Lists that were read when asked for, and are told when `told` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.told = asyncio.Event()

    async def open_orders(self):
        shown = await super().open_orders()
        await self.told.wait()
        return shown


@pytest.fixture
def background():
    return SlowRecords()


@pytest.fixture
def listed_as(says, clock):
    """The order as the venue's list of open ones has it."""

    def build(order, number="77"):
        return VenueOrder(
            symbol=BTC,
            side="BUY",
            type="LIMIT",
            time_in_force="GTC",
            quantity=Decimal(2),
            quote_quantity=None,
            price=None,
            stop_price=None,
            created_at=clock.now(),
            report=replace(says("NEW", source="reconciler")(order), venue_order_id=number),
        )

    return build


@pytest.fixture
async def passing(both, pushed, clock):
    """The first pass is done, and the next one is reading its lists, which will take it long."""
    pushed.up = True
    both()
    await clock.advance(300)


async def test_an_order_that_is_in_doubt_during_a_pass_is_asked_about_before_it_ends(
    passing, submit, trading, orders, says, done, clock
):
    trading.answers.extend([OutcomeUnknown("timeout"), says("FILLED", "2", fills=("t1", "t2"))])
    order = await submit()
    await clock.advance(5)
    assert (await orders.get(order.id)).status is S.FILLED
    assert len(done.rows) == 1


async def test_no_order_in_doubt_waits_for_those_that_rest(
    both, submit, trading, orders, look_ups, says, clock
):
    look_ups._background = FakeTrading(
        answers=deque([asyncio.get_running_loop().create_future()])  # never answered
    )
    trading.answers.append(says("NEW"))
    resting = await submit()
    both()
    await clock.advance(6)
    assert look_ups._background.sent == [("find", resting.client_order_id)]
    trading.answers.extend([OutcomeUnknown("timeout"), says("NEW", source="lookup")])
    unknown = await submit()
    await clock.advance(5)
    assert (await orders.get(unknown.id)).status is S.NEW


@pytest.fixture
async def cancelling(both, manager, pushed, background, submit, trading, says, listed_as, clock):
    """An order as a list showed it that is still being read, and a cancel without an answer."""
    pushed.up = True
    trading.answers.append(says("NEW"))
    order = await submit()
    trading.answers.append(says("NEW", source="lookup"))  # to the first pass
    both()
    background.open.append(listed_as(order))
    await clock.advance(300)
    trading.answers.append(OutcomeUnknown("timeout"))
    with pytest.raises(OutcomeUnknown):
        await manager.cancel(order.id)
    return order


@pytest.mark.parametrize("settled", ["FILLED", "CANCELED"])
async def test_a_list_from_before_takes_back_nothing_that_a_look_up_settled(
    cancelling, background, trading, orders, says, done, clock, settled
):
    trading.answers.append(says(settled, "2", fills=("t1", "t2")))
    await clock.advance(5)
    assert (await orders.get(cancelling.id)).status == settled
    background.told.set()
    await clock.advance(1)
    after = await orders.get(cancelling.id)
    assert (after.status, after.executed_quantity) == (settled, 2)
    assert len(done.rows) == 2


async def test_a_list_from_before_our_cancel_does_not_end_the_doubt(
    cancelling, background, trading, orders, says, done, clock
):
    """It would count as resting, and be asked about no more while pushes arrive."""
    trading.answers.append(Unreachable("down"))  # to the pass, once its list is booked
    background.told.set()
    await clock.advance(4)
    assert len(done.rows) == 2
    assert (await orders.get(cancelling.id)).status is S.PENDING_CANCEL
    trading.answers.append(says("CANCELED"))
    await clock.advance(5)
    assert (await orders.get(cancelling.id)).status is S.CANCELED


async def test_what_rests_is_none_of_its_business(doubts, submit, trading, says):
    trading.answers.extend([says("NEW"), says("PENDING_NEW")])
    await submit()
    assert (await submit()).is_waiting
    assert await doubts.all() == []
    assert await doubts.ask() == (0, 0)
    assert [call for call, _ in trading.sent] == ["place"] * 2


@pytest.fixture
async def many(submit, trading):
    """More orders in doubt than are asked about one by one."""
    trading.answers.extend([OutcomeUnknown("timeout")] * 21)
    return [await submit() for _ in range(21)]


@pytest.fixture
async def looking(doubts):
    """Call it to have look-ups alone go on until the test ends."""
    tasks = []
    yield lambda: tasks.append(asyncio.create_task(doubts.run()))
    for task in tasks:
        assert not task.done()
        task.cancel()


async def test_many_are_found_in_one_list_and_only_the_others_asked_about(
    many, looking, records, trading, orders, listed_as, clock
):
    records.open = [listed_as(each, str(number)) for number, each in enumerate(many[1:])]
    trading.sent.clear()
    looking()
    await clock.advance(1)
    assert records.asked == [("open_orders",)]
    assert trading.sent == [("find", many[0].client_order_id)]
    statuses = [(await orders.get(each.id)).status for each in many]
    assert statuses == [S.UNKNOWN] + [S.NEW] * 20


async def test_where_the_list_cannot_be_read_each_is_asked_about(
    many, looking, records, trading, orders, says, clock
):
    records.failures.append(Unreachable("down"))
    for number in range(21):
        trading.answers.append(
            lambda order, n=number: replace(says("NEW")(order), venue_order_id=str(n))
        )
    looking()
    await clock.advance(1)
    assert {(await orders.get(each.id)).status for each in many} == {S.NEW}


async def test_a_database_that_fails_for_a_while_does_not_end_it(
    looking, submit, trading, orders, says, clock
):
    real, failures = orders.all, [StorageError("locked")]

    async def locked(**wanted):
        if failures:
            raise failures.pop()
        return await real(**wanted)

    orders.all = locked
    trading.answers.extend([OutcomeUnknown("timeout"), says("FILLED", "2")])
    order = await submit()
    looking()
    await clock.advance(1)
    assert (await orders.get(order.id)).status is S.UNKNOWN
    await clock.advance(5)
    assert (await orders.get(order.id)).status is S.FILLED


async def test_whoever_asks_at_the_same_time_takes_turns(doubts, submit, trading, says):
    """The second finds nothing in doubt any more."""
    answer = asyncio.get_running_loop().create_future()
    trading.answers.extend([OutcomeUnknown("timeout"), answer])
    await submit()
    asking = asyncio.gather(doubts.ask(), doubts.ask())
    await settle()
    answer.set_result(says("FILLED", "2"))
    assert await asking == [(1, 1), (0, 0)]
