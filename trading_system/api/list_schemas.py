"""Order lists as they travel: legs by their place in the list."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BeforeValidator, Field, model_validator

from trading_system.api.order_members import MEMBERS, objection
from trading_system.api.order_schemas import ORDER_EXAMPLE, OrderOut
from trading_system.api.scalars import DecimalIn, SymbolText
from trading_system.api.schemas import In, Out, example
from trading_system.domain.instruments import Symbol
from trading_system.domain.order_lists import (
    LEGS,
    Leg,
    ListKind,
    ListStatus,
    OrderList,
    OrderListRequest,
)
from trading_system.domain.order_lists import objection as list_objection
from trading_system.domain.orders import OrderRequest, OrderType, Side, TimeInForce

_LIST_ID = "0193f3a2-7c1e-7b8a-9d40-5a1b2c3d4e61"


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


class LegIn(In):
    """One order of a list; `side` and `quantity` are the list's unless it has its own."""

    type: Annotated[OrderType, BeforeValidator(_upper)]
    side: Annotated[Side | None, BeforeValidator(_upper)] = None
    quantity: DecimalIn | None = None
    price: DecimalIn | None = None
    stop_price: DecimalIn | None = None
    time_in_force: Annotated[TimeInForce | None, BeforeValidator(_upper)] = None
    trailing_delta: Annotated[int | None, Field(gt=0, strict=True)] = None
    iceberg_quantity: DecimalIn | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        given = {name for name in MEMBERS if getattr(self, name, None) is not None}
        if (wrong := objection(self.type, given)) is not None:
            raise ValueError(wrong)
        return self

    def request(self, symbol: Symbol, side: Side, quantity: DecimalIn) -> OrderRequest:
        """The wish, in the domain's words."""
        return OrderRequest(
            symbol=symbol,
            side=self.side or side,
            type=self.type,
            quantity=self.quantity or quantity,
            price=self.price,
            stop_price=self.stop_price,
            time_in_force=self.time_in_force,
            trailing_delta=self.trailing_delta,
            iceberg_quantity=self.iceberg_quantity,
        )


class OrderListIn(In):
    """Orders that hang together; which legs are sent depends on the kind.

    oco: `above` and `below` the market, of which only one ever trades. oto: `pending` waits until
    `working` has filled. otoco: `above` and `below` wait for `working`.
    """

    model_config = example(
        kind="oco",
        symbol="BTC/USDT",
        side="sell",
        quantity="0.001",
        above={"type": "limit_maker", "price": "110000.00"},
        below={"type": "stop_loss_limit", "stop_price": "90000.00", "price": "89900.00"},
    )

    kind: Annotated[ListKind, BeforeValidator(_upper)]
    symbol: SymbolText
    side: Annotated[Side, BeforeValidator(_upper)]
    quantity: DecimalIn
    working: LegIn | None = None
    pending: LegIn | None = None
    above: LegIn | None = None
    below: LegIn | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (wrong := list_objection(self.request())) is not None:
            raise ValueError(wrong)
        return self

    def request(self) -> OrderListRequest:
        """The wish, in the domain's words; legs of other kinds follow those of its own."""
        wanted = [*LEGS[self.kind], *(leg for leg in Leg if leg not in LEGS[self.kind])]
        legs: list[tuple[Leg, LegIn | None]] = [(leg, getattr(self, leg)) for leg in wanted]
        return OrderListRequest(
            kind=self.kind,
            legs={
                leg: sent.request(self.symbol, self.side, self.quantity)
                for leg, sent in legs
                if sent is not None
            },
        )


class OrderListOut(Out):
    """A list with its legs as they stand now.

    PENDING: saved and not answered; UNKNOWN: the answer got lost; EXECUTING: a leg is open;
    ALL_DONE: none is; REJECTED: the venue refused it.
    """

    model_config = example(
        id=_LIST_ID,
        client_list_id="tl-0193f3a27c1e7b8a9d405a1b2c3d4e61",
        kind="OCO",
        symbol="BTC/USDT",
        status="EXECUTING",
        legs={"above": ORDER_EXAMPLE, "below": ORDER_EXAMPLE},
        created_at="2026-01-01T12:00:00Z",
    )

    id: UUID
    client_list_id: str
    kind: ListKind
    symbol: SymbolText
    status: ListStatus
    legs: dict[Leg, OrderOut]
    created_at: datetime

    @classmethod
    def of(cls, order_list: OrderList) -> Self:
        """Made from the list."""
        return cls(
            id=order_list.id,
            client_list_id=order_list.client_list_id,
            kind=order_list.kind,
            symbol=order_list.symbol,
            status=order_list.status,
            legs={leg: OrderOut.of(order) for leg, order in order_list.legs.items()},
            created_at=order_list.created_at,
        )
