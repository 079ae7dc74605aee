"""What a server needs of an exchange that was opened, whatever its market is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import NamedTuple

from trading_system.simulator.calls import Prepare
from trading_system.simulator.exchange import Exchange

ACCOUNT = "main"
PURSE: Mapping[str, Decimal] = {
    "USDT": Decimal(1_000_000),
    "USDC": Decimal(1_000_000),
    "FDUSD": Decimal(1_000_000),
    "EUR": Decimal(1_000_000),
    "TRY": Decimal(1_000_000),
    "BTC": Decimal(10),
    "ETH": Decimal(100),
    "BNB": Decimal(100),
}
"""What an account holds at first of the assets everybody knows."""


class Opened(NamedTuple):
    """The exchange, its clock (ms UTC), and what has to be asked before a call is answered."""

    exchange: Exchange
    clock: Callable[[], int]
    prepare: Prepare | None = None
