"""What a comparison of our record with the venue's came to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceDifference:
    """The venue holds another amount of an asset than our fills explain; free and locked together.

    A deposit or a withdrawal is one, and so is a trade that nobody here has heard of.
    """

    asset: str
    expected: Decimal
    actual: Decimal
    time: datetime

    @property
    def size(self) -> Decimal:
        """How much more the venue holds than expected; negative when it holds less."""
        return self.actual - self.expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """One pass over everything that may differ; `started` and `ended` by the venue's clock.

    `asked` orders were looked up one by one, `booked` orders took a step or filled some more,
    `adopted` are new here and somebody else's, `unknown_left` still wait for a word of the venue,
    `fills` were unheard of before. `balances_compared` is False where balances moved while they
    were read: the next pass compares them.
    """

    started: datetime
    ended: datetime
    asked: int
    booked: int
    adopted: int
    unknown_left: int
    fills: int
    balances_compared: bool
    differences: tuple[BalanceDifference, ...] = ()
