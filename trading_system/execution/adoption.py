"""Orders that somebody else placed on our account, as they enter our record."""

from __future__ import annotations

from uuid import UUID, uuid5

from trading_system.domain.orders import (
    Order,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)
from trading_system.domain.reports import VenueOrder

_FOREIGN = UUID("6c1b4d1a-7f5e-4e0c-9a51-2f6f0f3f7f0d")


def foreign_id(stranger: VenueOrder) -> UUID:
    """Our id of somebody else's order: the same whenever it is adopted, and of no other order.

    Made of venue id and client id both: clients use theirs again, and a venue that was wiped its.
    """
    report = stranger.report
    return uuid5(_FOREIGN, f"{stranger.symbol} {report.venue_order_id} {report.client_order_id}")


def adopted(stranger: VenueOrder) -> Order:
    """The order before anything is booked on it: marked foreign, and as old as it is there.

    Raises ValueError where it is of a kind that this program has no word for.
    """
    return Order(
        id=foreign_id(stranger),
        client_order_id=stranger.report.client_order_id,
        venue_order_id=stranger.report.venue_order_id,
        request=OrderRequest(
            symbol=stranger.symbol,
            side=Side(stranger.side),
            type=OrderType(stranger.type),
            quantity=None if stranger.quote_quantity else stranger.quantity,
            quote_quantity=stranger.quote_quantity or None,
            price=stranger.price,
            stop_price=stranger.stop_price,
            time_in_force=TimeInForce(stranger.time_in_force) if stranger.time_in_force else None,
        ),
        status=OrderStatus.PENDING_NEW,
        created_at=stranger.created_at,
        updated_at=stranger.created_at,
        foreign=True,
    )
