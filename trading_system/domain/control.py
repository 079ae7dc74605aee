"""Whether this program may trade at all, and who said so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ControlState(StrEnum):
    """PAUSED takes no new orders; KILLED cancels everything and takes none until armed again."""

    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    KILLED = "KILLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlEntry:
    """One decision: the state from then on, who wanted it and why.

    `flatten`, of a kill alone: positions are closed as well.
    """

    state: ControlState
    reason: str
    who: str
    at: datetime
    flatten: bool = False
