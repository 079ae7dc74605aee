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
    buffer = StreamBuffer(capacity)
    expected: list[int] = []
    for number, passing in enumerate(arrivals):
        expected.append(number)
        oldest = next((each for each in expected if arrivals[each]), None)
        full = len(expected) > capacity and oldest is not None
        assert buffer.put(number, passing=passing) == (oldest if full else None)
        if full:
            expected.remove(oldest)
    assert [buffer.take() for _ in range(len(buffer))] == expected
    with pytest.raises(IndexError):
        buffer.take()


async def test_a_burst_leaves_turns_to_others():
    buffer, handled, seen = StreamBuffer(100), [], []

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
