"""What can be traded: symbols and the venue's rules for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from trading_system.domain.errors import InvalidRequest

_SYMBOL = re.compile(r"(?P<base>\w{1,20})[/-](?P<quote>\w{1,20})")


@dataclass(frozen=True, slots=True, order=True)
class Symbol:
    """A pair such as BTC/USDT: `base` is bought with `quote`; written BTC-USDT inside a URL."""

    base: str
    quote: str

    @classmethod
    def parse(cls, text: str) -> Symbol:
        """Read "BTC/USDT" or "BTC-USDT" in any case; raises InvalidRequest for anything else."""
        match = _SYMBOL.fullmatch(text.strip().upper())
        if match is None:
            raise InvalidRequest(f"{text!r} is not a symbol; write it like BTC/USDT or BTC-USDT")
        return cls(match["base"], match["quote"])

    @property
    def slug(self) -> str:
        """The form that fits into a URL path."""
        return f"{self.base}-{self.quote}"

    def __str__(self) -> str:
        return f"{self.base}/{self.quote}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A symbol with the venue's trading rules; `None` where the venue sets no bound.

    Quantities count base asset, prices and notionals quote asset. Those that begin with `market`
    are of market orders only; `trailing_above` and `trailing_below` are the least and the most
    basis points by which a stop may follow a market that rises to it, or falls. A price must lie
    within the venue's average price times the two numbers of `buy_band` or `sell_band`.
    `list_kinds` are the order lists that are taken.
    """

    symbol: Symbol
    venue_id: str
    tradable: bool
    order_types: frozenset[str]
    tick_size: Decimal
    step_size: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    min_notional: Decimal | None
    max_notional: Decimal | None
    min_notional_of_market: bool = True
    max_notional_of_market: bool = False
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    market_step_size: Decimal | None = None
    market_min_quantity: Decimal | None = None
    market_max_quantity: Decimal | None = None
    iceberg_parts: int | None = None
    trailing_above: tuple[int, int] = (1, 10_000)
    trailing_below: tuple[int, int] = (1, 10_000)
    quote_quantity_allowed: bool = True
    buy_band: tuple[Decimal, Decimal] | None = None
    sell_band: tuple[Decimal, Decimal] | None = None
    list_kinds: frozenset[str] = frozenset()

    def notional_bounds(self, *, market: bool) -> tuple[Decimal | None, Decimal | None]:
        """The least and the most a market order may be worth, or any other order."""
        return (
            self.min_notional if self.min_notional_of_market or not market else None,
            self.max_notional if self.max_notional_of_market or not market else None,
        )
