"""The named steps of an order's way, told to whoever wants to end the process there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

BEFORE_SAVE: Final = "before save"
AFTER_SAVE: Final = "after save"
BEFORE_SEND: Final = "before send"
ANSWERED: Final = "answered"
AFTER_BOOKING: Final = "after booking"
REPORT_READ: Final = "report read"
REPORT_BOOKED: Final = "report booked"

OnStep = Callable[[str], None]
"""Called with each step just as it is reached."""


def ignore(_: str) -> None:
    """Nobody wants to know."""
