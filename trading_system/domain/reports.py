"""What a venue says about an order at one moment; any source, one shape."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from trading_system.domain.instruments import Symbol


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

    `fills` may be some of the order's fills. `quantity` is what is asked for in all and `price` at
    what limit, where they were told and may be amended. `status` is an OrderStatus value as text,
    so that this module stays below the order itself.
    """

    client_order_id: str
    status: str
    source: str
    time: datetime
    venue_order_id: str | None = None
    executed_quantity: Decimal = Decimal(0)
    executed_quote: Decimal = Decimal(0)
    fills: tuple[Fill, ...] = ()
    quantity: Decimal | None = None
    price: Decimal | None = None
    reject_code: int | None = None
    reject_reason: str | None = None

    @property
    def is_push(self) -> bool:
        """It was told unasked, of a moment that may lie before what we did last."""
        return self.source == "stream"

    @property
    def may_be_older(self) -> bool:
        """It is of a moment that may lie before what we did last: pushed, or from a list.

        Lists are long, and what they tell is booked when the last of them has been read.
        """
        return self.is_push or self.source == "reconciler"


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueOrder:
    """An order as the venue has it on record, whoever placed it; `report` says how far it got.

    `side`, `type` and `time_in_force` are texts of the domain's enums, as `Report.status` is.
    """

    symbol: Symbol
    side: str
    type: str
    time_in_force: str | None
    quantity: Decimal
    quote_quantity: Decimal | None
    price: Decimal | None
    stop_price: Decimal | None
    created_at: datetime
    report: Report


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueFill:
    """One execution on the venue's record, with the venue's id of its order."""

    symbol: Symbol
    venue_order_id: str
    side: str
    fill: Fill


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """What came of cancelling one order and placing another in one call.

    `cancelled` and `placed` are None where that half was refused (`cancel_refusal`,
    `place_refusal` say why) or, for the second, not attempted.
    """

    cancelled: Report | None
    placed: Report | None
    cancel_refusal: str | None = None
    place_refusal: str | None = None
    place_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What the account holds of one asset: `locked` is tied up in open orders."""

    asset: str
    free: Decimal
    locked: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class VenuePosition:
    """What a margin account holds of one symbol: `quantity` in base asset, negative when short.

    Prices and `unrealised` in quote asset. `mark_price` and `leverage` are None where the venue
    did not tell them, as in what it pushes.
    """

    symbol: Symbol
    quantity: Decimal
    entry_price: Decimal
    unrealised: Decimal
    mark_price: Decimal | None = None
    leverage: int | None = None
