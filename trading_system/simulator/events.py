"""What happened to orders and accounts, as the venue tells it in order."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from trading_system.simulator.model import Fill, Order


class Execution(StrEnum):
    """What happened to an order, as `x` of an executionReport."""

    NEW = "NEW"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    TRADE = "TRADE"
    EXPIRED = "EXPIRED"
    TRADE_PREVENTION = "TRADE_PREVENTION"


class Prevention(NamedTuple):
    """A match with an order of the same account that was prevented, as one of the two sees it."""

    id: int
    counter_order_id: int
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent:
    """Something happened to an order; `order` is a copy taken right then.

    `id` grows from one execution of the venue to the next, whoever's order it is.
    """

    id: int = 0
    execution: Execution
    order: Order
    fill: Fill | None = None
    prevention: Prevention | None = None
    refusal: str | None = None
    cancel_client_order_id: str | None = None
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


Event = OrderEvent | BalanceEvent | DepositEvent | ReplaceEvent
