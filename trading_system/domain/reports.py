"""What a venue says about an order at one moment; any source, one shape."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution: `fee` is in `fee_asset`; `maker` is None when the answer did not say."""

    trade_id: str
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    fee: Decimal
    fee_asset: str
    maker: bool | None
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The state of one order as told by `source`; executed amounts are totals.

    `fills` may be some of the order's fills. `status` is an OrderStatus value as text, so that this
    module stays below the order itself.
    """

    client_order_id: str
    status: str
    source: str
    time: datetime
    venue_order_id: str | None = None
    executed_quantity: Decimal = Decimal(0)
    executed_quote: Decimal = Decimal(0)
    fills: tuple[Fill, ...] = ()
    reject_code: int | None = None
    reject_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What the account holds of one asset: `locked` is tied up in open orders."""

    asset: str
    free: Decimal
    locked: Decimal
