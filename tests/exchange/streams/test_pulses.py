"""What is tried when a stream that should always speak does not."""

from __future__ import annotations

import pytest

from trading_system.exchange.streams.pulses import Finding, Pulses

NOTHING = Finding()
AGAIN = Finding(subscribe_again=frozenset({"a"}))
RENEW = Finding(renew=frozenset({"a"}))
BACK = Finding(recovered={"a": 0})


@pytest.mark.parametrize(
    ("looks", "findings"),
    [
        pytest.param([(0, 9), (0, 10)], [NOTHING, AGAIN], id="subscribed again when silent"),
        pytest.param(
            [(0, 10), (0, 19), (0, 20), (0, 999)],
            [AGAIN, NOTHING, RENEW, NOTHING],
            id="then renewed once, then left alone",
        ),
        pytest.param(
            [(0, 10), (11, 12), (11, 20), (11, 21)],
            [AGAIN, BACK, NOTHING, AGAIN],
            id="told when it speaks again, and watched anew",
        ),
        pytest.param(
            [(0, 10), (0, 20), (25, 26)],
            [AGAIN, RENEW, BACK],
            id="even after everything was tried",
        ),
        pytest.param(
            [(0, 10), (0, 20), (35, 36), (35, 54), (35, 55), (56, 57), (56, 66)],
            [AGAIN, RENEW, BACK, NOTHING, AGAIN, Finding(recovered={"a": 35}), AGAIN],
            id="given more time when it spoke by itself, until a try has helped",
        ),
    ],
)
def test_a_silent_stream(looks, findings):
    pulses = Pulses(10.0)
    assert [pulses.check({"a": heard}, now) for heard, now in looks] == findings


def test_a_stream_that_is_not_carried_any_more_is_forgotten():
    pulses = Pulses(10.0)
    assert pulses.check({"a": 0}, 10) == AGAIN
    assert pulses.check({}, 11) == NOTHING
    assert not pulses
    assert pulses.check({"a": 0}, 12) == AGAIN


def test_a_new_connection_begins_anew():
    pulses = Pulses(10.0)
    pulses.check({"a": 0}, 10)
    pulses.forget()
    assert pulses.check({"a": 0}, 11) == AGAIN
