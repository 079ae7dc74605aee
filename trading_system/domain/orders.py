"""The order: what was asked for, how far it got, and which way it may go next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from trading_system.domain.errors import TradingError
from trading_system.domain.instruments import Symbol
from trading_system.domain.reports import Report


class Side(StrEnum):
    """BUY receives base asset, SELL receives quote asset."""

    BUY = "BUY"
    SELL = "SELL"


class OrderType(StrEnum):
    """The venue's order types that can be placed alone."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    LIMIT_MAKER = "LIMIT_MAKER"
    STOP_LOSS = "STOP_LOSS"
    STOP_LOSS_LIMIT = "STOP_LOSS_LIMIT"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_LIMIT = "TAKE_PROFIT_LIMIT"


class TimeInForce(StrEnum):
    """How long an order may rest: until cancelled, not at all, or wholly at once or not at all."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class OrderStatus(StrEnum):
    """Where an order stands. UNKNOWN is a state: the venue has not yet said whether it exists."""

    PENDING_NEW = "PENDING_NEW"
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    PENDING_CANCEL = "PENDING_CANCEL"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"
    UNKNOWN = "UNKNOWN"

    @property
    def is_final(self) -> bool:
        """Nothing more is expected, though a late fill still counts."""
        return self in _FINAL


_FINAL = frozenset(
    {
        OrderStatus.FILLED,
        OrderStatus.CANCELED,
        OrderStatus.REJECTED,
        OrderStatus.EXPIRED,
        OrderStatus.EXPIRED_IN_MATCH,
    }
)

_S = OrderStatus
_OPEN_ENDS = frozenset(
    {_S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELED, _S.EXPIRED, _S.EXPIRED_IN_MATCH}
)
TRANSITIONS: dict[OrderStatus, frozenset[OrderStatus]] = {
    _S.PENDING_NEW: _OPEN_ENDS | {_S.NEW, _S.REJECTED, _S.UNKNOWN},
    _S.UNKNOWN: _OPEN_ENDS | {_S.NEW, _S.REJECTED},
    _S.NEW: _OPEN_ENDS | {_S.PENDING_CANCEL},
    _S.PARTIALLY_FILLED: _OPEN_ENDS | {_S.PENDING_CANCEL},
    # A refused cancel returns to where it was, so NEW is reachable again.
    _S.PENDING_CANCEL: _OPEN_ENDS | {_S.NEW},
    # A fill that crossed the cancel or expiry still counts; whole, it makes the order FILLED.
    _S.CANCELED: frozenset({_S.FILLED}),
    _S.EXPIRED: frozenset({_S.FILLED}),
    _S.EXPIRED_IN_MATCH: frozenset({_S.FILLED}),
    _S.FILLED: frozenset(),
    # Our patience may have ended before the order arrived: whatever the venue tells of it counts.
    _S.REJECTED: _OPEN_ENDS | {_S.NEW},
}
"""Every step an order may take from one status to another."""


class InvalidTransition(TradingError):
    """A report asks for a step that orders never take; the stored order stays as it is."""

    def __init__(self, order: Order, report: Report) -> None:
        super().__init__(f"order {order.id} cannot go from {order.status} to {report.status}")
        self.order = order
        self.report = report


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """What somebody wants; exactly one of `quantity` (base) and `quote_quantity` is set.

    `trailing_delta` in basis points makes a stop order follow the market; of an iceberg only
    `iceberg_quantity` is ever shown.
    """

    symbol: Symbol
    side: Side
    type: OrderType
    quantity: Decimal | None = None
    quote_quantity: Decimal | None = None
    price: Decimal | None = None
    stop_price: Decimal | None = None
    time_in_force: TimeInForce | None = None
    trailing_delta: int | None = None
    iceberg_quantity: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order as we know it; executed amounts only ever grow.

    `latency_ms` is from sent to acknowledged; `mid_price` was the book's middle when it was sent.
    `replaces` is the order it took the place of, `list_id` the order list it is a leg of.
    `foreign`: placed by hand or by another program and only watched here.
    """

    id: UUID
    client_order_id: str
    request: OrderRequest
    status: OrderStatus
    created_at: datetime
    updated_at: datetime
    venue_order_id: str | None = None
    executed_quantity: Decimal = Decimal(0)
    executed_quote: Decimal = Decimal(0)
    reject_code: int | None = None
    reject_reason: str | None = None
    latency_ms: int | None = None
    mid_price: Decimal | None = None
    replaces: UUID | None = None
    list_id: UUID | None = None
    foreign: bool = False

    @property
    def average_price(self) -> Decimal | None:
        """Quote paid or received per base filled; None before the first fill."""
        return self.executed_quote / self.executed_quantity if self.executed_quantity else None


def client_order_id(order_id: UUID) -> str:
    """Our id at the venue, 35 of the 36 characters Binance allows, derived from the UUID alone."""
    return f"ts-{order_id.hex}"


def apply(order: Order, report: Report) -> Order:
    """The order after this report: the same report twice changes nothing, an older one neither.

    Raises InvalidTransition when no order ever takes that step.
    """
    status = OrderStatus(report.status)
    executed = max(order.executed_quantity, report.executed_quantity)
    if _is_stale(order, status, report):
        status = order.status
    elif status is not order.status and status not in TRANSITIONS[order.status]:
        raise InvalidTransition(order, report)
    after = replace(
        order,
        status=status,
        venue_order_id=report.venue_order_id or order.venue_order_id,
        executed_quantity=executed,
        executed_quote=max(order.executed_quote, report.executed_quote),
        reject_code=report.reject_code or order.reject_code,
        reject_reason=report.reject_reason or order.reject_reason,
    )
    if after == order:
        return order
    return replace(after, updated_at=max(order.updated_at, report.time))


def _is_stale(order: Order, status: OrderStatus, report: Report) -> bool:
    """A report from before what we already know, delivered late."""
    if status is OrderStatus.UNKNOWN and order.status is not OrderStatus.PENDING_NEW:
        return True  # the answer got lost, but a push has told already
    if order.status.is_final and not status.is_final:
        return order.status is not OrderStatus.REJECTED
    return status is OrderStatus.NEW and order.executed_quantity > report.executed_quantity
