"""What waits between the socket and its handlers."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.exchange.stream_buffer import StreamBuffer

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
    buffer, handled, seen = StreamBuffer(10_000), [], []
    draining = asyncio.create_task(buffer.drain(handled.append))
    for number in range(1_000):
        buffer.put(number, passing=False)
    while len(handled) < 1_000:
        await asyncio.sleep(0)
        seen.append(len(handled))
    assert max(after - before for before, after in zip([0, *seen], seen, strict=False)) <= 50
    buffer.put(1_000, passing=False)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert handled == list(range(1_001))
    draining.cancel()
