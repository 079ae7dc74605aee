"""Datetimes in Python, integer milliseconds in the database; exact both ways."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def to_milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970; what is finer than that is cut off."""
    return (moment - _EPOCH) // _MILLISECOND


def to_datetime(milliseconds: int) -> datetime:
    """The aware UTC moment of these milliseconds since 1970."""
    return _EPOCH + milliseconds * _MILLISECOND
