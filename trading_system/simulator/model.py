"""The words the simulator's parts speak with each other: rules, orders, trades, commands.

Money is Decimal, times are integer ms UTC. Names follow Binance where the wire does not force
otherwise; `quantity` counts base asset, `quote` counts quote asset.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from trading_system.simulator.amendments import Amendment, AmendOrder
from trading_system.simulator.self_trades import PreventedMatch, SelfTradePrevention

NO_LIST = -1
"""The list of an order that is in none."""


class Refused(Exception):
    """The venue says no: `code` and `message` as on the wire, `status` the HTTP status.

    `data` carries what cancelReplace adds to its error body.
    """

    def __init__(
        self, code: int, message: str, *, status: int = 400, data: dict[str, object] | None = None
    ) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code
        self.message = message
        self.status = status
        self.data = data


class Side(StrEnum):
    """BUY receives base, SELL receives quote."""

    BUY = "BUY"
    SELL = "SELL"


class OrderType(StrEnum):
    """Binance Spot order types."""

    LIMIT = "LIMIT"
    MARKET = "MARKET"
    LIMIT_MAKER = "LIMIT_MAKER"
    STOP_LOSS = "STOP_LOSS"
    STOP_LOSS_LIMIT = "STOP_LOSS_LIMIT"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_LIMIT = "TAKE_PROFIT_LIMIT"


class TimeInForce(StrEnum):
    """GTC rests, IOC drops its rest, FOK fills wholly or not at all."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class Status(StrEnum):
    """Order status as on the wire; PENDING_NEW waits for another order of its list to fill."""

    PENDING_NEW = "PENDING_NEW"
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"
    REJECTED = "REJECTED"

    @property
    def is_open(self) -> bool:
        """Still able to fill."""
        return self in {Status.PENDING_NEW, Status.NEW, Status.PARTIALLY_FILLED}


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolRules:
    """One listed symbol with everything its filters and its exchangeInfo entry need.

    Zero disables a bound, as on Binance.
    """

    symbol: str
    base: str
    quote: str
    status: str = "TRADING"
    base_precision: int = 8
    quote_precision: int = 8
    tick_size: Decimal = Decimal("0.01")
    min_price: Decimal = Decimal("0.01")
    max_price: Decimal = Decimal(1_000_000)
    step_size: Decimal = Decimal("0.00001")
    min_quantity: Decimal = Decimal("0.00001")
    max_quantity: Decimal = Decimal(9_000)
    market_min_quantity: Decimal = Decimal(0)
    market_max_quantity: Decimal = Decimal(0)
    market_step_size: Decimal = Decimal(0)
    min_notional: Decimal = Decimal(5)
    max_notional: Decimal = Decimal(9_000_000)
    apply_min_to_market: bool = True
    apply_max_to_market: bool = False
    bid_multiplier_up: Decimal = Decimal(5)
    bid_multiplier_down: Decimal = Decimal("0.2")
    ask_multiplier_up: Decimal = Decimal(5)
    ask_multiplier_down: Decimal = Decimal("0.2")
    avg_price_mins: int = 5
    percent_multiplier_up: Decimal = Decimal(0)  # PERCENT_PRICE, which older symbols have
    percent_multiplier_down: Decimal = Decimal(0)
    least_worth: Decimal = Decimal(0)  # MIN_NOTIONAL, which older symbols have
    least_worth_of_market: bool = True
    iceberg_parts: int = 100
    max_num_orders: int = 200
    max_num_algo_orders: int = 5
    max_num_iceberg_orders: int = 0
    max_num_order_lists: int = 20
    max_num_order_amends: int = 10
    amend_allowed: bool = True
    max_position: Decimal = Decimal(0)
    min_trailing_above_delta: int = 10
    max_trailing_above_delta: int = 2_000
    min_trailing_below_delta: int = 10
    max_trailing_below_delta: int = 2_000
    order_types: tuple[OrderType, ...] = tuple(OrderType)
    stp_modes: tuple[SelfTradePrevention, ...] = tuple(SelfTradePrevention)
    default_stp: SelfTradePrevention = SelfTradePrevention.EXPIRE_MAKER


class Level(NamedTuple):
    """A price level of the book."""

    price: Decimal
    quantity: Decimal


class Depth(NamedTuple):
    """A view of the book: bids descending, asks ascending."""

    last_update_id: int
    bids: list[Level]
    asks: list[Level]


class MarketTrade(NamedTuple):
    """A trade of the public tape."""

    id: int
    price: Decimal
    quantity: Decimal
    time: int
    buyer_is_maker: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution of an order; the commission is taken from the asset received."""

    trade_id: int
    order_id: int
    list_id: int = NO_LIST
    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal
    commission: Decimal
    commission_asset: str
    maker: bool
    time: int


@dataclass(slots=True, kw_only=True)
class Order:
    """The venue's own record of an order, changed in place by the matching."""

    order_id: int
    list_id: int = NO_LIST
    client_order_id: str
    account: str
    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal = Decimal(0)
    stop_price: Decimal | None = None
    trailing_delta: int | None = None
    trailing_time: int = -1  # since when it follows the tape
    iceberg_quantity: Decimal | None = None
    stp: SelfTradePrevention = SelfTradePrevention.NONE
    strategy_id: int | None = None
    strategy_type: int | None = None
    status: Status = Status.NEW
    executed: Decimal = Decimal(0)
    executed_quote: Decimal = Decimal(0)
    prevented: Decimal = Decimal(0)
    time: int
    updated: int
    working_time: int = -1
    is_working: bool = True
    expiry_reason: str | None = None
    fills: list[Fill] = field(default_factory=list)
    prevented_matches: list[PreventedMatch] = field(default_factory=list)
    amendments: list[Amendment] = field(default_factory=list)

    @property
    def remaining(self) -> Decimal:
        """Base quantity still to fill (0 base for an order placed by quote quantity)."""
        return self.quantity - self.executed - self.prevented


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder:
    """POST order, its parameters read and typed but not yet judged."""

    account: str
    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce | None = None
    quantity: Decimal | None = None
    quote_quantity: Decimal | None = None
    price: Decimal | None = None
    stop_price: Decimal | None = None
    trailing_delta: int | None = None
    iceberg_quantity: Decimal | None = None
    client_order_id: str | None = None
    stp: SelfTradePrevention | None = None
    strategy_id: int | None = None
    strategy_type: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder:
    """DELETE order; `restriction` is ONLY_NEW or ONLY_PARTIALLY_FILLED."""

    account: str
    symbol: str
    order_id: int | None = None
    client_order_id: str | None = None
    cancel_client_order_id: str | None = None
    restriction: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAll:
    """DELETE openOrders of one symbol."""

    account: str
    symbol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelReplace:
    """POST order/cancelReplace: `allow_failure` is cancelReplaceMode ALLOW_FAILURE."""

    cancel: CancelOrder
    place: PlaceOrder
    allow_failure: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit:
    """Money comes in from elsewhere; nobody can ask for it over the wire."""

    account: str
    asset: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """Let the market run up to now: resting orders fill, stops trigger."""


Command = PlaceOrder | CancelOrder | CancelAll | CancelReplace | AmendOrder | Deposit | Advance
