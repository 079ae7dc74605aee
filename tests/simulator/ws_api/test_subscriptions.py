from __future__ import annotations

import pytest

from trading_system.simulator.model import Refused
from trading_system.simulator.ws_api.subscriptions import Subscriptions


@pytest.fixture
def subscriptions():
    return Subscriptions()


def refusal(call, *args, **more):
    with pytest.raises(Refused) as caught:
        call(*args, **more)
    return caught.value.code


def test_ids_count_up_and_are_not_used_again(subscriptions):
    assert subscriptions.start("ann", by_logon=True) == 0
    assert subscriptions.start("bob", by_logon=False) == 1
    assert subscriptions.stop(0) == [0]
    assert subscriptions.start("ann", by_logon=True) == 2
    assert list(subscriptions) == [(1, "bob"), (2, "ann")]


@pytest.mark.parametrize("by_logon", [True, False])
def test_an_account_has_one_at_a_time(subscriptions, by_logon):
    subscriptions.start("ann", by_logon=True)
    assert refusal(subscriptions.start, "ann", by_logon=by_logon) == -2035


def test_all_are_stopped_where_none_is_named(subscriptions):
    for account in ("ann", "bob"):
        subscriptions.start(account, by_logon=False)
    assert subscriptions
    assert subscriptions.stop(None) == [0, 1]
    assert not subscriptions


@pytest.mark.parametrize("id_", [None, 1])
def test_what_is_not_active_cannot_be_stopped(subscriptions, id_):
    if id_ is not None:
        subscriptions.start("ann", by_logon=False)
    assert refusal(subscriptions.stop, id_) == -2036
    assert len(list(subscriptions)) == (0 if id_ is None else 1)


def test_a_logout_ends_only_what_the_logon_allowed(subscriptions):
    subscriptions.start("ann", by_logon=True)
    subscriptions.start("bob", by_logon=False)
    assert subscriptions.log_out() == [0]
    assert list(subscriptions) == [(1, "bob")]


def test_a_thousand_may_be_active_and_65535_ever(subscriptions):
    for number in range(1_000):
        subscriptions.start(f"{number}", by_logon=False)
    assert refusal(subscriptions.start, "one more", by_logon=False) == -1191
    subscriptions.stop(None)
    for _ in range(65_535 - 1_000):
        subscriptions.stop(subscriptions.start("ann", by_logon=False))
    assert refusal(subscriptions.start, "ann", by_logon=False) == -2042
