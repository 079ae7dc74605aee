"""Spans of time, ms UTC."""

from __future__ import annotations

from typing import NamedTuple


class Span(NamedTuple):
    """From `start` up to before `end`."""

    start: int
    end: int

    def has(self, time: int) -> bool:
        return self.start <= time < self.end

    def covers(self, first: int, last: int) -> bool:
        """Everything from `first` to `last`, both included."""
        return self.start <= first and last < self.end

    def meets(self, first: int, last: int) -> bool:
        """Anything from `first` to `last`, both included."""
        return first < self.end and self.start <= last
