"""What strategies that trade keep: mandates, decisions, and which orders and fills are whose."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from trading_system.domain.decisions import Decision, Outcome
from trading_system.domain.instruments import Symbol
from trading_system.domain.mandates import Mandate, MandateState, Terms
from trading_system.domain.orders import Order
from trading_system.ports.orders import RecordedFill

Place = tuple[int, UUID, Symbol]
"""Where a decision is in the order of all: its bar's open time, then whose and of what it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a mandate stands in a symbol: its newest decision, and the last one it acted by."""

    newest: Decision
    acted: Decision | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnOrder:
    """An order of a mandate; `guards`: a stop of its sent it."""

    mandate_id: UUID
    order: Order
    guards: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFill:
    """A fill of a mandate's order; `guards`: a stop of its sent that."""

    mandate_id: UUID
    recorded: RecordedFill
    guards: bool = False


class MandateRepository(Protocol):
    """Mandates, kept over restarts; those that have ended too."""

    async def save(self, mandate: Mandate) -> None:
        """As it now is, whether new or not; terms that are changed are kept as well."""
        ...

    async def terms(self, mandate_id: UUID) -> list[Terms]:
        """Those it had before each change of them, in order."""
        ...

    async def get(self, mandate_id: UUID) -> Mandate:
        """Raises NotFound."""
        ...

    async def all(self, states: Collection[MandateState] | None = None) -> list[Mandate]:
        """Newest first."""
        ...


class DecisionRepository(Protocol):
    """What was decided: one decision for each mandate, symbol and bar."""

    async def add(self, decisions: Sequence[Decision]) -> None:
        """Store all that are new, in one transaction; what is stored of a bar already stays.

        Older decisions of the same mandate and symbol that are still pending are MISSED from now.
        """
        ...

    async def settle(self, decision: Decision) -> None:
        """Outcome, reason and order of a decision that is stored."""
        ...

    async def standings(self, mandate_id: UUID) -> dict[Symbol, Standing]:
        """Of every symbol with a decision; bars of the warm-up are none."""
        ...

    async def bars(self, mandate_id: UUID, symbol: Symbol) -> NDArray[np.float64]:
        """The frame as it was seen, warm-up first: shape (n, 6), its columns those of Candle."""
        ...

    async def all(
        self,
        *,
        mandate_id: UUID | None = None,
        symbol: Symbol | None = None,
        outcomes: Collection[Outcome] | None = None,
        start: int | None = None,
        end: int | None = None,
        after: Place | None = None,
        limit: int = 500,
    ) -> list[Decision]:
        """Newest bar first, of bars that open from `start` to before `end`; no warm-up.

        With `after` those that come behind that place in this order.
        """
        ...


class OwnOrders(Protocol):
    """Whose an order is: told by the keys it was sent under, so that nothing can disagree."""

    async def under(self, keys: Collection[str]) -> dict[str, Order]:
        """The orders on record by these Idempotency-Keys."""
        ...

    async def owner(self, order_id: UUID) -> UUID | None:
        """The mandate that an order is of, or that its stop guards; None for all others."""
        ...

    async def unsettled(self) -> list[OwnOrder]:
        """Orders of mandates that are open, or of which fills are still unheard of."""
        ...

    async def fills(self, after: int = 0) -> tuple[int, list[OwnFill]]:
        """Those of mandates booked after this number, and the number to ask from next time."""
        ...

    async def link_stop(self, mandate_id: UUID, symbol: Symbol, stop_id: UUID) -> None:
        """This stop, which need not exist yet, guards what the mandate holds of the symbol."""
        ...

    async def stops(self, mandate_id: UUID) -> dict[Symbol, UUID]:
        """The stop linked last, by symbol."""
        ...


class GridRepository(Protocol):
    """How far a mandate's grid of a symbol has come, as JSON takes it."""

    async def save(self, mandate_id: UUID, symbol: Symbol, record: Mapping[str, Any]) -> None: ...
    async def load(self, mandate_id: UUID, symbol: Symbol) -> Mapping[str, Any] | None: ...
