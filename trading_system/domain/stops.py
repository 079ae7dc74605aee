"""Stop losses: what guards a position, the orders that close it, and what the market does to it.

What is to be done next for one of them is in `stop_steps`. Every order may only ever close.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import OrderRequest, OrderType, Side

_BASIS_POINTS = Decimal(10_000)
_NOTHING = Decimal(0)


class StopKind(StrEnum):
    """At a price, at a distance behind the best price, or at a moment."""

    FIXED = "fixed"
    TRAILING = "trailing"
    TIME = "time"


@dataclass(frozen=True, slots=True, kw_only=True)
class StopWish:
    """A stop for the position of `symbol`, or for what the order `order_id` has bought or sold.

    Fixed: `trigger_price`, or a distance from the average price of the position. Trailing: a
    distance. By time: `deadline`. A distance is in percent or in average true ranges. Without
    `quantity` it guards the whole position, however that grows or shrinks, or all of the order.
    With an `id` of its own it is one stop however often it is wished for.
    """

    kind: StopKind
    symbol: Symbol | None = None
    order_id: UUID | None = None
    quantity: Decimal | None = None
    trigger_price: Decimal | None = None
    distance_percent: Decimal | None = None
    distance_atr: Decimal | None = None
    deadline: datetime | None = None
    id: UUID | None = None


class Keeper(StrEnum):
    """Who watches: an order at the venue survives our end, the system must run."""

    VENUE = "venue"
    SYSTEM = "system"


class StopStatus(StrEnum):
    """ACTIVE guards; RESIZING its order makes room for one of another quantity.

    TRIGGERED its moment has come and the position is being closed; CANCELLING its order is being
    cancelled for good.
    """

    ACTIVE = "active"
    RESIZING = "resizing"
    TRIGGERED = "triggered"
    CANCELLING = "cancelling"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """It guards nothing any more."""
        return self in {StopStatus.DONE, StopStatus.CANCELLED, StopStatus.FAILED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """What guards a position, or `quantity` of it; `side` is that of the order that closes it.

    `trigger_price` is of a fixed one, `distance_bps` (basis points behind `best`) of a trailing
    one, `deadline` of one by time. As an order of the venue it is of `venue_type`, with
    `limit_price` where that type needs one.

    Its orders are numbered: `ordered` is the quantity of number `attempt`, saved before that is
    sent, and `order_id` is known as soon as it is. `closed` was executed by earlier ones.
    """

    id: UUID
    symbol: Symbol
    side: Side
    kind: StopKind
    kept_by: Keeper
    created_at: datetime
    updated_at: datetime
    status: StopStatus = StopStatus.ACTIVE
    quantity: Decimal | None = None
    trigger_price: Decimal | None = None
    distance_bps: int | None = None
    deadline: datetime | None = None
    venue_type: OrderType | None = None
    limit_price: Decimal | None = None
    best: Decimal | None = None
    attempt: int = 0
    ordered: Decimal | None = None
    order_id: UUID | None = None
    closed: Decimal = _NOTHING
    reason: str | None = None

    @property
    def key(self) -> str:
        """The Idempotency-Key of its current order: sent again, it is the same order."""
        return f"stop-{self.id.hex}-{self.attempt}"

    @property
    def distance_percent(self) -> Decimal | None:
        """Of the best price; None but for a trailing one."""
        return None if self.distance_bps is None else Decimal(self.distance_bps) / 100

    def request(self) -> OrderRequest:
        """The order that closes what was `ordered`; the same for as long as that is."""
        if self.kept_by is Keeper.SYSTEM or self.venue_type is None:
            return OrderRequest(
                symbol=self.symbol,
                side=self.side,
                type=OrderType.MARKET,
                quantity=self.ordered,
                reduce_only=True,
            )
        return OrderRequest(
            symbol=self.symbol,
            side=self.side,
            type=self.venue_type,
            quantity=self.ordered,
            price=self.limit_price,
            stop_price=self.trigger_price,
            trailing_delta=self.distance_bps,
            reduce_only=True,
        )


class Watched(NamedTuple):
    """What the market did to a stop since it is watched: the best price, and whether it hit."""

    best: Decimal | None = None
    hit: bool = False

    def after(self, stop: Stop, price: Decimal) -> Watched:
        """One more price; a stop once hit stays hit."""
        better = max if stop.side is Side.SELL else min
        best = price if self.best is None else better(self.best, price)
        at = level(stop, best)
        if at is None:
            return Watched(best, self.hit)
        beyond = price <= at if stop.side is Side.SELL else price >= at
        return Watched(best, self.hit or beyond)


def level(stop: Stop, best: Decimal | None) -> Decimal | None:
    """The price at which it triggers now; None for one by time, or before any price is known."""
    if stop.distance_bps is None or best is None:
        return stop.trigger_price
    away = best * stop.distance_bps / _BASIS_POINTS
    return best - away if stop.side is Side.SELL else best + away
