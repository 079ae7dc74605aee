"""Our names of order types and those of USD-M futures.

What waits for a trigger is an "algo order" there, at endpoints of its own (since 2025-12-09).
"""

from __future__ import annotations

from trading_system.domain.orders import OrderRequest, OrderType

ALGO = {
    OrderType.STOP_LOSS: "STOP_MARKET",
    OrderType.STOP_LOSS_LIMIT: "STOP",
    OrderType.TAKE_PROFIT: "TAKE_PROFIT_MARKET",
    OrderType.TAKE_PROFIT_LIMIT: "TAKE_PROFIT",
}
TRAILING = "TRAILING_STOP_MARKET"
PLAIN = {
    OrderType.MARKET: "MARKET",
    OrderType.LIMIT: "LIMIT",
    OrderType.LIMIT_MAKER: "LIMIT",  # with a time in force of GTX
}
OURS = {
    "MARKET": OrderType.MARKET,
    "LIMIT": OrderType.LIMIT,
    TRAILING: OrderType.STOP_LOSS,
    "LIQUIDATION": OrderType.LIMIT,  # the venue's own
    **{theirs: ours for ours, theirs in ALGO.items()},
}
"""What theirs are called here; a LIMIT with GTX is a LIMIT_MAKER."""


def waits_for_trigger(request: OrderRequest) -> bool:
    """Whether it begins as an algo order."""
    return request.type in ALGO
