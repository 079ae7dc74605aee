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

    Quantities count base asset, prices and notionals quote asset.
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
