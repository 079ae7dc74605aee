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
    """Where an order stands. UNKNOWN is a state: the venue has not yet said whether it exists.

    PENDING_NEW is an order that was saved and has no answer yet or, once it has a venue's id, a leg
    of an order list that waits for another one. PENDING_CANCEL is ours alone: we are asking.
    """

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
_UNSEEN = frozenset({OrderStatus.PENDING_NEW, OrderStatus.UNKNOWN})


class Move(StrEnum):
    """What a report does to an order; the amounts it tells count whatever its move is."""

    STEP = ">"  # the order goes where the report says
    STAY = "="  # nothing new, or older than what we know
    BACK = "<"  # a cancel did nothing, if we asked after it; pushes and lists may be older
    PAST = "~"  # older if it tells of less than we know, else impossible
    NEVER = "!"  # no order ever takes that step


_TABLE = """
                 | PENDING_ NEW PARTIALLY FILLED PENDING CANCELED REJECTED EXPIRED EXPIRED_  UNKNOWN
                 |   NEW         _FILLED         _CANCEL                            IN_MATCH
PENDING_NEW      |    =      >       >       >      >        >        >       >        >        >
UNKNOWN          |    >      >       >       >      >        >        >       >        >        =
NEW              |    =      =       >       >      >        >        !       >        >        =
PARTIALLY_FILLED |    =      =       =       >      >        >        !       >        >        =
PENDING_CANCEL   |    <      <       <       >      =        >        !       >        >        =
FILLED           |    =      =       =       =      =        ~        !       ~        ~        =
CANCELED         |    =      =       =       >      =        =        !       !        !        =
EXPIRED          |    =      =       =       >      =        !        !       =        !        =
EXPIRED_IN_MATCH |    =      =       =       >      =        !        !       !        =        =
REJECTED         |    >      >       >       >      =        >        =       >        >        =
"""
# FILLED after an end: a fill that crossed the cancel or the expiry makes the order whole.
# Everything after REJECTED: our patience may have ended before the order arrived, and the venue's
# word counts. UNKNOWN says that an answer got lost, which is no news once something else has told.

MOVES: dict[tuple[OrderStatus, OrderStatus], Move] = {
    (OrderStatus(row.split()[0]), told): Move(mark)
    for row in _TABLE.splitlines()[3:]
    for told, mark in zip(OrderStatus, row.split()[2:], strict=True)
}
"""What each report means to an order, by (where it stands, what is told)."""


class InvalidTransition(TradingError):
    """A report asks for a step that orders never take; the stored order stays as it is."""

    def __init__(self, order: Order, report: Report) -> None:
        super().__init__(
            f"order {order.id} cannot go from {order.status} ({order.executed_quantity} executed) "
            f"to {report.status} ({report.executed_quantity} executed), as {report.source} says"
        )
        self.before = order.status
        self.after = OrderStatus(report.status)
        self.order = order
        self.report = report


