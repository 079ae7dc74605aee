"""What a strategy decided at the close of a bar, and what came of it: one for each bar, ever.

It is written before it is acted on, so that no restart decides a bar twice or leaves one out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from trading_system.domain.candles import Candle
from trading_system.domain.instruments import Symbol


class Outcome(StrEnum):
    """What became of a decision; PENDING alone is still to be acted on.

    WARMUP: no decision, only a bar that later ones look back at. UNCHANGED: the target stood
    already. ORDERED: an order went out. FITTED: what is held is what is wanted. REFUSED: our rules
    or the venue's filters said no, and the next bar tries again. MISSED: a newer bar had closed.
    KEPT: a grid's orders follow prices, so that the bar itself asks for nothing.
    """

    WARMUP = "warmup"
    PENDING = "pending"
    UNCHANGED = "unchanged"
    ORDERED = "ordered"
    FITTED = "fitted"
    REFUSED = "refused"
    MISSED = "missed"
    KEPT = "kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The wanted exposure at the close of `bar`, which is kept as it was seen.

    A venue may rewrite candles later; what was decided by stays what it was. `target` is in
    [-1, 1], None while warming up; `lines` are the indicators it went by at that bar. `at` is our
    clock in ms UTC, `reason` why it is pending, refused or missed.
    """

    mandate_id: UUID
    symbol: Symbol
    bar: Candle
    target: float | None
    at: int
    lines: Mapping[str, float | None] = field(default_factory=dict)
    outcome: Outcome = Outcome.PENDING
    reason: str | None = None
    order_id: UUID | None = None

    @property
    def price(self) -> float:
        """What it was decided at, in quote asset."""
        return self.bar.close
