from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.storage.times import to_datetime, to_milliseconds


@given(st.integers(-(10**12), 10**13))
def test_milliseconds_survive_the_way_there_and_back(milliseconds):
    assert to_milliseconds(to_datetime(milliseconds)) == milliseconds


@pytest.mark.parametrize(
    ("moment", "milliseconds"),
    [
        (datetime(2026, 1, 1, tzinfo=UTC), 1_767_225_600_000),
        (datetime(2026, 1, 1, 0, 0, 0, 1_999, tzinfo=UTC), 1_767_225_600_001),
        (datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), 1_767_225_600_000),
    ],
)
def test_any_zone_counts_and_microseconds_are_cut_off(moment, milliseconds):
    assert to_milliseconds(moment) == milliseconds
