"""Markets that stand still, vanish, or have a past that is full of holes or changes.

Each class is one kind of rule: its docstring is what a user is told. `shown` carries them out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from trading_system.simulator.mischief.spans import Span

_MINUTE = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """Maintenance: status HALT, orders are refused, nothing is traded; it leaves a hole behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delisted:
    """The symbols are gone from exchangeInfo, calls get -1121 and their streams are silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """Candles are missing: so many minutes from start (ms or ISO 8601), or the last ones."""

    minutes: int = 5
    start: int | str | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for what is no span of time."""
        span(self.minutes, self.start, now=0)


class What(StrEnum):
    """What of a candle is written anew."""

    VOLUME = "volume"
    PRICES = "prices"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """Closed candles change by so many percent: what=volume or what=prices; span as for a hole."""

    minutes: int = 5
    start: int | str | None = None
    what: What = What.VOLUME
    percent: float = 1.0

    def __post_init__(self) -> None:
        """Raise ValueError for what is no span of time, or no change."""
        span(self.minutes, self.start, now=0)
        if not self.percent or self.percent <= -100:  # noqa: PLR2004 -- nothing would be left
            raise ValueError("percent must be above -100 and not 0")

    @property
    def factor(self) -> Decimal:
        """What is multiplied with."""
        return 1 + Decimal(str(self.percent)) / 100


def span(minutes: int, start: int | str | None, *, now: int) -> Span:
    """So many minutes from `start` on, or the last closed ones; ValueError for nonsense."""
    if minutes < 1:
        raise ValueError(f"minutes must be at least 1, not {minutes}")
    if start is None:
        end = now // _MINUTE * _MINUTE
        return Span(end - minutes * _MINUTE, end)
    first = start if isinstance(start, int) else _moment(start)
    first -= first % _MINUTE
    return Span(first, first + minutes * _MINUTE)


def _moment(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"start must be ms UTC or ISO 8601, not {text!r}") from None
    if moment.tzinfo is None:
        raise ValueError(f"start needs a time zone, such as {text}Z")
    return round(moment.timestamp() * 1000)
