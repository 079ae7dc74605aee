"""What a venue limits, what a call costs of it, and who may use how much: the limiter's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum, StrEnum
from typing import NamedTuple, Protocol


class Kind(StrEnum):
    """Weight and requests count by address, orders by account."""

    WEIGHT = "weight"
    REQUESTS = "requests"
    ORDERS = "orders"


class Window(NamedTuple):
    """A limited quantity and the length of its clock-aligned window."""

    kind: Kind
    seconds: int


WEIGHT_PER_MINUTE = Window(Kind.WEIGHT, 60)
REQUESTS_PER_5_MINUTES = Window(Kind.REQUESTS, 300)
ORDERS_PER_10_SECONDS = Window(Kind.ORDERS, 10)
ORDERS_PER_DAY = Window(Kind.ORDERS, 86_400)

CAUTIOUS: Mapping[Window, int] = {
    WEIGHT_PER_MINUTE: 1_200,
    REQUESTS_PER_5_MINUTES: 61_000,
    ORDERS_PER_10_SECONDS: 50,
    ORDERS_PER_DAY: 160_000,
}
"""What every venue allows; holds until its own limits have been read."""


class Priority(IntEnum):
    """Whose call it is; the higher go first and may use more of the budget."""

    BACKFILL = 0
    CANDLES = 1
    ORDERS = 2


SHARES: Mapping[Priority, float] = {
    Priority.BACKFILL: 0.80,
    Priority.CANDLES: 0.95,
    Priority.ORDERS: 1.0,
}


class Cost(NamedTuple):
    """What a call costs: request weight, new orders, and requests (it is one itself).

    Of one that `teaches` the answer holds the venue's limits.
    """

    weight: int
    orders: int = 0
    requests: int = 1
    teaches: bool = False


class Grant(NamedTuple):
    """Permission for one call, given at `at` (venue time, ms)."""

    cost: Cost
    at: int


class Use(NamedTuple):
    """What one process knows of a window's `slot` (number of the window since the epoch).

    `confirmed` the venue said, `unsaid` happened since without a word of it, each also of the slot
    before; `pending` is on its way.
    """

    window: Window
    slot: int
    confirmed: int
    unsaid: int
    confirmed_before: int
    unsaid_before: int
    pending: int

    def of(self, slot: int) -> tuple[int, int, int]:
        """Confirmed, unsaid and pending of this slot; what is on its way may arrive in the next."""
        if slot == self.slot:
            return self.confirmed, self.unsaid, self.pending
        if slot == self.slot - 1:
            return self.confirmed_before, self.unsaid_before, self.pending
        return 0, 0, self.pending if slot == self.slot + 1 else 0


class Bans(NamedTuple):
    """Until when the venue refuses everything, or only new orders; venue time, ms."""

    everything: int = 0
    orders: int = 0

    def together(self, other: Bans) -> Bans:
        """Whichever lasts longer."""
        return Bans(max(self.everything, other.everything), max(self.orders, other.orders))


class Neighbours(Protocol):
    """Other processes on this machine that share the venue's budget."""

    def tell(self, uses: Sequence[Use], bans: Bans) -> None:
        """Let them know what this process uses, before it uses it."""
        ...

    def hear(self) -> tuple[Sequence[Use], Bans]:
        """What all the others use, and the longest bans told by anybody, dead or alive."""
        ...