class NotModified(TradingError):
    """An order was not changed as asked; `old` and `new` say how both stand now.

    `new` is the order that was to take its place, None where none was needed.
    """

    def __init__(self, message: str, *, old: Order, new: Order | None = None) -> None:
        super().__init__(message)
        self.old = old
        self.new = new


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """What somebody wants; exactly one of `quantity` (base) and `quote_quantity` is set.

    `trailing_delta` in basis points makes a stop order follow the market; of an iceberg only
    `iceberg_quantity` is ever shown. `reduce_only`: it closes of a position what is there at most,
    and is therefore taken where others are not.
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
    reduce_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order as we know it; executed amounts only ever grow.

    `latency_ms` is from sent to acknowledged; `mid_price` was the book's middle when it was sent.
    `fees` are what its fills cost, an amount for each asset. `replaces` is the order it took the
    place of, and `wanted_in_all` what the two are to execute together; `list_id` is the order list
    it is a leg of. `foreign`: placed by hand or by another program and only watched here.
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
    fees: tuple[tuple[str, Decimal], ...] = ()
    reject_code: int | None = None
    reject_reason: str | None = None
    latency_ms: int | None = None
    mid_price: Decimal | None = None
    replaces: UUID | None = None
    wanted_in_all: Decimal | None = None
    list_id: UUID | None = None
    foreign: bool = False

    @property
    def average_price(self) -> Decimal | None:
        """Quote paid or received per base filled; None before the first fill."""
        return self.executed_quote / self.executed_quantity if self.executed_quantity else None

    @property
    def slippage_percent(self) -> Decimal | None:
        """How much worse than the book's middle it filled, in percent; negative is better.

        (average - middle) / middle for a buy, the other way round for a sell; six decimals. None
        while either is unknown.
        """
        if self.average_price is None or self.mid_price is None:
            return None
        loss = self.average_price - self.mid_price
        worse = loss if self.request.side is Side.BUY else -loss
        return round(worse / self.mid_price * 100, 6)

    @property
    def is_unseen(self) -> bool:
        """The venue has told nothing of it yet, so that it may not be there at all."""
        return self.status in _UNSEEN and self.venue_order_id is None

    @property
    def is_waiting(self) -> bool:
        """A leg of an order list that the venue has and that waits for another one to fill."""
        return self.status is OrderStatus.PENDING_NEW and self.venue_order_id is not None

    @property
    def open_quantity(self) -> Decimal | None:
        """What of its base quantity is not executed; None for an order by quote quantity.

        Never less than nothing, though a fill may be told before the quantity that allowed it.
        """
        asked = self.request.quantity
        return None if asked is None else max(asked - self.executed_quantity, Decimal(0))


def client_order_id(order_id: UUID) -> str:
    """Our id at the venue, 35 of the 36 characters Binance allows, derived from the UUID alone."""
    return f"ts-{order_id.hex}"


def apply(order: Order, report: Report) -> Order:
    """The order after this report: the same report twice changes nothing, an older one neither.

    Raises InvalidTransition when no order ever takes that step.
    """
    status = _next(order, report)
    is_step = status is not order.status
    after = replace(
        order,
        status=status,
        request=_as_told(order, report),
        venue_order_id=report.venue_order_id or order.venue_order_id,
        executed_quantity=max(order.executed_quantity, report.executed_quantity),
        executed_quote=max(order.executed_quote, report.executed_quote),
        # They belong to where the order stands: an order that lives again is no longer refused.
        reject_code=report.reject_code or (None if is_step else order.reject_code),
        reject_reason=report.reject_reason or (None if is_step else order.reject_reason),
    )
    if after == order:
        return order
    return replace(after, updated_at=max(order.updated_at, report.time))


def _next(order: Order, report: Report) -> OrderStatus:
    told = OrderStatus(report.status)
    move = MOVES[order.status, told]
    is_older = report.executed_quantity < order.executed_quantity
    if move is Move.NEVER or (move is Move.PAST and not is_older):
        raise InvalidTransition(order, report)
    if move is Move.STEP:
        return told
    if move is Move.BACK and not report.may_be_older:
        return OrderStatus.PARTIALLY_FILLED if is_older else told
    return order.status


def _as_told(order: Order, report: Report) -> OrderRequest:
    """The request as amended there, by us or by hand.

    Less is newer whoever tells it: most venues only ever take away. More, and another price, count
    only when they were asked for and are no older than what is known.
    """
    request = order.request
    is_as_new = report.time == order.updated_at and not report.may_be_older
    is_newest = not report.is_push and (report.time > order.updated_at or is_as_new)
    asked, told = request.quantity, report.quantity
    if asked is not None and told is not None and (told < asked or (is_newest and told > asked)):
        request = replace(request, quantity=told)
    if is_newest and request.price is not None and report.price not in {None, request.price}:
        request = replace(request, price=report.price)
    return request
