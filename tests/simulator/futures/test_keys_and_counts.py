"""Listen keys and the count of orders: arithmetic over a clock that is passed in."""

from __future__ import annotations

import pytest

from trading_system.simulator.futures.listen_keys import VALID, ListenKeys
from trading_system.simulator.futures.order_counts import OrderCounts
from trading_system.simulator.limits import TooMuch
from trading_system.simulator.model import Refused

NOON = 1_767_614_400_250


def test_a_key_is_valid_for_an_hour_from_the_last_keep_alive():
    keys = ListenKeys()
    key = keys.start("ann", NOON)
    assert len(key) == 64
    assert keys.account(key, NOON + VALID - 1) == "ann"
    assert keys.account(key, NOON + VALID) is None
    assert keys.extend("ann", NOON + VALID - 1) == key
    assert keys.account(key, NOON + 2 * VALID - 2) == "ann"
    assert keys.start("ann", NOON + VALID) == key


def test_a_new_key_follows_one_that_has_expired():
    keys = ListenKeys()
    key = keys.start("ann", NOON)
    with pytest.raises(Refused) as caught:
        keys.extend("ann", NOON + VALID)
    assert caught.value.code == -1125
    assert keys.start("ann", NOON + VALID) != key


def test_an_expired_key_is_told_once():
    keys = ListenKeys()
    key = keys.start("ann", NOON)
    other = keys.start("bob", NOON + 1)
    assert keys.expired(NOON + VALID - 1) == []
    assert keys.expired(NOON + VALID) == [key]
    assert keys.expired(NOON + VALID) == []
    assert keys.account(other, NOON + VALID) == "bob"


def test_a_key_that_is_ended_is_nobodys_and_ending_none_is_no_error():
    keys = ListenKeys()
    key = keys.start("ann", NOON)
    keys.end("ann")
    keys.end("ann")
    assert keys.account(key, NOON) is None


def test_orders_are_counted_by_account_in_slots_of_the_clock():
    counts = OrderCounts()
    for _ in range(3):
        counts.add("ann", NOON)
    assert counts.at("ann", NOON) == (3, 3)
    assert counts.at("bob", NOON) == (0, 0)
    counts.add("ann", NOON + 10_000)
    assert counts.at("ann", NOON + 10_000) == (1, 4)
    assert counts.at("ann", NOON + 60_000) == (0, 0)


@pytest.mark.parametrize(
    ("orders", "waits", "message", "retry_after"),
    [
        (300, 0, "current limit is 300 orders per 10 SECOND.", 10),
        (1_200, 10_000, "current limit is 1200 orders per 1 MINUTE.", 20),
    ],
)
def test_one_order_too_many_is_refused_until_the_slot_is_over(orders, waits, message, retry_after):
    counts, now = OrderCounts(), NOON
    for number in range(orders):
        now = NOON + number // 300 * waits
        counts.require("ann", now)
        counts.add("ann", now)
    now = NOON + orders // 300 * waits
    with pytest.raises(TooMuch) as caught:
        counts.require("ann", now)
    assert (caught.value.code, caught.value.status) == (-1015, 429)
    assert caught.value.message == f"Too many new orders; {message}"
    assert caught.value.retry_after == retry_after
    counts.require("ann", now + retry_after * 1_000)
