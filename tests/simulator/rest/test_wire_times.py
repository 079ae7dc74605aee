"""Which numbers of an answer are times, and what becomes of them in microseconds."""

from __future__ import annotations

import pytest

from trading_system.simulator.wire_times import in_microseconds

NOON = 1_767_614_400_000


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"time": NOON, "orderId": NOON}, {"time": NOON * 1_000, "orderId": NOON}),
        ({"workingTime": -1, "trailingTime": -1}, {"workingTime": -1, "trailingTime": -1}),
        ({"trailingTime": NOON}, {"trailingTime": NOON * 1_000}),
        ([{"order": {"transactTime": NOON}}], [{"order": {"transactTime": NOON * 1_000}}]),
        # The last ms of a minute becomes its last us; any other moment stays what it is.
        ({"closeTime": NOON - 1}, {"closeTime": NOON * 1_000 - 1}),
        ({"closeTime": NOON}, {"closeTime": NOON * 1_000}),
        (
            [[NOON, *"ohlcv", NOON + 59_999, *"qntu0"]],
            [[NOON * 1_000, *"ohlcv", NOON * 1_000 + 59_999_999, *"qntu0"]],
        ),
        ("time", "time"),
    ],
)
def test_times_are_found_by_their_names(told, expected):
    assert in_microseconds(told) == expected
