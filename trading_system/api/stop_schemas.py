"""Stop losses as they travel: every amount an exact decimal in a string."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BeforeValidator, model_validator

from trading_system.api.scalars import DecimalIn, DecimalOut, Instant, SymbolText
from trading_system.api.schemas import In, Out, example
from trading_system.domain.orders import Side
from trading_system.domain.stops import Keeper, Stop, StopKind, StopStatus, StopWish, level

_NOON, _LATER = "2026-01-01T12:00:00Z", "2026-01-01T12:00:04Z"
_WHERE: Mapping[StopKind, frozenset[str]] = {
    StopKind.FIXED: frozenset({"trigger_price", "distance_percent", "distance_atr"}),
    StopKind.TRAILING: frozenset({"distance_percent", "distance_atr"}),
    StopKind.TIME: frozenset({"deadline"}),
}


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


class StopIn(In):
    """A stop loss for the position of `symbol`, or for what the order `order_id` has bought.

    fixed: a trigger_price, or a distance from the position's average price. trailing: a distance
    behind the best price. time: a deadline. A distance is distance_percent, or distance_atr times
    the average true range of the last 14 hours. Without `quantity` it guards all of it.
    """

    model_config = example(symbol="BTC/USDT", kind="trailing", distance_percent="1.5")

    kind: Annotated[StopKind, BeforeValidator(_lower)]
    symbol: SymbolText | None = None
    order_id: UUID | None = None
    quantity: DecimalIn | None = None
    trigger_price: DecimalIn | None = None
    distance_percent: DecimalIn | None = None
    distance_atr: DecimalIn | None = None
    deadline: Instant | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.symbol is None) == (self.order_id is None):
            raise ValueError("send either symbol or order_id")
        every = {name for names in _WHERE.values() for name in names}
        given = {name for name in every if getattr(self, name) is not None}
        wanted = _WHERE[self.kind]
        if len(given) != 1 or not given <= wanted:
            raise ValueError(f"a {self.kind} stop needs one of {', '.join(sorted(wanted))}")
        return self

    def wish(self) -> StopWish:
        """The wish, in the domain's words."""
        deadline = None if self.deadline is None else self.deadline / 1000
        return StopWish(
            kind=self.kind,
            symbol=self.symbol,
            order_id=self.order_id,
            quantity=self.quantity,
            trigger_price=self.trigger_price,
            distance_percent=self.distance_percent,
            distance_atr=self.distance_atr,
            deadline=None if deadline is None else datetime.fromtimestamp(deadline, UTC),
        )


STOP_EXAMPLE: Mapping[str, Any] = {
    "id": "0193f3a2-7c1e-7b8a-9d40-5a1b2c3d4e60",
    "symbol": "BTC/USDT",
    "side": "SELL",
    "kind": "trailing",
    "kept_by": "venue",
    "status": "active",
    "quantity": None,
    "trigger_price": None,
    "distance_percent": "1.5",
    "level": None,
    "deadline": None,
    "best": None,
    "ordered": "0.01",
    "closed": "0",
    "order_id": "0193f3a2-7c1e-7b8a-9d40-5a1b2c3d4e5f",
    "reason": None,
    "created_at": _NOON,
    "updated_at": _LATER,
}


class StopOut(Out):
    """A stop loss as it is now; `side` is that of the order that closes the position.

    kept_by `venue`: an order there, which survives our end; `system`: this program watches the
    prices, and must run. `level` is where one that the system keeps triggers now, `best` the best
    price it saw. `quantity` null guards the whole position; `closed` its orders have closed.
    """

    model_config = example(**STOP_EXAMPLE)

    id: UUID
    symbol: SymbolText
    side: Side
    kind: StopKind
    kept_by: Keeper
    status: StopStatus
    quantity: DecimalOut | None
    trigger_price: DecimalOut | None
    distance_percent: DecimalOut | None
    level: DecimalOut | None
    deadline: datetime | None
    best: DecimalOut | None
    ordered: DecimalOut | None
    closed: DecimalOut
    order_id: UUID | None
    reason: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, stop: Stop) -> Self:
        """Made from the stop."""
        known = {name: getattr(stop, name) for name in STOP_EXAMPLE if hasattr(stop, name)}
        return cls(**known, level=level(stop, stop.best))
