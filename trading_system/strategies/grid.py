"""Buy every step down and sell it a step up: a grid of resting orders between two prices.

The rules. Prices L[0] < .. < L[m] bound m cells. An empty cell i wants to buy `quantity` at L[i]; a
full one wants to sell it at L[i + 1]; so a cell earns its height each time the price crosses it up
after it crossed it down. A grid begins empty: cells with L[i] at or above the first price buy at
once (they are what the grid sells on the way up), the others wait. A price fills an order when it
touches it. Below L[0] all cells are full and above L[m] all are empty: the grid then waits, which
is its risk. Inside a bar the price goes from the open to the nearer extreme (the low when both are
as near), to the other one and to the close.

`grid_state` holds the same rules for orders that are really placed.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

import numpy as np

from trading_system.domain.errors import InvalidRequest
from trading_system.frames import Column, Frame
from trading_system.strategies import kernels
from trading_system.strategies.base import first, parameter, validate
from trading_system.strategies.indicators import atr

_LEAST_SHARE = 0.1
"""A range from the ATR goes down to this share of the price at most: prices are positive."""


class Spacing(StrEnum):
    """`arithmetic`: cells of one height in quote; `geometric`: of one height in percent."""

    ARITHMETIC = "arithmetic"
    GEOMETRIC = "geometric"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Earn the swings of a market without a trend; targets are the full cells by all cells.

    Its profit is the number of crossings, its loss what is held when the price leaves downwards:
    Chan, Quantitative Trading (2008), chapter 7, on mean reversion as the source of such profits.
    A range that nobody named comes from the average true range (Wilder, 1978) of the first bars,
    so that it suits how far this market moves.
    """

    name: ClassVar[str] = "grid"

    low: float = parameter(0.0, low=0, help="Lowest price; 0 with high=0: from the ATR.")
    high: float = parameter(0.0, low=0, help="Highest price.")
    levels: int = parameter(21, low=2, high=1_000, help="Prices, both ends included.")
    spacing: Spacing = parameter(  # noqa: RUF009 -- a field, as the others
        Spacing.ARITHMETIC, help="Cells of one height in quote or in percent."
    )
    quantity: Decimal = parameter(Decimal("0.001"), low=0, help="Base asset a cell holds.")  # noqa: RUF009 -- the same
    atr_period: int = parameter(14, low=1, high=1_000, help="Bars of the ATR.")
    atr_width: float = parameter(10.0, low=0.1, high=1_000, help="ATRs up and down from the price.")

    def __post_init__(self) -> None:
        validate(self)
        if self.quantity == 0:
            raise InvalidRequest("quantity=0 trades nothing")
        if not self.automatic and not 0 < self.low < self.high:
            raise InvalidRequest(f"0 < low={self.low:g} < high={self.high:g} must hold")

    @property
    def automatic(self) -> bool:
        """Whether the range comes from the ATR."""
        return self.low == self.high == 0

    @property
    def warmup(self) -> int:
        """The bar at whose close the grid begins, counted from the first of the frame."""
        return self.atr_period if self.automatic else 0

    def prices(self, frame: Frame) -> Column:
        """The levels, ascending, shape (levels,); empty without a range: too few bars, or no move.

        They are fixed at bar `warmup` and depend on nothing after it.
        """
        if not self.automatic:
            return spaced(self.low, self.high, self.levels, self.spacing)
        if len(frame) <= self.atr_period:
            return np.zeros(0)
        at = self.atr_period
        middle = float(frame.close[at])
        reach = self.atr_width * float(atr(first(frame, at + 1), at)[at])
        if reach == 0:
            return np.zeros(0)
        return spaced(
            max(middle - reach, middle * _LEAST_SHARE), middle + reach, self.levels, self.spacing
        )

    def targets(self, frame: Frame) -> Column:
        targets = np.zeros(len(frame))
        prices = self.prices(frame)
        if len(prices) and len(frame):
            targets[self.warmup :] = full_cells(prices, frame, self.warmup) / (len(prices) - 1)
        return targets


def spaced(low: float, high: float, count: int, spacing: Spacing) -> Column:
    """`count` prices from `low` to `high`, both exactly, in equal steps or equal ratios."""
    if spacing is Spacing.ARITHMETIC:
        return np.linspace(low, high, count)
    prices = low * (high / low) ** (np.arange(count) / (count - 1))
    prices[-1] = high
    return prices


def full_cells(prices: Column, frame: Frame, start: int) -> Column:
    """How many cells are full at each close from bar `start` on, shape (n - start,)."""
    path = way(frame, start)
    full = np.empty(path.size, np.int64)
    kernels.fill(prices, path.ravel(), full)
    return full[3::4].astype(np.float64)


def way(frame: Frame, start: int) -> Column:
    """The prices that a bar goes through: open, nearer extreme, farther one, close; (n - start, 4).

    Of the bar `start` only the close counts: the grid begins there.
    """
    opened, high, low = (column[start:] for column in (frame.open, frame.high, frame.low))
    up = high - opened < opened - low
    first, second = np.where(up, high, low), np.where(up, low, high)
    path = np.column_stack([opened, first, second, frame.close[start:]])
    path[:1] = frame.close[start : start + 1, None]
    return path
