"""That a venue answers, or does not, is told once; why is kept up to date."""

from __future__ import annotations

import pytest

from trading_system.exchange.reachability import Reachability


@pytest.fixture
def told():
    return []


@pytest.fixture
def reachability(clock, told):
    return Reachability(clock, told.append)


def test_before_it_was_asked_nothing_is_known(reachability, told):
    assert (reachability.status.reachable, reachability.status.detail) == (False, "not asked yet")
    assert told == []


async def test_a_change_is_told_once_with_its_reason(reachability, told, clock):
    reachability.answered()
    reachability.answered()
    await clock.advance(5)
    reachability.failed("no route")
    reachability.failed("no route")
    assert [(each.part, each.state, each.detail) for each in told] == [
        ("venue", "reachable", ""),
        ("venue", "unreachable", "no route"),
    ]
    assert reachability.status.since == clock.now()


async def test_another_reason_is_kept_and_begins_no_new_time(reachability, told, clock):
    reachability.answered()
    since = reachability.status.since
    await clock.advance(5)
    reachability.answered("told to wait 3 s")
    assert (reachability.status.since, reachability.status.detail) == (since, "told to wait 3 s")
    assert len(told) == 1
