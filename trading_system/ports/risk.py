"""What judging orders reads, and what must outlive the program for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from trading_system.domain.control import ControlEntry
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import OrderRequest, OrderStatus, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """What an order may still do, and what it has done.

    `quantity` (base) is None where a quote quantity was asked for. `list_id` is shared by orders of
    which only one can fill. `waits`: the venue has it and ties nothing up for it yet. `unbooked` is
    what it has executed beyond its fills on record: no position contains it.
    """

    id: UUID
    symbol: Symbol
    side: Side
    status: OrderStatus
    quantity: Decimal | None
    quote_quantity: Decimal | None
    price: Decimal | None
    stop_price: Decimal | None
    executed_quantity: Decimal
    executed_quote: Decimal
    list_id: UUID | None = None
    waits: bool = False
    unbooked: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """Orders, oldest first, and how many there have been of late."""

    orders: list[Commitment]
    recent: int


class CommitmentRepository(Protocol):
    """A lean view of the orders on record."""

    async def committed(self, *, since: datetime, also: Collection[UUID] = ()) -> Committed:
        """Every order that has not ended, is named, or of which fills are still looked for.

        That is done for a day. `recent` were created after `since`.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRefusal:
    """A request that our own rules refused; `figures` are as text."""

    id: int
    at: datetime
    request: OrderRequest
    check: str
    reason: str
    figures: Mapping[str, str]


class RefusalRepository(Protocol):
    """What was refused, append-only."""

    async def add(
        self,
        request: OrderRequest,
        *,
        check: str,
        reason: str,
        figures: Mapping[str, str],
        at: datetime,
    ) -> None: ...

    async def latest(
        self, *, symbol: Symbol | None = None, limit: int = 500
    ) -> list[RecordedRefusal]:
        """Newest first."""
        ...


class ControlLog(Protocol):
    """Who paused, resumed, killed and armed, and why; append-only."""

    async def append(self, entry: ControlEntry) -> None: ...

    async def latest(self, limit: int = 100) -> list[ControlEntry]:
        """Newest first."""
        ...

    async def kills(self) -> list[ControlEntry]:
        """Every kill, oldest first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawdown:
    """The peak that a drawdown is counted from, and when it stopped trading, if it did."""

    peak: Decimal
    stopped_at: datetime | None


class DrawdownRecord(Protocol):
    """One drawdown, kept over restarts, so that none ends a cool-down."""

    async def save(self, drawdown: Drawdown) -> None: ...
    async def load(self) -> Drawdown | None:
        """None before the first."""
        ...
