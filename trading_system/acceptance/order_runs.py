"""The runs that trade: at the market, and with limits that are changed and cancelled.

Nothing of what they place stays open.
"""

from __future__ import annotations

from decimal import Decimal

from trading_system.acceptance.ground import FAR, Ground, Run
from trading_system.domain.orders import Order, OrderRequest, OrderStatus, OrderType, Side
from trading_system.soak.verdict import Check

_NEARER = Decimal("0.91")


async def market_orders(ground: Ground) -> Run:
    """Three buys and two sells at the market, all filled."""
    orders = []
    for side in (Side.BUY, Side.SELL, Side.BUY, Side.SELL, Side.BUY):
        request = OrderRequest(
            symbol=ground.symbol,
            side=side,
            type=OrderType.MARKET,
            quantity=ground.lots(await ground.bid()),
        )
        placed = await ground.system.desk.place(request)
        orders.append(await ground.settled(placed, {OrderStatus.FILLED}))
    checks = [
        Check(
            promise=f"market {order.request.side.lower()} filled",
            kept=order.status is OrderStatus.FILLED
            and order.executed_quantity == order.request.quantity
            and await _fills_add_up(ground, order),
            detail=f"{order.status}: {order.executed_quantity} at {order.average_price}, "
            f"acknowledged in {order.latency_ms} ms",
        )
        for order in orders
    ]
    return Run(
        name="market orders",
        wanted="5 market orders, 3 buys and 2 sells, filled",
        checks=tuple(checks),
        orders=tuple(orders),
    )


async def limit_orders(ground: Ground) -> Run:
    """Three limit orders, two of them changed, one cancelled; the others cancelled afterwards."""
    placed = [await ground.rest() for _ in range(3)]
    price, quantity = placed[0].request.price, placed[1].request.quantity
    assert price is not None  # noqa: S101 -- limit orders have both
    assert quantity is not None  # noqa: S101
    nearer, smaller = ground.on_tick(price / FAR * _NEARER), quantity / 2
    changed = [
        await ground.system.desk.modify(placed[0].id, price=nearer),
        await ground.system.desk.modify(placed[1].id, quantity=smaller),
    ]
    cancelled = await ground.system.order_manager.cancel(placed[2].id)
    cancelled = await ground.settled(cancelled, {OrderStatus.CANCELED})
    checks = [
        Check(
            promise=f"limit order {number} rests",
            kept=order.status is OrderStatus.NEW,
            detail=f"{order.status}: {order.request.quantity} at {order.request.price}",
        )
        for number, order in enumerate(placed, 1)
    ]
    for what, order, wanted in (
        ("price", changed[0], (nearer, placed[0].request.quantity)),
        ("quantity", changed[1], (placed[1].request.price, smaller)),
    ):
        theirs = await ground.system.trading.find(order)
        got = order.request.price, order.request.quantity
        checks.append(
            Check(
                promise=f"its {what} changed",
                kept=got == wanted and theirs.status == OrderStatus.NEW,
                detail=f"{theirs.status} at the venue: {got[1]} at {got[0]}",
            )
        )
    checks.append(
        Check(
            promise="the third cancelled",
            kept=cancelled.status is OrderStatus.CANCELED,
            detail=str(cancelled.status),
        )
    )
    ended = [await ground.system.order_manager.cancel(order.id) for order in changed]
    return Run(
        name="limit orders",
        wanted="3 limit orders, 2 modified, 1 cancelled",
        checks=tuple(checks),
        orders=(*placed, *ended, cancelled),
    )


async def _fills_add_up(ground: Ground, order: Order) -> bool:
    fills = await ground.system.orders.fills(order_id=order.id)
    return sum(row.fill.quantity for row in fills) == order.executed_quantity
