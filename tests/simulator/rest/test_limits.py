from __future__ import annotations

import pytest

from trading_system.simulator.limits import (
    Limits,
    LimitSettings,
    TooMuch,
    order_limits,
    rate_limits,
)

MINUTE = 60_000
DAY = 1_440 * MINUTE
NOON = 1_767_614_400_000
HERE = "127.0.0.1"


def limits(**settings):
    return Limits(LimitSettings(**settings))


def refusal(call, *args):
    with pytest.raises(TooMuch) as caught:
        call(*args)
    return caught.value


def test_weight_is_counted_by_minute_of_the_clock_and_by_address():
    counts = limits(weight_per_minute=10)
    counts.charge(HERE, 10, NOON + MINUTE - 1)
    counts.charge("10.0.0.1", 10, NOON + MINUTE - 1)
    assert counts.used(HERE, NOON + MINUTE - 1) == 10
    assert counts.used(HERE, NOON + MINUTE) == 0
    counts.charge(HERE, 10, NOON + MINUTE)


def test_too_much_weight_is_refused_until_the_minute_is_over():
    counts = limits(weight_per_minute=10)
    counts.charge(HERE, 10, NOON)
    refused = refusal(counts.charge, HERE, 1, NOON + 29_001)
    assert (refused.status, refused.code, refused.retry_after) == (429, -1003, 31)
    assert refused.message == (
        "Too much request weight used; current limit is 10 request weight per 1 MINUTE. "
        "Please use WebSocket Streams for live updates to avoid polling the API."
    )
    assert refusal(counts.admit, HERE, NOON + 30_000).code == -1003
    counts.admit(HERE, NOON + MINUTE)


def test_weight_added_afterwards_refuses_only_the_next_request():
    counts = limits(weight_per_minute=10)
    counts.add(HERE, 11, NOON)
    assert refusal(counts.admit, HERE, NOON).status == 429


def test_raw_requests_are_counted_over_five_minutes():
    counts = limits(raw_requests_per_5_minutes=2)
    counts.admit(HERE, NOON)
    counts.admit(HERE, NOON + 4 * MINUTE)
    refused = refusal(counts.admit, HERE, NOON + 4 * MINUTE + 1)
    assert refused.message.startswith(
        "Too many requests; current limit is 2 requests per 5 MINUTE."
    )
    assert refused.retry_after == 60
    counts.admit(HERE, NOON + 5 * MINUTE)


def test_whoever_goes_on_is_banned_each_time_for_twice_as_long():
    counts = limits(weight_per_minute=1, refusals_before_ban=2)
    now = NOON
    for seconds in (120, 240, 480):
        counts.add(HERE, 2, now)
        statuses = [refusal(counts.admit, HERE, now).status for _ in range(3)]
        assert statuses == [429, 429, 418]
        banned = refusal(counts.admit, HERE, now + 1)
        until = now + seconds * 1000
        assert (banned.status, banned.code, banned.retry_after) == (418, -1003, seconds)
        assert banned.message.startswith(
            f"Way too much request weight used; IP banned until {until}."
        )
        counts.admit("10.0.0.1", now)
        counts.admit(HERE, until)
        now = until + MINUTE


def test_no_ban_is_longer_than_three_days():
    counts = limits(weight_per_minute=1, refusals_before_ban=0)
    now = NOON
    for _ in range(20):
        counts.add(HERE, 2, now)
        banned = refusal(counts.admit, HERE, now)
        now += banned.retry_after * 1000 + MINUTE
    assert banned.retry_after == 3 * 86_400


def test_unfilled_orders_are_limited_by_ten_seconds_and_by_day():
    counts = limits(orders_per_10_seconds=2, orders_per_day=3)
    for _ in range(2):
        counts.require_order("ann", NOON)
        counts.count_order("ann", NOON)
    refused = refusal(counts.require_order, "ann", NOON + 3_500)
    assert (refused.status, refused.code, refused.retry_after) == (429, -1015, 7)
    assert refused.message == "Too many new orders; current limit is 2 orders per 10 SECOND."
    counts.require_order("bob", NOON)
    counts.require_order("ann", NOON + 10_000)
    counts.count_order("ann", NOON + 10_000)
    refused = refusal(counts.require_order, "ann", NOON + 20_000)
    assert refused.message == "Too many new orders; current limit is 3 orders per 1 DAY."
    counts.require_order("ann", NOON + DAY)


@pytest.mark.parametrize(("placed", "maker", "left"), [(7, False, 6), (7, True, 2), (3, True, 0)])
def test_a_first_fill_gives_back_and_never_below_zero(placed, maker, left):
    counts = limits()
    for _ in range(placed):
        counts.count_order("ann", NOON)
    counts.give_back("ann", NOON, maker=maker)
    assert counts.orders("ann", NOON) == (left, left)


def test_the_ten_seconds_pass_and_the_day_stays():
    counts = limits()
    counts.count_order("ann", NOON)
    assert counts.orders("ann", NOON + 10_000) == (0, 1)


def test_limits_are_listed_as_the_exchange_lists_them():
    rows = rate_limits(LimitSettings())
    assert [(r["rateLimitType"], r["intervalNum"], r["interval"], r["limit"]) for r in rows] == [
        ("REQUEST_WEIGHT", 1, "MINUTE", 6_000),
        ("ORDERS", 10, "SECOND", 100),
        ("ORDERS", 1, "DAY", 200_000),
        ("RAW_REQUESTS", 5, "MINUTE", 300_000),
    ]
    assert order_limits(LimitSettings()) == rows[1:3]
