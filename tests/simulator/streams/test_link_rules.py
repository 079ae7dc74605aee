from __future__ import annotations

import pytest

from trading_system.simulator.link_rules import Attempts, Due, LinkRules, Pulse

DAY = 24 * 3600.0


@pytest.fixture
def pulse():
    return Pulse(LinkRules(), now=100.0)


def test_a_ping_is_due_every_twenty_seconds(pulse) -> None:
    assert pulse.due(119.9) is Due.NOTHING
    assert (pulse.next(), pulse.due(120.0)) == (120.0, Due.PING)
    pulse.pinged(b"1", 120.5)
    assert pulse.due(140.4) is Due.NOTHING
    assert pulse.due(140.5) is Due.PING


def test_an_unanswered_ping_ends_it_after_sixty_seconds(pulse) -> None:
    for now in (120.0, 140.0, 160.0):
        pulse.pinged(str(now).encode(), now)
    pulse.heard(170.0)
    assert pulse.due(179.9) is Due.NOTHING
    assert (pulse.next(), pulse.due(180.0)) == (180.0, Due.NO_PONG)


def test_a_pong_answers_its_ping_and_those_before_it(pulse) -> None:
    pulse.pinged(b"1", 120.0)
    pulse.pinged(b"2", 140.0)
    pulse.pinged(b"3", 160.0)
    pulse.ponged(b"2")
    assert pulse.due(179.9) is Due.NOTHING
    assert pulse.due(180.0) is Due.PING
    pulse.pinged(b"4", 180.0)
    assert pulse.due(220.0) is Due.NO_PONG  # the third


def test_an_unsolicited_pong_counts_for_nothing(pulse) -> None:
    pulse.pinged(b"1", 120.0)
    pulse.ponged(b"")
    pulse.ponged(b"2")
    assert pulse.due(180.0) is Due.NO_PONG


def test_it_lives_for_a_day(pulse) -> None:
    now = 100.0
    while now + 20 < 100.0 + DAY:
        now += 20
        payload = str(now).encode()
        pulse.pinged(payload, now)
        pulse.ponged(payload)
    assert pulse.due(100.0 + DAY - 0.1) is Due.NOTHING
    assert (pulse.next(), pulse.due(100.0 + DAY)) == (100.0 + DAY, Due.TOO_OLD)


def test_a_rest_forgives_what_was_not_answered(pulse) -> None:
    pulse.pinged(b"1", 120.0)
    pulse.rest(175.0)
    assert pulse.due(194.9) is Due.NOTHING
    assert pulse.due(195.0) is Due.PING


@pytest.mark.parametrize(
    ("times", "allowed"),
    [
        ([0.0] * 5, True),
        ([0.0] * 6, False),
        ([0.0, 0.2, 0.4, 0.6, 0.8, 0.99], False),
        ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], True),
        ([0.9, 0.9, 0.9, 1.1, 1.1, 1.1], False),  # whatever the clock strikes in between
        ([n * 0.2 for n in range(100)], True),
    ],
)
def test_five_messages_are_heard_in_any_second(pulse, times, allowed) -> None:
    heard = [pulse.heard(200 + time) for time in times]
    assert all(heard) is allowed
    assert all(heard[:-1])


def test_everything_is_faster_where_time_is() -> None:
    rules = LinkRules().sped_up(60)
    pulse = Pulse(rules, now=0.0)
    assert pulse.due(20 / 60) is Due.PING
    pulse.pinged(b"1", 20 / 60)
    assert pulse.due(81 / 60) is Due.NO_PONG
    assert Pulse(rules, now=0.0).due(24 * 60.0) is Due.TOO_OLD
    assert rules.most_waiting == LinkRules().most_waiting


def test_300_attempts_are_let_in_within_five_minutes_from_each_address() -> None:
    attempts = Attempts(LinkRules())
    assert all(attempts.admit("a", k / 3) for k in range(300))
    assert not attempts.admit("a", 100.0)
    assert attempts.admit("b", 100.0)
    assert attempts.seconds_left("a", 100.0) == 200.0
    assert attempts.admit("a", 400.0)
