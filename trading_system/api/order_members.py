"""Which members an order of each type needs, may have, or takes none of."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum

from trading_system.domain.orders import OrderType


class Need(StrEnum):
    """Whether an order type takes a member."""

    MUST = "needs"
    MAY = "may have"
    NEVER = "takes no"


MEMBERS = (
    "price",
    "stop_price",
    "time_in_force",
    "quote_quantity",
    "trailing_delta",
    "iceberg_quantity",
)
_M, _O, _N = Need.MUST, Need.MAY, Need.NEVER
NEEDS: Mapping[OrderType, Mapping[str, Need]] = {
    kind: dict(zip(MEMBERS, needs, strict=True))
    for kind, needs in {
        OrderType.MARKET: (_N, _N, _N, _O, _N, _N),
        OrderType.LIMIT: (_M, _N, _O, _N, _N, _O),
        OrderType.LIMIT_MAKER: (_M, _N, _N, _N, _N, _O),
        OrderType.STOP_LOSS: (_N, _M, _N, _O, _O, _N),
        OrderType.STOP_LOSS_LIMIT: (_M, _M, _O, _N, _O, _O),
        OrderType.TAKE_PROFIT: (_N, _M, _N, _O, _O, _N),
        OrderType.TAKE_PROFIT_LIMIT: (_M, _M, _O, _N, _O, _O),
    }.items()
}


def objection(kind: OrderType, given: Collection[str]) -> str | None:
    """What is wrong with an order of this type that has just these members, None when it is well.

    A trailing delta may stand in for the stop price.
    """
    for member, need in NEEDS[kind].items():
        if need is Need.MUST and member not in given:
            if member != "stop_price" or "trailing_delta" not in given:
                return f"a {kind} order {need} {member}"
        elif need is Need.NEVER and member in given:
            return f"a {kind} order {need} {member}"
    return None
