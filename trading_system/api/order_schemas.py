"""Orders, trades and balances as they travel: every amount an exact decimal in a string."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BeforeValidator, Field, model_validator

from trading_system.api.order_members import MEMBERS, objection
from trading_system.api.scalars import DecimalIn, DecimalOut, SymbolText
from trading_system.api.schemas import In, Out, example
from trading_system.domain.orders import (
    Order,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)
from trading_system.domain.reports import Balance
from trading_system.ports import RecordedFill

_ORDER_ID = "0193f3a2-7c1e-7b8a-9d40-5a1b2c3d4e5f"
_NOON, _LATER = "2026-01-01T12:00:00Z", "2026-01-01T12:00:04Z"


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


class OrderIn(In):
    """An order: exactly one of quantity (base asset) and quote_quantity (quote asset).

    A trailing_delta, in basis points, may stand in for stop_price: the stop then follows the
    market from the next trade on. An order that the venue's filters would refuse is not sent; with
    `conform` prices and amounts are adjusted instead, amounts only ever to less. `reduce_only`, by
    quantity alone, closes a position or a part of it: it is refused for more than is held, and
    taken although trading is paused or a limit is reached.
    """

    model_config = example(
        symbol="BTC/USDT",
        side="buy",
        type="limit",
        quantity="0.001",
        price="93000.00",
        time_in_force="GTC",
    )

    symbol: SymbolText
    side: Annotated[Side, BeforeValidator(_upper)]
    type: Annotated[OrderType, BeforeValidator(_upper)]
    quantity: DecimalIn | None = None
    quote_quantity: DecimalIn | None = None
    price: DecimalIn | None = None
    stop_price: DecimalIn | None = None
    time_in_force: Annotated[TimeInForce | None, BeforeValidator(_upper)] = None
    trailing_delta: Annotated[int | None, Field(gt=0, strict=True)] = None
    iceberg_quantity: DecimalIn | None = None
    reduce_only: bool = False
    conform: bool = False

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.quantity is None) == (self.quote_quantity is None):
            raise ValueError("send either quantity or quote_quantity")
        if self.reduce_only and self.quantity is None:
            raise ValueError("a reduce_only order needs quantity: what it closes is in base asset")
        given = {member for member in MEMBERS if getattr(self, member) is not None}
        if (wrong := objection(self.type, given)) is not None:
            raise ValueError(wrong)
        return self

    def request(self) -> OrderRequest:
        """The wish, in the domain's words."""
        return OrderRequest(
            symbol=self.symbol,
            side=self.side,
            type=self.type,
            quantity=self.quantity,
            quote_quantity=self.quote_quantity,
            price=self.price,
            stop_price=self.stop_price,
            time_in_force=self.time_in_force,
            trailing_delta=self.trailing_delta,
            iceberg_quantity=self.iceberg_quantity,
            reduce_only=self.reduce_only,
        )


class ModifyIn(In):
    """What is to be changed; the quantity is what is to be open afterwards, in the base asset."""

    model_config = example(price="92500.00", quantity="0.0006")

    price: DecimalIn | None = None
    quantity: DecimalIn | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.price is None and self.quantity is None:
            raise ValueError("send price, quantity or both")
        return self


ORDER_EXAMPLE: Mapping[str, Any] = {
    "id": _ORDER_ID,
    "client_order_id": "ts-0193f3a27c1e7b8a9d405a1b2c3d4e5f",
    "venue_order_id": "28457",
    "symbol": "BTC/USDT",
    "side": "BUY",
    "type": "LIMIT",
    "time_in_force": "GTC",
    "quantity": "0.001",
    "quote_quantity": None,
    "price": "93000.00",
    "stop_price": None,
    "trailing_delta": None,
    "iceberg_quantity": None,
    "reduce_only": False,
    "status": "PARTIALLY_FILLED",
    "executed_quantity": "0.0004",
    "executed_quote": "37.2",
    "average_price": "93000",
    "fees": {"BTC": "0.0000004"},
    "mid_price": "92990.00",
    "slippage_percent": "0.010754",
    "latency_ms": 12,
    "reject_code": None,
    "reject_reason": None,
    "replaces": None,
    "list_id": None,
    "foreign": False,
    "created_at": _NOON,
    "updated_at": _LATER,
}


