"""Frames that go missing, come twice or in the wrong order.

Each class is one kind of rule: its docstring is what a user is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trading_system.simulator.interference import Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicated:
    """A user event is pushed twice."""

    def instead(self, frame: Frame) -> Sequence[Frame]:
        return (frame, frame)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reordered:
    """A user event is held back and pushed right after the next one of its connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A user event is not pushed."""

    def instead(self, frame: Frame) -> Sequence[Frame]:  # noqa: ARG002
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """Nothing of the matching market streams is sent any more, while pings go on."""

    def instead(self, frame: Frame) -> Sequence[Frame]:  # noqa: ARG002
        return ()
