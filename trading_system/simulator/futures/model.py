"""The words of the futures core: what is traded, orders, positions' fills and commands.

An order in the book is the spot core's own, with what futures add to it, so that its book, its
matching and its triggers serve both. Money is Decimal, times are integer ms UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from trading_system.simulator.model import Fill, Order, Side
from trading_system.simulator.self_trades import SelfTradePrevention

MARGIN_ASSET = "USDT"
"""The one asset that perpetuals here are quoted and settled in."""


class OrderType(StrEnum):
    """What an order may be called; the last five wait for a trigger as algo orders."""

    LIMIT = "LIMIT"
    MARKET = "MARKET"
    STOP = "STOP"
    STOP_MARKET = "STOP_MARKET"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_MARKET = "TAKE_PROFIT_MARKET"
    TRAILING_STOP_MARKET = "TRAILING_STOP_MARKET"

    @property
    def is_conditional(self) -> bool:
        return self not in {OrderType.LIMIT, OrderType.MARKET}

    @property
    def has_price(self) -> bool:
        """Carries a limit price."""
        return self in {OrderType.LIMIT, OrderType.STOP, OrderType.TAKE_PROFIT}


class TimeInForce(StrEnum):
    """GTC rests, IOC drops its rest, FOK fills wholly or is refused, GTX is refused if it takes."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTX = "GTX"


class AlgoStatus(StrEnum):
    """The life of an algo order, as `X` of an ALGO_UPDATE."""

    NEW = "NEW"
    TRIGGERING = "TRIGGERING"
    TRIGGERED = "TRIGGERED"
    FINISHED = "FINISHED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


class Expiry(StrEnum):
    """Why an order expired, as `er` of an ORDER_TRADE_UPDATE."""

    SELF_TRADE = "1"
    IOC = "2"
    REDUCE_ONLY = "4"
    MARKET = "9"


@dataclass(frozen=True, slots=True, kw_only=True)
class FuturesFill(Fill):
    """One execution with the profit it realised, before the commission."""

    realised: Decimal


@dataclass(slots=True, kw_only=True)
class FuturesOrder(Order):
    """A LIMIT or MARKET order; `post_only` is timeInForce GTX.

    `algo_id` is that of the algo order it came from, 0 for none.
    """

    post_only: bool = False
    reduce_only: bool = False
    close_position: bool = False
    algo_id: int = 0
    modifications: int = 0
    executions: tuple[FuturesFill, ...] = ()

    @property
    def average_price(self) -> Decimal:
        """What it has traded at; 0 before it has."""
        return self.executed_quote / self.executed if self.executed else Decimal(0)


@dataclass(slots=True, kw_only=True)
class AlgoOrder(Order):
    """An order that waits for its trigger; then it places another one and follows it to its end.

    Its ids are those of the algo order, its type is what the spot core calls such a condition,
    `kind` what futures call it, `activation` where a trailing stop begins to follow.
    """

    kind: OrderType
    state: AlgoStatus = AlgoStatus.NEW
    post_only: bool = False
    reduce_only: bool = False
    close_position: bool = False
    callback_rate: Decimal | None = None
    activation: Decimal | None = None
    triggered: int = 0
    actual_id: int | None = None
    actual_price: Decimal = Decimal(0)
    actual_quantity: Decimal = Decimal(0)
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder:
    """POST order: LIMIT or MARKET, its parameters read and typed but not yet judged."""

    account: str
    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce | None = None
    quantity: Decimal | None = None
    price: Decimal | None = None
    reduce_only: bool = False
    client_order_id: str | None = None
    stp: SelfTradePrevention | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModifyOrder:
    """PUT order: another price and quantity for a LIMIT order that is open."""

    account: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    order_id: int | None = None
    client_order_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder:
    """DELETE order."""

    account: str
    symbol: str
    order_id: int | None = None
    client_order_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAll:
    """DELETE allOpenOrders of one symbol."""

    account: str
    symbol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceAlgo:
    """POST algoOrder, algoType CONDITIONAL."""

    account: str
    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce | None = None
    quantity: Decimal | None = None
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    activation: Decimal | None = None
    callback_rate: Decimal | None = None
    reduce_only: bool = False
    close_position: bool = False
    client_order_id: str | None = None
    stp: SelfTradePrevention | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAlgo:
    """DELETE algoOrder."""

    account: str
    order_id: int | None = None
    client_order_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAllAlgos:
    """DELETE algoOpenOrders of one symbol."""

    account: str
    symbol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLeverage:
    """POST leverage of one symbol."""

    account: str
    symbol: str
    leverage: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """Let the market run up to now: resting orders fill, algo orders trigger."""


Command = (
    PlaceOrder
    | ModifyOrder
    | CancelOrder
    | CancelAll
    | PlaceAlgo
    | CancelAlgo
    | CancelAllAlgos
    | SetLeverage
    | Advance
)
