"""Stop losses: what guards a position, and what is to be done next for one of them.

Pure: `decide` looks at a stop, its order and the market, and says one step. Asked again after a
crash it says the same step again, which is why each is saved before it is taken.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import Order, OrderRequest, OrderStatus, OrderType, Side

_BASIS_POINTS = Decimal(10_000)
_NOTHING = Decimal(0)
_TRIES = 10  # orders a venue refuses before a stop that has to close something gives up
_LATE = timedelta(seconds=60)
_RESTING = frozenset({OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED})


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
    """

    kind: StopKind
    symbol: Symbol | None = None
    order_id: UUID | None = None
    quantity: Decimal | None = None
    trigger_price: Decimal | None = None
    distance_percent: Decimal | None = None
    distance_atr: Decimal | None = None
    deadline: datetime | None = None


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

    def wanted(self, held: Decimal, step: Decimal) -> Decimal:
        """How much it has to close when so much is held, in whole steps."""
        most = held if self.quantity is None else min(held, self.quantity - self.closed)
        return max(most, _NOTHING) // step * step

    def request(self) -> OrderRequest:
        """The order that closes what was `ordered`; the same for as long as that is."""
        if self.kept_by is Keeper.SYSTEM or self.venue_type is None:
            return OrderRequest(
                symbol=self.symbol, side=self.side, type=OrderType.MARKET, quantity=self.ordered
            )
        return OrderRequest(
            symbol=self.symbol,
            side=self.side,
            type=self.venue_type,
            quantity=self.ordered,
            price=self.limit_price,
            stop_price=self.trigger_price,
            trailing_delta=self.distance_bps,
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


class Decision(NamedTuple):
    """The stop as it must be saved first, then whether to send its order or which to cancel."""

    stop: Stop
    send: bool = False
    cancel: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """`held` can be closed by the stop's side, in steps of `step`; `order` is its current one."""

    held: Decimal
    step: Decimal
    now: datetime
    watched: Watched
    order: Order | None = None


def decide(stop: Stop, facts: Facts) -> Decision:
    """The next step for this stop."""
    if stop.status.is_final:
        return Decision(stop)
    if stop.ordered is None:
        return _without_order(stop, facts)
    if facts.order is None:
        return Decision(stop, send=True)  # it was about to be sent, or was sent and not noted
    if facts.order.status.is_final:
        return Decision(_after(stop, facts.order, facts.now))
    return _beside(stop, facts.order, facts)


def _without_order(stop: Stop, facts: Facts) -> Decision:
    """It is not at the venue: it is sent there, watched, or over."""
    if stop.status is StopStatus.CANCELLING:
        return Decision(_changed(stop, facts.now, status=StopStatus.CANCELLED))
    wanted = stop.wanted(facts.held, facts.step)
    if not wanted:
        over = StopStatus.DONE if stop.closed else StopStatus.CANCELLED
        return Decision(_changed(stop, facts.now, status=over, reason="nothing is left to guard"))
    if stop.kept_by is Keeper.VENUE:
        sent = _changed(stop, facts.now, ordered=wanted, attempt=stop.attempt + 1)
        return Decision(sent, send=True)
    stop = replace(stop, best=facts.watched.best)
    due = stop.deadline is not None and facts.now >= stop.deadline
    if not (due or facts.watched.hit or stop.status is StopStatus.TRIGGERED):
        return Decision(stop)
    triggered = _changed(
        stop,
        facts.now,
        status=StopStatus.TRIGGERED,
        ordered=wanted,
        attempt=stop.attempt + 1,
        reason=_why_late(stop, facts.now) or stop.reason,
    )
    return Decision(triggered, send=True)


def _beside(stop: Stop, order: Order, facts: Facts) -> Decision:
    """Its order is open: left alone once it is closing, else fitted to what is held."""
    if stop.kept_by is Keeper.SYSTEM or order.status not in _RESTING:
        return Decision(stop)
    if stop.status in {StopStatus.CANCELLING, StopStatus.RESIZING}:
        return Decision(stop, cancel=order.id)
    if order.executed_quantity:
        return Decision(_changed(stop, facts.now, status=StopStatus.TRIGGERED))
    wanted = stop.wanted(facts.held, facts.step)
    if not wanted:
        ending = _changed(
            stop, facts.now, status=StopStatus.CANCELLING, reason="nothing is left to guard"
        )
        return Decision(ending, cancel=order.id)
    if wanted != stop.ordered:
        resizing = _changed(stop, facts.now, status=StopStatus.RESIZING)
        return Decision(resizing, cancel=order.id)
    return Decision(stop)


def _after(stop: Stop, order: Order, now: datetime) -> Stop:
    """Its order has ended: as it should, as somebody wanted, or as the venue did."""
    free = replace(stop, ordered=None, order_id=None, closed=stop.closed + order.executed_quantity)
    if order.status is OrderStatus.FILLED:
        return _changed(free, now, status=StopStatus.DONE)
    if stop.status is StopStatus.CANCELLING:
        return _changed(free, now, status=StopStatus.CANCELLED)
    if stop.status is StopStatus.RESIZING:
        return _changed(free, now, status=StopStatus.ACTIVE)
    if order.status is OrderStatus.CANCELED:
        gone = "its order was cancelled"
        return _changed(free, now, status=StopStatus.CANCELLED, reason=gone)
    refused = order.reject_reason or f"the venue ended its order: {order.status}"
    if stop.attempt >= _TRIES:
        return _changed(free, now, status=StopStatus.FAILED, reason=refused)
    # The system takes over what the venue will not keep, and goes on closing what it began to.
    began = stop.kept_by is Keeper.SYSTEM or bool(order.executed_quantity)
    return _changed(
        free,
        now,
        kept_by=Keeper.SYSTEM,
        status=StopStatus.TRIGGERED if began else StopStatus.ACTIVE,
        reason=refused,
    )


def _why_late(stop: Stop, now: datetime) -> str | None:
    if stop.deadline is None or now < stop.deadline + _LATE:
        return None
    return f"{round((now - stop.deadline).total_seconds())} s late: nothing ran at its moment"


def _changed(stop: Stop, now: datetime, **changes: object) -> Stop:
    after = replace(stop, **changes)  # type: ignore[arg-type]  # names and types as in Stop
    return stop if after == stop else replace(after, updated_at=now)
