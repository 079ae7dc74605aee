"""The queue before the venue: who goes first, who is told to come back, and who gave up."""

from __future__ import annotations

import asyncio

import pytest

from tests.conftest import settle
from trading_system.domain.errors import RateLimited
from trading_system.exchange.admission import Admission
from trading_system.resilience.limiter import Limiter
from trading_system.resilience.limits import (
    ORDERS_PER_10_SECONDS,
    ORDERS_PER_DAY,
    WEIGHT_PER_MINUTE,
    Cost,
    Kind,
    Priority,
)

BACKFILL, CANDLES, ORDERS = Priority.BACKFILL, Priority.CANDLES, Priority.ORDERS
ORDER = Cost(1, 1)
DATA = Cost(1)


@pytest.fixture
def limiter():
    limiter = Limiter({WEIGHT_PER_MINUTE: 20, ORDERS_PER_10_SECONDS: 2, ORDERS_PER_DAY: 4})
    limiter.uncertainty = 0
    return limiter


@pytest.fixture
async def queue(limiter, clock):
    """Ask for admission under a name; `through` lists who got it, in order."""
    admission = Admission(limiter, clock, clock.milliseconds)

    class Queue:
        def __init__(self):
            self.through, self.tasks, self.admission = [], {}, admission

        async def asks(self, name, cost=DATA, priority=CANDLES):
            async def enter():
                grant = await admission.enter(cost, priority)
                self.through.append(name)
                limiter.settle(grant, clock.milliseconds(), confirmed={})

            self.tasks[name] = asyncio.create_task(enter())
            await settle()

    queue = Queue()
    yield queue
    admission.close()
    for task in queue.tasks.values():
        task.cancel()
    await asyncio.gather(*queue.tasks.values(), return_exceptions=True)


async def test_while_there_is_room_nobody_waits(queue):
    await queue.asks("a")
    assert queue.through == ["a"]


async def test_who_waits_goes_by_priority_and_then_in_turn(queue, clock):
    await queue.asks("filler", Cost(20), ORDERS)
    for name, priority in [("b1", BACKFILL), ("c1", CANDLES), ("b2", BACKFILL), ("c2", CANDLES)]:
        await queue.asks(name, priority=priority)
    await queue.asks("order", ORDER, ORDERS)
    await queue.asks("cancel", priority=ORDERS)
    assert queue.admission.waiting(Kind.WEIGHT) == 6
    assert queue.admission.waiting(Kind.ORDERS) == 1
    await clock.advance(30)
    assert queue.through == ["filler", "cancel", "order", "c1", "c2", "b1", "b2"]


async def test_a_full_window_of_orders_keeps_nothing_else_waiting(queue, clock):
    for number in range(3):
        await queue.asks(f"order {number}", ORDER, ORDERS)
    await queue.asks("cancel", priority=ORDERS)
    await queue.asks("candles")
    assert queue.through == ["order 0", "order 1", "cancel", "candles"]
    await clock.advance(10)
    assert queue.through[-1] == "order 2"


async def test_whose_wait_is_shorter_is_let_through_earlier(queue, clock):
    await queue.asks("filler", Cost(19), ORDERS)
    await queue.asks("candles")
    for number in range(3):
        await queue.asks(f"order {number}", Cost(0, 1), ORDERS)
    await clock.advance(10)
    assert queue.through == ["filler", "order 0", "order 1", "order 2"]
    await clock.advance(20)
    assert queue.through[-1] == "candles"


async def test_nobody_overtakes_who_waits_for_more(queue, clock):
    await queue.asks("filler", Cost(15), ORDERS)
    await queue.asks("large", Cost(6), ORDERS)
    await queue.asks("small", Cost(1), CANDLES)
    assert queue.through == ["filler"]
    await clock.advance(30)
    assert queue.through == ["filler", "large", "small"]


async def test_what_teaches_the_limits_waits_behind_nobody(queue):
    await queue.asks("first", Cost(10), ORDERS)
    await queue.asks("waiting", Cost(15), ORDERS)
    await queue.asks("behind", Cost(1), ORDERS)
    await queue.asks("teaching", Cost(1, teaches=True), ORDERS)
    assert queue.through == ["first", "teaching"]


async def test_what_becomes_free_lets_the_next_through_at_once(queue, limiter, clock):
    grant = await queue.admission.enter(Cost(20), ORDERS)
    await queue.asks("a", Cost(15))
    await queue.asks("b", Cost(6))
    assert queue.through == []
    queue.admission.withdraw(grant)
    await settle()
    assert queue.through == ["a"], "one, not everybody"


async def test_who_gives_up_makes_room(queue, clock):
    await queue.asks("filler", Cost(20), ORDERS)
    await queue.asks("large", Cost(19), CANDLES)
    await queue.asks("small", Cost(1), CANDLES)
    queue.tasks["large"].cancel()
    await settle()
    assert queue.admission.waiting(Kind.WEIGHT) == 1
    await clock.advance(30)
    assert queue.through == ["filler", "small"]


async def test_who_gives_up_in_the_moment_of_being_let_through_gives_it_back(queue, limiter, clock):
    grant = await queue.admission.enter(Cost(20), ORDERS)
    await queue.asks("a", Cost(20), ORDERS)
    queue.admission.withdraw(grant)
    queue.tasks["a"].cancel()
    await settle()
    assert queue.through == []
    assert [used for *_, used in limiter.uses(clock.milliseconds())] == [0, 0, 0]


async def test_who_gives_up_in_the_moment_of_being_refused_has_given_up(queue, limiter, clock):
    await queue.asks("filler", Cost(20), ORDERS)
    await queue.asks("a")
    limiter.ban(clock.milliseconds() + 600_000, clock.milliseconds())
    queue.admission.go_on()
    queue.tasks["a"].cancel()
    await settle()
    assert queue.tasks["a"].cancelled()


async def test_an_order_too_many_for_today_is_told_at_once(queue, clock):
    for number in range(4):
        await queue.asks(f"order {number}", ORDER, ORDERS)
        await clock.advance(10)
    with pytest.raises(RateLimited) as limited:
        await queue.admission.enter(ORDER, ORDERS)
    assert limited.value.retry_after > 3_600
    await queue.asks("cancel", priority=ORDERS)
    assert queue.through[-1] == "cancel"


async def test_so_is_one_that_was_waiting_already(queue, clock):
    for number in range(2):
        await queue.asks(f"order {number}", ORDER, ORDERS)
    await clock.advance(10)
    for number in range(2, 5):
        await queue.asks(f"order {number}", ORDER, ORDERS)
    await clock.advance(10)
    with pytest.raises(RateLimited):
        await queue.tasks["order 4"]


async def test_a_ban_that_begins_while_somebody_waits_is_obeyed_in_the_same_order(
    queue, limiter, clock
):
    await queue.asks("filler", Cost(20), ORDERS)
    await queue.asks("b", priority=BACKFILL)
    await queue.asks("c", priority=CANDLES)
    limiter.ban(clock.milliseconds() + 50_000, clock.milliseconds())
    await clock.advance(49)
    assert queue.through == ["filler"]
    await clock.advance(2)
    assert queue.through == ["filler", "c", "b"]
