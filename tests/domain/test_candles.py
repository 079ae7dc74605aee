"""Spans of whole minutes."""

from __future__ import annotations

import pytest

from trading_system.domain.candles import MINUTE, Span, floor_minute


def test_a_span_counts_its_minutes_without_its_end() -> None:
    assert Span(0, 3 * MINUTE).minutes == 3
    assert Span(MINUTE, MINUTE).minutes == 0


@pytest.mark.parametrize(("start", "end"), [(1, MINUTE), (0, 1), (MINUTE, 0)])
def test_a_span_of_no_whole_minutes_does_not_exist(start, end) -> None:
    with pytest.raises(ValueError, match="no span"):
        Span(start, end)


def test_an_instant_belongs_to_the_minute_it_is_in() -> None:
    assert floor_minute(3 * MINUTE + 59_999) == 3 * MINUTE
    assert floor_minute(3 * MINUTE) == 3 * MINUTE
