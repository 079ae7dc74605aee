"""Orders that hang together: what may be asked of the venue about them, and its record of a list.

A list is an order that works at once, or none, and what comes with it: one order that waits until
the first has filled, or a pair of which only one may ever trade. OCO is a pair alone, OTO one order
behind another, OTOCO a pair behind an order. Source: Binance's rest-api.md, "Order lists".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from trading_system.simulator.model import Order, OrderType, PlaceOrder

STOP_LOSSES = frozenset({OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT})


class Contingency(StrEnum):
    """One cancels the other, or one triggers the other; an OTOCO is told as OTO."""

    OCO = "OCO"
    OTO = "OTO"


class ListStatus(StrEnum):
    """listStatusType: told when a list begins or goes on, and when none of its orders is open.

    UPDATED is only ever told: an order of the list has got another client id.
    """

    EXEC_STARTED = "EXEC_STARTED"
    UPDATED = "UPDATED"
    ALL_DONE = "ALL_DONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two orders of one side and quantity on either side of the market."""

    above: PlaceOrder
    below: PlaceOrder

    @property
    def orders(self) -> tuple[PlaceOrder, PlaceOrder]:
        """As they are listed and numbered: the stop loss first."""
        if self.below.type in STOP_LOSSES:
            return self.below, self.above
        return self.above, self.below


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceList:
    """POST orderList/oco, oto and otoco: `working` is None in an OCO, which is always a Pair."""

    working: PlaceOrder | None = None
    rest: PlaceOrder | Pair
    client_order_id: str | None = None

    @property
    def others(self) -> tuple[PlaceOrder, ...]:
        """What comes with the working order."""
        return self.rest.orders if isinstance(self.rest, Pair) else (self.rest,)

    @property
    def orders(self) -> tuple[PlaceOrder, ...]:
        """All of them, in the order of their ids."""
        return self.others if self.working is None else (self.working, *self.others)

    @property
    def prefixed(self) -> tuple[tuple[str, PlaceOrder], ...]:
        """The same, each with what the names of its parameters begin with on the wire."""
        pending = "" if self.working is None else "pending"
        if isinstance(self.rest, Pair):
            above, below = ("pendingAbove", "pendingBelow") if pending else ("above", "below")
            names = [above if each is self.rest.above else below for each in self.others]
        else:
            names = [pending]
        if self.working is not None:
            names.insert(0, "working")
        return tuple(zip(names, self.orders, strict=True))

    @property
    def account(self) -> str:
        return self.orders[0].account

    @property
    def symbol(self) -> str:
        return self.orders[0].symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelList:
    """DELETE orderList."""

    account: str
    symbol: str
    list_id: int | None = None
    client_order_id: str | None = None
    cancel_client_order_id: str | None = None


ListCommand = PlaceList | CancelList


@dataclass(slots=True, kw_only=True)
class OrderList:
    """The venue's own record: `others` wait for `working`, which an OCO does not have.

    Of two others only one may ever trade; `asked` is how they were asked for,
    `time` when the list last changed, ms UTC.
    """

    list_id: int
    client_order_id: str
    account: str
    symbol: str
    contingency: Contingency
    working: Order | None
    others: tuple[Order, ...]
    asked: tuple[PlaceOrder, ...]
    status: ListStatus = ListStatus.EXEC_STARTED
    time: int

    @property
    def orders(self) -> tuple[Order, ...]:
        """All of them, in the order of their ids."""
        return self.others if self.working is None else (self.working, *self.others)

    def partner(self, order: Order) -> Order | None:
        """The other one of the pair that an order belongs to."""
        rest = [other for other in self.others if other is not order]
        return rest[0] if len(rest) == 1 and len(self.others) > 1 else None
