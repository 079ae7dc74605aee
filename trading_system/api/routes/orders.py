"""/orders: place, look, modify, cancel."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from trading_system.api.dependencies import IdempotencyKey, Limit, SymbolInQuery, System
from trading_system.api.documentation import problems
from trading_system.api.errors import STATUSES, problem, refused_order
from trading_system.api.order_schemas import ModifyIn, OrderIn, OrderOut
from trading_system.api.placed_schemas import AdvisedOut, PlacedOut
from trading_system.domain.errors import (
    InvalidRequest,
    KeyReused,
    NotAllowed,
    NotFound,
    OrderNotFound,
    OutcomeUnknown,
    Rejected,
    UnknownSymbol,
    Unreachable,
)
from trading_system.domain.filters import Unfit
from trading_system.domain.orders import NotModified, OrderStatus

router = APIRouter(prefix="/orders", tags=["orders"])

OrderId = Annotated[
    UUID,
    Path(description="Our id", examples=["0193f3a2-7c1e-7b8a-9d40-5a1b2c3d4e5f"]),
]
_UNKNOWN = {
    HTTPStatus.ACCEPTED: {
        "model": OrderOut,
        "description": "The venue's answer got lost; the order is looked up until it is known",
    }
}


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    summary="Place an order",
    response_model=PlacedOut,
    response_model_exclude_unset=True,
    responses=_UNKNOWN
    | problems(Rejected, Unfit, NotAllowed, UnknownSymbol, KeyReused, Unreachable),
)
async def place(
    parts: System,
    body: OrderIn,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> PlacedOut | Response:
    """Save it, send it once, and answer with how far it got.

    202 when the venue's answer got lost: do not send it again, look it up at the Location.
    """
    asked = body.request()
    order = await parts.desk.place(asked, idempotency_key, conform=body.conform)
    if order.status is OrderStatus.REJECTED:
        return refused_order(order, await parts.adviser.advice(order))
    if order.status is OrderStatus.UNKNOWN:
        response.status_code = HTTPStatus.ACCEPTED
    response.headers["Location"] = f"/orders/{order.id}"
    return PlacedOut.answering(asked, order)


@router.get("", summary="Our orders, newest first")
async def list_orders(
    parts: System,
    symbol: SymbolInQuery,
    status: Annotated[
        list[OrderStatus] | None,
        Query(description="Only in these states; may be repeated", examples=[["NEW"]]),
    ] = None,
    limit: Limit = 500,
) -> list[OrderOut]:
    """Every order ever placed here, unless `status` and `symbol` say otherwise."""
    statuses = frozenset(status) if status else None
    orders = await parts.orders.all(statuses=statuses, symbol=symbol, limit=limit)
    return [OrderOut.of(order) for order in orders]


@router.get(
    "/{order_id}",
    summary="One order",
    response_model_exclude_unset=True,
    responses=problems(NotFound),
)
async def get_order(parts: System, order_id: OrderId) -> AdvisedOut:
    """The order as we know it now; when the venue refused it, with what to change about it."""
    order = await parts.orders.get(order_id)
    return AdvisedOut.advised(order, await parts.adviser.advice(order))


@router.patch(
    "/{order_id}",
    summary="Modify an order",
    response_model=OrderOut,
    responses=_UNKNOWN
    | problems(NotFound, InvalidRequest, Unfit, NotAllowed, NotModified, Unreachable, Rejected),
)
async def modify(
    parts: System, order_id: OrderId, body: ModifyIn, response: Response
) -> OrderOut | Response:
    """Change price, quantity or both of a resting order; the order that rests now.

    The quantity is what is to be open afterwards. Less of it keeps the order's place in the queue;
    otherwise another order takes its place, told by `replaces`. When none did, the problem shows
    both as they stand: the old one may be gone. 202 when the venue's answer got lost.
    """
    try:
        order = await parts.desk.modify(order_id, price=body.price, quantity=body.quantity)
    except NotModified as refused:
        advice = None if refused.new is None else await parts.adviser.advice(refused.new)
        return not_modified(refused, advice)
    except OutcomeUnknown:
        order = await parts.orders.get(order_id)
        response.status_code = HTTPStatus.ACCEPTED
    if order.status is OrderStatus.UNKNOWN:
        response.status_code = HTTPStatus.ACCEPTED
    response.headers["Location"] = f"/orders/{order.id}"
    return OrderOut.of(order)


def not_modified(refused: NotModified, advice: str | None) -> Response:
    """The problem with both orders; `new` is null where none was needed."""
    old, new = OrderOut.of(refused.old), refused.new and AdvisedOut.advised(refused.new, advice)
    return problem(
        STATUSES[NotModified],
        str(refused),
        kind=NotModified,
        old=old.model_dump(mode="json"),
        new=new and new.model_dump(mode="json", exclude_unset=True),
    )


@router.delete(
    "/{order_id}",
    summary="Cancel an order",
    responses=_UNKNOWN | problems(Rejected, NotFound, Unreachable),
)
async def cancel(parts: System, order_id: OrderId, response: Response) -> OrderOut:
    """The order as it stands afterwards; one that ended before is returned as it ended.

    While a modification puts another order in its place, that one is cancelled too and returned:
    its `replaces` tells. 202 when the venue's answer got lost, or it has not told of the order yet:
    the order may or may not be cancelled.
    """
    try:
        order = await parts.order_manager.cancel(order_id)
    except (OutcomeUnknown, OrderNotFound):
        response.status_code = HTTPStatus.ACCEPTED
        order = await parts.orders.get(order_id)
    return OrderOut.of(order)
