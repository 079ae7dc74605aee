"""Backoff as arithmetic."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trading_system.resilience.retry import RetryPolicy


def test_pauses_double_up_to_the_cap() -> None:
    policy = RetryPolicy(attempts=7, first=1, cap=10, jitter=0)
    assert list(policy.delays()) == [1, 2, 4, 8, 10, 10]


@given(st.integers(1, 20), st.floats(0.1, 10), st.floats(1, 100), st.floats(0, 1), st.integers())
def test_jitter_only_shortens_and_the_cap_holds(attempts, first, cap, jitter, seed) -> None:
    policy = RetryPolicy(attempts=attempts, first=first, cap=cap, jitter=jitter)
    plain = RetryPolicy(attempts=attempts, first=first, cap=cap, jitter=0)
    delays = list(policy.delays(seed))
    assert len(delays) == attempts - 1
    assert all(0 <= a <= b <= cap for a, b in zip(delays, plain.delays(), strict=True))
    assert delays == list(policy.delays(seed))
