"""Rows of openOrders, allOrders and myTrades to our words."""

from __future__ import annotations

from decimal import Decimal

from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import OrderStatus
from trading_system.domain.reports import Report, VenueFill, VenueOrder
from trading_system.exchange.translate import Json, amount, moment, recorded_fill

_SOURCE = "reconciler"


def venue_order(row: Json, symbol: Symbol) -> VenueOrder:
    """An order as the venue has it; it writes 0 where an order has no price, or no stop price."""
    return VenueOrder(
        symbol=symbol,
        side=row["side"],
        type=row["type"],
        time_in_force=row["timeInForce"],
        quantity=amount(row["origQty"]),
        quote_quantity=_unless_zero(row.get("origQuoteOrderQty", "0")),
        price=_unless_zero(row["price"]),
        stop_price=_unless_zero(row["stopPrice"]),
        created_at=moment(row["time"]),
        report=Report(
            client_order_id=row["clientOrderId"],
            venue_order_id=str(row["orderId"]),
            status=OrderStatus(row["status"]).value,
            source=_SOURCE,
            time=moment(row["updateTime"]),
            executed_quantity=amount(row["executedQty"]),
            executed_quote=amount(row["cummulativeQuoteQty"]),
            quantity=_unless_zero(row["origQty"]),
            reject_reason=row.get("expiryReason"),
        ),
    )


def venue_fill(row: Json, symbol: Symbol) -> VenueFill:
    """An execution of any order of the account."""
    return VenueFill(
        symbol=symbol,
        venue_order_id=str(row["orderId"]),
        side="BUY" if row["isBuyer"] else "SELL",
        fill=recorded_fill(row),
    )


def _unless_zero(text: str) -> Decimal | None:
    return amount(text) or None
