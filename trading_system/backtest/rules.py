"""What a backtest takes for granted: money, costs, fill rule, lot sizes and stops.

Refuses settings that make no sense before a single bar is looked at.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from trading_system.domain.errors import InvalidRequest


class FillRule(StrEnum):
    """When what was decided at a close is done: at the next open, or at that same close.

    The close is a price that nobody could have traded at any more: for comparisons only.
    """

    NEXT_OPEN = "next_open"
    CLOSE = "close"


class Sizing(StrEnum):
    """A target of 1 is worth all there is (`compounding`) or the starting capital (`fixed`)."""

    COMPOUNDING = "compounding"
    FIXED = "fixed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Money in quote asset, quantities in base asset, everything else a share: 0.001 is 0.1 %.

    Orders that take pay `fee_taker` and the slippage: `slippage_bps` and half of `spread_bps` of
    the price, and `impact` x (quantity / volume of the bar)², the share being at most 1 (zipline,
    VolumeShareSlippage, whose default impact is 0.1; unlike there no order is left unfilled).
    Take-profits and grids rest, so they pay `fee_maker` and nothing else.

    `lot_step`: quantities are multiples of it, 0 for any; `min_notional`: an order that is worth
    less is skipped, but for one that a stop sends. `stop_loss`, `take_profit` and `trailing_stop`
    are distances from the average entry price or from the best price since; 0 for none.
    """

    capital: float = 10_000.0
    fee_taker: float = 0.001
    fee_maker: float = 0.001
    slippage_bps: float = 0.0
    spread_bps: float = 0.0
    impact: float = 0.0
    fill: FillRule = FillRule.NEXT_OPEN
    sizing: Sizing = Sizing.COMPOUNDING
    lot_step: float = 0.0
    min_notional: float = 0.0
    stop_loss: float = 0.0
    take_profit: float = 0.0
    trailing_stop: float = 0.0
    short: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.capital < math.inf:
            raise InvalidRequest(f"capital={self.capital:g} must be positive")
        for name in ("fee_taker", "fee_maker", "impact", "stop_loss", "trailing_stop"):
            share = getattr(self, name)
            if not 0 <= share < 1:
                raise InvalidRequest(f"{name}={share:g} is a share: 0 <= {name} < 1")
        for name in ("lot_step", "min_notional", "take_profit", "slippage_bps", "spread_bps"):
            value = getattr(self, name)
            if not 0 <= value < math.inf:
                raise InvalidRequest(f"{name}={value:g} must not be negative")
        if self.slippage + self.impact >= 1:
            raise InvalidRequest("slippage, half the spread and impact together reach the price")

    @property
    def slippage(self) -> float:
        """The share of the price that every taking order loses, whatever its size."""
        return (self.slippage_bps + self.spread_bps / 2) / 10_000
