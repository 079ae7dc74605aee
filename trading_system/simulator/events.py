"""What happened to orders and accounts, as the venue tells it in order."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from trading_system.simulator.list_model import Contingency, ListStatus
from trading_system.simulator.model import Fill, Order
from trading_system.simulator.self_trades import PreventedMatch


class Execution(StrEnum):
    """What happened to an order, as `x` of an executionReport."""

    NEW = "NEW"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    TRADE = "TRADE"
    EXPIRED = "EXPIRED"
    REPLACED = "REPLACED"
    TRADE_PREVENTION = "TRADE_PREVENTION"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent:
    """Something happened to an order; `order` is a copy taken right then.

    `id` grows from one execution of the venue to the next, whoever's order it is.
    """

    id: int = 0
    execution: Execution
    order: Order
    fill: Fill | None = None
    prevented: PreventedMatch | None = None
    refusal: str | None = None
    cancel_client_order_id: str | None = None
    old_client_order_id: str | None = None
    time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceEvent:
    """These assets of an account may have changed: asset -> (free, locked)."""

    account: str
    balances: dict[str, tuple[Decimal, Decimal]]
    time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositEvent:
    """Money came in from elsewhere."""

    account: str
    asset: str
    amount: Decimal
    time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceEvent:
    """How the two halves of a cancelReplace ended; None: refused or not attempted."""

    cancelled: Order | None
    placed: Order | None
    time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEvent:
    """A list of orders began, went on or is done; `orders` are copies taken right then.

    `cancel_client_order_id` is None unless somebody cancelled it.
    """

    list_id: int
    client_order_id: str
    account: str
    symbol: str
    contingency: Contingency
    status: ListStatus
    orders: tuple[Order, ...]
    cancel_client_order_id: str | None = None
    time: int


Event = OrderEvent | ListEvent | BalanceEvent | DepositEvent | ReplaceEvent
