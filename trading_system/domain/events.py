"""What is published on the bus for whoever may be interested.

The market's own events (Quote, Trade, Ticker, CandleUpdate) are published as they are, see
`domain.market`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from trading_system.domain.control import ControlEntry
from trading_system.domain.instruments import Symbol
from trading_system.domain.mandates import Mandate
from trading_system.domain.market import MarketState
from trading_system.domain.orders import Order, OrderRequest
from trading_system.domain.positions import Position
from trading_system.domain.reports import Balance, VenuePosition
from trading_system.domain.stops import Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderChanged:
    """An order took a step or filled some more; `source` says who told.

    `latency_ms` is how long after the venue's own time a pushed report reached us.
    """

    order: Order
    source: str
    latency_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRefused:
    """Our own rules refused a request before anything was sent: which one, and its figures."""

    request: OrderRequest
    reason: str
    check: str = ""
    figures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlChanged:
    """Somebody paused, resumed, killed or armed trading."""

    entry: ControlEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancesChanged:
    """The venue pushed these assets' new balances; others stayed as they were."""

    balances: tuple[Balance, ...]
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VenuePositionsChanged:
    """The venue pushed these positions; one of quantity 0 was closed, others are as before."""

    positions: tuple[VenuePosition, ...]
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionChanged:
    """One more fill made a position what it now is; `realised` by this fill, in quote asset."""

    position: Position
    realised: Decimal
    order_id: UUID
    trade_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopFailed:
    """A stop gave up: nothing of it guards the position any longer, and somebody must."""

    stop: Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class BookChanged:
    """The local book of a traded symbol moved; `in_sync` is False while it is being rebuilt."""

    symbol: Symbol
    update_id: int
    in_sync: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketStateChanged:
    """A market behaves differently; `reason` names the figures that say so."""

    symbol: Symbol
    before: MarketState | None
    after: MarketState
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueChanged:
    """A part of the way to the venue changed its state.

    `part` is such as "venue", "breaker trading" or "stream execution", `state` such as
    "reachable", "open" or "connected".
    """

    part: str
    state: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyChanged:
    """A strategy was made, started, stopped, changed or deleted, or failed and says why."""

    mandate: Mandate
