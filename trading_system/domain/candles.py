"""Minute candles and half-open spans of time, both in integer milliseconds UTC.

Candles decide and never trade, so they are float64 from the moment they are read: every text of
up to 15 significant digits survives float64 unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

MINUTE = 60_000
"""Milliseconds in a minute."""


class Candle(NamedTuple):
    """One closed one-minute candle; `open_time` in ms UTC, prices in quote, volume in base."""

    open_time: int
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The minutes from `start` up to but not including `end`, both ms UTC on whole minutes."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if self.start % MINUTE or self.end % MINUTE or self.end < self.start:
            raise ValueError(f"no span of whole minutes: {self.start} .. {self.end}")

    @property
    def minutes(self) -> int:
        """How many one-minute candles fit."""
        return (self.end - self.start) // MINUTE


def floor_minute(milliseconds: int) -> int:
    """The start of the minute that holds this instant."""
    return milliseconds - milliseconds % MINUTE
