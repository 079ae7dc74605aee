"""Orders that hang together: what may stand in one list, and a list as we know it now.

In an OCO only one of two orders ever trades. In an OTO one order waits until another has filled, in
an OTOCO such a pair does. Source: Binance's rest-api.md, "Order lists", and errors.md, -1158 to
-1199.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID, uuid5

from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import (
    Order,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    client_order_id,
)


class ListKind(StrEnum):
    """One cancels the other; one triggers the other; one triggers a pair of which one cancels."""

    OCO = "OCO"
    OTO = "OTO"
    OTOCO = "OTOCO"


class Leg(StrEnum):
    """An order's place in its list; above and below are sides of the market."""

    WORKING = "working"
    PENDING = "pending"
    ABOVE = "above"
    BELOW = "below"


class ListStatus(StrEnum):
    """Where a list stands: saved only, without an answer, with an open order, or with none."""

    PENDING = "PENDING"
    UNKNOWN = "UNKNOWN"
    EXECUTING = "EXECUTING"
    ALL_DONE = "ALL_DONE"
    REJECTED = "REJECTED"


LEGS: Mapping[ListKind, tuple[Leg, ...]] = {
    ListKind.OCO: (Leg.ABOVE, Leg.BELOW),
    ListKind.OTO: (Leg.WORKING, Leg.PENDING),
    ListKind.OTOCO: (Leg.WORKING, Leg.ABOVE, Leg.BELOW),
}
_PAIR = (Leg.ABOVE, Leg.BELOW)
_WORKING_TYPES = frozenset({OrderType.LIMIT, OrderType.LIMIT_MAKER})
_STOPS = (OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT)
_PROFITS = (OrderType.LIMIT_MAKER, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT)
_PAIR_TYPES = {
    (Side.SELL, Leg.ABOVE): _PROFITS,
    (Side.SELL, Leg.BELOW): _STOPS,
    (Side.BUY, Leg.ABOVE): _STOPS,
    (Side.BUY, Leg.BELOW): _PROFITS,
}
_BY_PRICE = frozenset({OrderType.LIMIT_MAKER, OrderType.TAKE_PROFIT_LIMIT})
"""Orders of a pair whose price, not their stop price, must lie on their side of the market."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderListRequest:
    """What somebody wants: the orders of LEGS[kind], in that order."""

    kind: ListKind
    legs: Mapping[Leg, OrderRequest]

    @property
    def symbol(self) -> Symbol:
        """Of every leg."""
        return next(iter(self.legs.values())).symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderList:
    """A list as we know it now; its legs are orders like any other, found by `list_id`."""

    id: UUID
    kind: ListKind
    legs: Mapping[Leg, Order]
    created_at: datetime

    @property
    def client_list_id(self) -> str:
        """Our id at the venue, 35 of the 36 characters Binance allows."""
        return f"tl-{self.id.hex}"

    @property
    def symbol(self) -> Symbol:
        """Of every leg."""
        return next(iter(self.legs.values())).request.symbol

    @property
    def orders(self) -> tuple[Order, ...]:
        """The legs in the order of LEGS."""
        return tuple(self.legs.values())

    @property
    def status(self) -> ListStatus:
        """What its legs make of it; a leg that waits for another is known to the venue."""
        statuses = {order.status for order in self.orders}
        if OrderStatus.UNKNOWN in statuses:
            return ListStatus.UNKNOWN
        if statuses == {OrderStatus.REJECTED}:
            return ListStatus.REJECTED
        if all(status.is_final for status in statuses):
            return ListStatus.ALL_DONE
        if all(order.venue_order_id is None for order in self.orders):
            return ListStatus.PENDING
        return ListStatus.EXECUTING


def leg_id(list_id: UUID, leg: Leg) -> UUID:
    """Our id of a list's order, so that everything follows from the id of the list."""
    return uuid5(list_id, leg)


def pair_of(list_id: UUID, order_id: UUID) -> UUID | None:
    """The list's id for an order of a pair, of which only one ever trades; None for others."""
    return list_id if order_id in {leg_id(list_id, leg) for leg in _PAIR} else None


def drafted(
    list_id: UUID, request: OrderListRequest, *, at: datetime, mid_price: Decimal | None
) -> OrderList:
    """The list before anybody was told."""
    return OrderList(
        id=list_id,
        kind=request.kind,
        legs={
            leg: Order(
                id=(own := leg_id(list_id, leg)),
                client_order_id=client_order_id(own),
                request=wish,
                status=OrderStatus.PENDING_NEW,
                mid_price=mid_price,
                list_id=list_id,
                created_at=at,
                updated_at=at,
            )
            for leg, wish in request.legs.items()
        },
        created_at=at,
    )


def objection(request: OrderListRequest) -> str | None:
    """What no market could make right about it, and what to change; None when it is well."""
    legs = request.legs
    if tuple(legs) != LEGS[request.kind]:
        return f"an {request.kind} list has the legs {_listed(LEGS[request.kind])}"
    if len({each.symbol for each in legs.values()}) > 1:
        return "all legs of a list must be of one symbol"
    if any(each.quantity is None for each in legs.values()):
        return "the legs of a list are ordered by quantity: quote_quantity is not possible"
    working = legs.get(Leg.WORKING)
    if working is not None and working.type not in _WORKING_TYPES:
        return f"the working leg must be LIMIT or LIMIT_MAKER, not {working.type}"
    return None if Leg.ABOVE not in legs else _pair_objection(legs[Leg.ABOVE], legs[Leg.BELOW])


def _pair_objection(above: OrderRequest, below: OrderRequest) -> str | None:
    if above.side is not below.side or above.quantity != below.quantity:
        return "the legs above and below must have the same side and the same quantity"
    for leg, order in ((Leg.ABOVE, above), (Leg.BELOW, below)):
        allowed = _PAIR_TYPES[order.side, leg]
        if order.type not in allowed:
            return (
                f"the leg {leg} the market of a pair that {order.side}s must be "
                f"{_listed(allowed, 'or')}, not {order.type}"
            )
    upper, lower = _mark(above), _mark(below)
    if upper is not None and lower is not None and upper <= lower:
        return f"the leg above ({upper:f}) must lie above the leg below ({lower:f})"
    return None


def misplaced(request: OrderListRequest, price: Decimal | None) -> str | None:
    """What is wrong with an OCO while this is the last trade's price; None where it is unknown.

    A pair that waits is held against the market only when its time has come.
    """
    if request.kind is not ListKind.OCO or price is None:
        return None
    upper, lower = _mark(request.legs[Leg.ABOVE]), _mark(request.legs[Leg.BELOW])
    if upper is not None and upper <= price:
        return f"the leg above must lie above the last trade at {price:f}, not at {upper:f}"
    if lower is not None and lower >= price:
        return f"the leg below must lie below the last trade at {price:f}, not at {lower:f}"
    return None


def _mark(order: OrderRequest) -> Decimal | None:
    """The price that must lie on its side; a trailing order without a stop price has none."""
    return order.price if order.type in _BY_PRICE else order.stop_price


def _listed(words: tuple[StrEnum, ...], last: str = "and") -> str:
    *first, final = words
    return f"{', '.join(first)} {last} {final}"
