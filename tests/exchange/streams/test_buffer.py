"""What waits between the socket and its handlers."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.exchange.streams.buffer import StreamBuffer

ARRIVALS = st.lists(st.booleans(), max_size=60)


@given(arrivals=ARRIVALS, capacity=st.integers(1, 20))
def test_only_the_oldest_of_what_is_passing_is_dropped_and_the_order_is_kept(arrivals, capacity):
    buffer = StreamBuffer(capacity, limit=1_000)
    expected: list[int] = []
    for number, passing in enumerate(arrivals):
        expected.append(number)
        oldest = next((each for each in expected if arrivals[each]), None)
        full = len(expected) > capacity and oldest is not None
        assert buffer.put(number, passing=passing) == ([oldest] if full else [])
        if full:
            expected.remove(oldest)
    assert [buffer.take() for _ in range(len(buffer))] == expected
    with pytest.raises(IndexError):
        buffer.take()


@given(arrivals=ARRIVALS, capacity=st.integers(1, 5), more=st.integers(0, 20))
def test_it_never_holds_more_than_its_limit_and_tells_all_it_dropped(arrivals, capacity, more):
    buffer = StreamBuffer(capacity, limit=capacity + more)
    dropped: list[int] = []
    for number, passing in enumerate(arrivals):
        lost = buffer.put(number, passing=passing)
        dropped += lost
        assert len(buffer) <= capacity + more
        if any(not arrivals[each] for each in lost):
            assert len(buffer) == 0  # whoever was behind that far begins anew
            assert lost[-1] == number
    kept = [buffer.take() for _ in range(len(buffer))]
    assert sorted(dropped + kept) == list(range(len(arrivals)))


def test_what_must_not_be_lost_is_dropped_all_at_once_above_the_limit():
    buffer = StreamBuffer(1, limit=3)
    assert [buffer.put(number, passing=False) for number in range(5)] == [
        [],
        [],
        [],
        [0, 1, 2, 3],
        [],
    ]
    assert buffer.take() == 4


def test_a_burst_leaves_turns_to_others():
    """On a loop as the program has one: it counts what is computed in full."""
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(burst())


async def burst():
    buffer, handled, seen = StreamBuffer(100, limit=400), [], []

    def handle(item):
        time.sleep(0.002)  # a handler that takes its time
        handled.append(item)

    draining = asyncio.create_task(buffer.drain(handle))
    for number in range(20):
        buffer.put(number, passing=False)
    while len(handled) < 20:
        await asyncio.sleep(0)
        seen.append(len(handled))
    assert max(after - before for before, after in pairwise([0, *seen])) <= 3
    buffer.put(20, passing=False)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert handled == list(range(21))
    draining.cancel()
