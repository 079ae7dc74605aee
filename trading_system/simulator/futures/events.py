"""What happened to orders, positions and settings, as the futures core tells it in order."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from trading_system.simulator.futures.model import AlgoOrder, FuturesFill, FuturesOrder
from trading_system.simulator.futures.positions import Position


class Execution(StrEnum):
    """What happened to an order, as `x` of an ORDER_TRADE_UPDATE."""

    NEW = "NEW"
    CANCELED = "CANCELED"
    TRADE = "TRADE"
    EXPIRED = "EXPIRED"
    AMENDMENT = "AMENDMENT"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent:
    """Something happened to an order; `order` is a copy taken right then.

    `bids` and `asks` are the worth of all the account's open orders of the symbol by then.
    """

    execution: Execution
    order: FuturesOrder
    fill: FuturesFill | None = None
    bids: Decimal
    asks: Decimal
    time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEvent:
    """A fill changed the wallet and a position; `mark` is the price that values it."""

    account: str
    balance: Decimal
    symbol: str
    position: Position
    mark: Decimal
    time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlgoEvent:
    """Something happened to an algo order; `order` is a copy taken right then."""

    order: AlgoOrder
    time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeverageEvent:
    """Another leverage is set for a symbol."""

    account: str
    symbol: str
    leverage: int
    time: int


Event = OrderEvent | AccountEvent | AlgoEvent | LeverageEvent
