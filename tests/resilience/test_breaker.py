"""The breaker against a simple model, and its transitions one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.resilience.breaker import Breaker, BreakerPolicy, BreakerState

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN


@pytest.fixture
def changes():
    return []


@pytest.fixture
def breaker(changes):
    return Breaker(BreakerPolicy(), lambda state, reason: changes.append((state, reason)))


def fail(breaker, now, times=1):
    for _ in range(times):
        breaker.failed(breaker.admit(now), now, "down")


def test_it_opens_after_five_failures_in_thirty_seconds(breaker, changes):
    fail(breaker, 0, 4)
    assert (breaker.state, breaker.failures(0), breaker.retry_at) == (CLOSED, 4, None)
    fail(breaker, 29.9)
    assert breaker.state is OPEN
    assert changes == [(OPEN, "down")]
    assert breaker.opened == 1
    assert breaker.retry_at == 89.9


def test_failures_that_are_far_apart_do_not_open_it(breaker):
    for second in range(0, 300, 8):
        fail(breaker, second)
    assert breaker.state is CLOSED


def test_while_it_is_open_nobody_gets_a_permit(breaker):
    fail(breaker, 0, 5)
    assert breaker.admit(59.9) is None


def test_after_the_rest_exactly_one_probe_goes_out(breaker):
    fail(breaker, 0, 5)
    assert breaker.would_admit(60)
    assert breaker.admit(60) is not None
    assert breaker.state is HALF_OPEN
    assert not breaker.would_admit(61)
    assert breaker.admit(1e9) is None


def test_a_probe_that_is_answered_closes_it_with_a_clean_slate(breaker, changes):
    fail(breaker, 0, 5)
    breaker.succeeded(breaker.admit(60))
    assert breaker.state is CLOSED
    assert breaker.failures(60) == 0
    assert [state for state, _ in changes] == [OPEN, HALF_OPEN, CLOSED]


def test_a_probe_that_fails_opens_it_for_another_rest(breaker):
    fail(breaker, 0, 5)
    fail(breaker, 60)
    assert breaker.state is OPEN
    assert breaker.admit(119.9) is None
    assert breaker.admit(120) is not None
    assert breaker.opened == 2


def test_a_probe_that_is_abandoned_leaves_the_next_one_to_somebody_else(breaker):
    fail(breaker, 0, 5)
    breaker.abandoned(breaker.admit(60))
    assert breaker.state is HALF_OPEN
    breaker.succeeded(breaker.admit(60))
    assert breaker.state is CLOSED


@pytest.mark.parametrize("outcome", ["succeeded", "failed", "abandoned"])
def test_an_outcome_from_before_a_change_counts_for_nothing(breaker, outcome):
    late = breaker.admit(0)
    fail(breaker, 0, 5)
    probe = breaker.admit(60)
    arguments = (60, "late") if outcome == "failed" else ()
    getattr(breaker, outcome)(late, *arguments)
    assert breaker.state is HALF_OPEN
    assert breaker.admit(60) is None, "the probe is still out"
    breaker.succeeded(probe)
    assert breaker.state is CLOSED


class Model:
    """The same rules with the whole history kept and nothing clever."""

    def __init__(self, policy):
        self.policy, self.state, self.since = policy, CLOSED, 0.0
        self.failures, self.probe, self.period = [], None, 0

    def turn(self, state, now):
        self.state, self.since, self.failures, self.probe = state, now, [], None
        self.period += 1

    def admit(self, now):
        if self.state is OPEN and now - self.since >= self.policy.rest:
            self.turn(HALF_OPEN, now)
        if self.state is OPEN or self.probe is not None:
            return False
        if self.state is HALF_OPEN:
            self.probe = "out"
        return True

    def end(self, period, outcome, now):
        if period != self.period:
            return
        if outcome == "abandoned":
            self.probe = None
        elif outcome == "succeeded" and self.state is HALF_OPEN:
            self.turn(CLOSED, now)
        elif outcome == "failed":
            self.failures.append(now)
            recent = [at for at in self.failures if now - at < self.policy.within]
            if self.state is HALF_OPEN or len(recent) >= self.policy.failures:
                self.turn(OPEN, now)


steps = st.lists(
    st.tuples(
        st.integers(0, 25),
        st.sampled_from(["ask", "succeeded", "failed", "failed", "abandoned"]),
        st.integers(0, 5),
    ),
    max_size=80,
)


@given(steps)
def test_it_does_what_the_model_does(steps):
    policy = BreakerPolicy(failures=3, within=30, rest=60)
    breaker, model = Breaker(policy, lambda *_: None), Model(policy)
    now, out = 0, []
    for passed, step, which in steps:
        now += passed
        if step == "ask" or not out:
            permit, admitted = breaker.admit(now), model.admit(now)
            assert (permit is not None) == admitted
            if admitted:
                out.append((permit, model.period))
        else:
            permit, period = out.pop(which % len(out))
            arguments = (now, "down") if step == "failed" else ()
            getattr(breaker, step)(permit, *arguments)
            model.end(period, step, now)
        assert breaker.state is model.state
    # Whatever happened, somebody gets through again once everything has ended and time has passed.
    for permit, _ in out:
        breaker.abandoned(permit)
    assert breaker.would_admit(now + 60)
