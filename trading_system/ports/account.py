"""What is kept of the account's balances and of how often it was compared with the venue's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from trading_system.domain.reconciliations import Reconciliation
from trading_system.domain.reports import Balance
from trading_system.ports.orders import RecordedFill


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceCheck:
    """All that the account held when the fills booked up to number `fills` were behind it."""

    at: datetime
    balances: tuple[Balance, ...]
    fills: int


class BalanceRepository(Protocol):
    """The venue's word on balances, and our fills in the order they were booked."""

    async def append(self, balances: Iterable[Balance], *, at: datetime, source: str) -> None:
        """Keep those that differ from what was last kept of their asset; others stay."""
        ...

    async def check(
        self, balances: Sequence[Balance], *, at: datetime, source: str, fills: int
    ) -> None:
        """Keep everything the account holds: what is not named is held no more."""
        ...

    async def last_check(self) -> BalanceCheck | None: ...

    async def fills_booked(self) -> int:
        """The number of the fill that was booked last; 0 before the first."""
        ...

    async def fills_between(self, after: int, last: int) -> list[RecordedFill]:
        """Fills with a number above `after` and up to `last`, as they were booked."""
        ...


class ReconciliationRepository(Protocol):
    """The last reconciliations that came to their end."""

    async def add(self, done: Reconciliation) -> None: ...

    async def latest(self, limit: int = 1) -> list[Reconciliation]:
        """Newest first."""
        ...
