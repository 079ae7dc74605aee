"""What is kept of orders: their steps, their fills, and the lists they are legs of."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from trading_system.domain.instruments import Symbol
from trading_system.domain.order_lists import OrderList
from trading_system.domain.orders import Order, OrderStatus
from trading_system.domain.reports import Fill, Report


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedFill:
    """A fill with the order it belongs to."""

    order_id: UUID
    symbol: Symbol
    side: str
    fill: Fill


class OrderRepository(Protocol):
    """Orders, their transitions and fills; each method one transaction."""

    async def create(
        self, order: Order, *, idempotency_key: str | None, digest: str
    ) -> Order | None:
        """Save it as new; None, or the order already saved under this key.

        Raises KeyReused when the key was used for another request digest.
        """
        ...

    async def by_key(self, key: str, digest: str) -> Order | None:
        """The order saved under this Idempotency-Key; raises KeyReused for another digest."""
        ...

    async def adopt(self, order: Order) -> Order:
        """Save an order that somebody else placed; returns the one on record where there is one.

        When its client id is that of an earlier foreign order, that one has to give it up.
        """
        ...

    async def record(
        self, before: Order, after: Order, report: Report, *, at: datetime
    ) -> tuple[Order, bool]:
        """Store the order after a report, the transition and the fills that are new.

        Returns it as it is stored, with the fees of all its fills, and whether any of these was
        new; `at` is when we booked it.
        """
        ...

    async def keep_impossible(self, order: Order, report: Report, *, at: datetime) -> None:
        """Keep, once, a report of a step that orders never take; the order stays as it is."""
        ...

    async def get(self, order_id: UUID) -> Order:
        """Raises NotFound."""
        ...

    async def by_client_order_id(self, client_order_id: str) -> Order:
        """Raises NotFound."""
        ...

    async def all(
        self,
        *,
        statuses: frozenset[OrderStatus] | None = None,
        symbol: Symbol | None = None,
        limit: int = 500,
    ) -> list[Order]:
        """Newest first."""
        ...

    async def symbols(self, since: datetime | None = None) -> set[Symbol]:
        """In which there ever was an order or, with `since`, one from then on or an open one."""
        ...

    async def among(
        self,
        *,
        ids: Collection[UUID] = (),
        client_order_ids: Collection[str] = (),
        venue_order_ids: Collection[tuple[Symbol, str]] = (),
    ) -> list[Order]:
        """Every order that is meant by one of these, in any order, each once."""
        ...

    async def fills(
        self, *, symbol: Symbol | None = None, order_id: UUID | None = None, limit: int = 500
    ) -> list[RecordedFill]:
        """Newest first."""
        ...

    async def fill_counts(self) -> dict[Symbol, int]:
        """How many fills of each symbol are on record."""
        ...

    async def short_of_fills(self, since: datetime) -> list[Order]:
        """Orders updated since then whose fills add up to less than what was executed."""
        ...

    async def replacements(self) -> list[Order]:
        """Resting orders that took another's place and know what both are to execute in all."""
        ...


class OrderListRepository(Protocol):
    """Order lists with their legs, which are orders; a key stands for an order or for a list."""

    async def create(
        self, order_list: OrderList, *, idempotency_key: str | None, digest: str
    ) -> OrderList | None:
        """Save it and all its legs as new; None, or the list saved under this key. KeyReused."""
        ...

    async def by_key(self, key: str, digest: str) -> OrderList | None:
        """The list saved under this Idempotency-Key; raises KeyReused for another digest."""
        ...

    async def get(self, list_id: UUID) -> OrderList:
        """With its legs as they stand now; raises NotFound."""
        ...
