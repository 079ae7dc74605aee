"""/order-lists: orders that hang together, placed and cancelled as one."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response

from trading_system.api.dependencies import IdempotencyKey, System
from trading_system.api.documentation import problems
from trading_system.api.errors import refused_order
from trading_system.api.list_schemas import OrderListIn, OrderListOut
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
from trading_system.domain.order_lists import ListStatus

router = APIRouter(prefix="/order-lists", tags=["orders"])

ListId = Annotated[
    UUID, Path(description="Our id", examples=["0193f3a2-7c1e-7b8a-9d40-5a1b2c3d4e61"])
]
_UNKNOWN = {
    HTTPStatus.ACCEPTED: {
        "model": OrderListOut,
        "description": "The venue's answer got lost; each leg is looked up until it is known",
    }
}


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    summary="Place an order list",
    response_model=OrderListOut,
    responses=_UNKNOWN
    | problems(Rejected, Unfit, InvalidRequest, NotAllowed, UnknownSymbol, KeyReused, Unreachable),
)
async def place(
    parts: System,
    body: OrderListIn,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> OrderListOut | Response:
    """Save it with all its legs, send it once, and answer with how far it got.

    All of it is placed, or nothing. 202 when the venue's answer got lost: do not send it again,
    look it up at the Location. Each leg is an order as well, found under /orders.
    """
    order_list = await parts.desk.place_list(body.request(), idempotency_key)
    if order_list.status is ListStatus.REJECTED:
        first = order_list.orders[0]
        return refused_order(
            first, await parts.adviser.advice(first), order_list_id=str(order_list.id)
        )
    if order_list.status is ListStatus.UNKNOWN:
        response.status_code = HTTPStatus.ACCEPTED
    response.headers["Location"] = f"/order-lists/{order_list.id}"
    return OrderListOut.of(order_list)


@router.get("/{list_id}", summary="One order list", responses=problems(NotFound))
async def get_list(parts: System, list_id: ListId) -> OrderListOut:
    """The list and its legs as we know them now."""
    return OrderListOut.of(await parts.order_lists.get(list_id))


@router.delete(
    "/{list_id}",
    summary="Cancel an order list",
    responses=_UNKNOWN | problems(Rejected, NotFound, Unreachable),
)
async def cancel(parts: System, list_id: ListId, response: Response) -> OrderListOut:
    """The list as it stands afterwards; cancelling one of its legs does the same.

    202 when the venue's answer got lost, or it has not told of a leg yet: the list may or may not
    be cancelled.
    """
    try:
        order_list = await parts.order_lists.cancel(list_id)
    except (OutcomeUnknown, OrderNotFound):
        response.status_code = HTTPStatus.ACCEPTED
        order_list = await parts.order_lists.get(list_id)
    return OrderListOut.of(order_list)