class OrderOut(Out):
    """An order as we know it now.

    `latency_ms` is from sent to acknowledged, `slippage_percent` against the middle of the book
    when it was sent, positive where it cost. `replaces` is the order whose place it took.
    """

    model_config = example(**ORDER_EXAMPLE)

    id: UUID
    client_order_id: str
    venue_order_id: str | None
    symbol: SymbolText
    side: Side
    type: OrderType
    time_in_force: TimeInForce | None
    quantity: DecimalOut | None
    quote_quantity: DecimalOut | None
    price: DecimalOut | None
    stop_price: DecimalOut | None
    trailing_delta: int | None
    iceberg_quantity: DecimalOut | None
    reduce_only: bool
    status: OrderStatus
    executed_quantity: DecimalOut
    executed_quote: DecimalOut
    average_price: DecimalOut | None
    fees: dict[str, DecimalOut]
    mid_price: DecimalOut | None
    slippage_percent: DecimalOut | None
    latency_ms: int | None
    reject_code: int | None
    reject_reason: str | None
    replaces: UUID | None
    list_id: UUID | None
    foreign: bool
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, order: Order, **more: Any) -> Self:
        """Made from the order, and from `more` that a larger model tells."""
        request = order.request
        return cls(
            id=order.id,
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
            symbol=request.symbol,
            side=request.side,
            type=request.type,
            time_in_force=request.time_in_force,
            quantity=request.quantity,
            quote_quantity=request.quote_quantity,
            price=request.price,
            stop_price=request.stop_price,
            trailing_delta=request.trailing_delta,
            iceberg_quantity=request.iceberg_quantity,
            reduce_only=request.reduce_only,
            status=order.status,
            executed_quantity=order.executed_quantity,
            executed_quote=order.executed_quote,
            average_price=order.average_price,
            fees=dict(order.fees),
            mid_price=order.mid_price,
            slippage_percent=order.slippage_percent,
            latency_ms=order.latency_ms,
            reject_code=order.reject_code,
            reject_reason=order.reject_reason,
            replaces=order.replaces,
            list_id=order.list_id,
            foreign=order.foreign,
            created_at=order.created_at,
            updated_at=order.updated_at,
            **more,
        )


class TradeOut(Out):
    """One execution of one of our orders; `maker` is null when the venue did not say."""

    model_config = example(
        trade_id="9001",
        order_id=_ORDER_ID,
        symbol="BTC/USDT",
        side="BUY",
        price="93000.00",
        quantity="0.0004",
        quote_quantity="37.2",
        fee="0.0000004",
        fee_asset="BTC",
        maker=True,
        time=_LATER,
    )

    trade_id: str
    order_id: UUID
    symbol: SymbolText
    side: Side
    price: DecimalOut
    quantity: DecimalOut
    quote_quantity: DecimalOut
    fee: DecimalOut
    fee_asset: str
    maker: bool | None
    time: datetime

    @classmethod
    def of(cls, recorded: RecordedFill) -> Self:
        """Made from the fill."""
        fill = recorded.fill
        return cls(
            trade_id=fill.trade_id,
            order_id=recorded.order_id,
            symbol=recorded.symbol,
            side=Side(recorded.side),
            price=fill.price,
            quantity=fill.quantity,
            quote_quantity=fill.quote_quantity,
            fee=fill.fee,
            fee_asset=fill.fee_asset,
            maker=fill.maker,
            time=fill.time,
        )


class BalanceOut(Out):
    """What the account holds of an asset: `locked` is tied up in open orders."""

    model_config = example(asset="USDT", free="9962.8", locked="55.8", total="10018.6")

    asset: str
    free: DecimalOut
    locked: DecimalOut
    total: DecimalOut

    @classmethod
    def of(cls, balance: Balance) -> Self:
        """Made from the balance."""
        total: Decimal = balance.free + balance.locked
        return cls(asset=balance.asset, free=balance.free, locked=balance.locked, total=total)
