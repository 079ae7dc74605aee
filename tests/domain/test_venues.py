"""What is told of the way to a venue says nothing that was not said."""

from __future__ import annotations

from datetime import UTC, datetime

from trading_system.domain.venues import BreakerStatus, LimitUse, StreamStatus

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_stream_of_which_nothing_came_has_no_lags_and_shares_none_with_another() -> None:
    first, second = (
        StreamStatus(
            role="user",
            state="connecting",
            since=NOON,
            url="ws://here",
            connects=0,
            messages=0,
            dropped=0,
            last_message_age_ms=None,
            lag_ms=None,
        )
        for _ in range(2)
    )
    assert first == second
    assert first.streams == {}
    assert first.streams is not second.streams


def test_nobody_waits_and_nothing_rests_unless_it_is_said() -> None:
    assert LimitUse(kind="weight", seconds=60, limit=6000, used=1).waiting == 0
    closed = BreakerStatus(group="trading", state="closed", failures=0, opened=0)
    assert closed.retry_at is None
