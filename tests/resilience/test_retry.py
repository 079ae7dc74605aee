"""Backoff as arithmetic."""

from __future__ import annotations

from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from trading_system.resilience.retry import Backoff, RetryPolicy

firsts, caps, jitters = st.floats(0.1, 10), st.floats(1, 100), st.floats(0, 1)


def test_pauses_double_up_to_the_cap() -> None:
    policy = RetryPolicy(attempts=7, first=1, cap=10, jitter=0)
    assert list(policy.delays()) == [1, 2, 4, 8, 10, 10]


@given(st.integers(1, 20), firsts, caps, jitters, st.integers())
def test_jitter_only_shortens_and_the_cap_holds(attempts, first, cap, jitter, seed) -> None:
    policy = RetryPolicy(attempts=attempts, first=first, cap=cap, jitter=jitter)
    plain = RetryPolicy(attempts=attempts, first=first, cap=cap, jitter=0)
    delays = list(policy.delays(seed))
    assert len(delays) == attempts - 1
    for delay, full in zip(delays, plain.delays(), strict=True):
        assert full * (1 - jitter) <= delay <= full <= cap
    assert delays == list(policy.delays(seed))


@given(firsts, caps, jitters, st.integers())
def test_without_an_end_they_begin_the_same_and_stay_at_the_cap(first, cap, jitter, seed) -> None:
    policy = RetryPolicy(attempts=9, first=first, cap=cap, jitter=jitter)
    many = list(islice(policy.endless(seed), 3_000))
    assert many[:8] == list(policy.delays(seed))
    assert all(0 <= delay <= cap for delay in many)


def test_a_stream_waits_longer_each_time_until_it_works() -> None:
    backoff = Backoff(RetryPolicy(cap=30, jitter=0))
    assert [backoff.next() for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    backoff.reset()
    assert backoff.next() == 1


def test_what_the_venue_tells_to_wait_is_at_least_waited_for() -> None:
    backoff = Backoff(RetryPolicy(jitter=0))
    assert backoff.next(told=20) == 20
    assert backoff.next(told=1.5) == 2
