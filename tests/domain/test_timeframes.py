"""Timeframes and where their candles begin."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.domain.candles import MINUTE
from trading_system.domain.errors import InvalidRequest
from trading_system.domain.timeframes import Timeframe


@pytest.mark.parametrize(
    ("name", "minutes"), [("1m", 1), ("15m", 15), ("4h", 240), ("1d", 1440), ("1w", 10_080)]
)
def test_a_timeframe_knows_its_length(name, minutes) -> None:
    assert Timeframe.parse(name).length == minutes * MINUTE


@pytest.mark.parametrize("name", ["", "m", "0m", "1x", "-1h", "1.5h", "99999m", "1M", "h1"])
def test_what_is_no_timeframe_is_refused_with_examples(name) -> None:
    with pytest.raises(InvalidRequest, match="write it like 1m"):
        Timeframe.parse(name)


def test_weeks_begin_on_monday() -> None:
    opened = Timeframe.parse("1w").floor(1_767_225_600_000)  # Thursday 2026-01-01
    assert datetime.fromtimestamp(opened / 1000, UTC) == datetime(2025, 12, 29, tzinfo=UTC)


@given(
    st.integers(0, 4_000_000_000_000), st.sampled_from(["1m", "7m", "1h", "4h", "1d", "3d", "1w"])
)
def test_an_instant_lies_inside_its_candle(instant, name) -> None:
    timeframe = Timeframe.parse(name)
    opened = timeframe.floor(instant)
    assert opened <= instant < opened + timeframe.length
    assert timeframe.floor(opened) == opened
