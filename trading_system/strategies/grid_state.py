"""Which cell of a grid holds what, and the orders that should rest for it: `grid`'s rules, live.

A value that a restart reads back. It counts what fills say and asks for orders; it places none.
Quantities are gross: a fee that the venue takes in the base asset must be in the account beside
what the cells hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, TypeVar

from trading_system.domain.errors import InvalidRequest
from trading_system.domain.orders import Side
from trading_system.frames import Column

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class GridOrder:
    """A limit order that a cell wants; `crosses`: at this price it fills at once, as a taker."""

    cell: int
    side: Side
    price: Decimal
    quantity: Decimal
    crosses: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GridState:
    """m cells between m + 1 ascending `prices`; `held` by cell, up to `quantity` (base asset).

    A cell buys until it is full and then sells until it is empty: `selling` says which.
    """

    prices: tuple[Decimal, ...]
    quantity: Decimal
    held: tuple[Decimal, ...]
    selling: tuple[bool, ...]

    def __post_init__(self) -> None:
        cells = len(self.prices) - 1
        if cells < 1 or len(self.held) != cells or len(self.selling) != cells:
            raise InvalidRequest("a grid has at least one cell, and one price more than cells")
        if any(low >= high for low, high in zip(self.prices[:-1], self.prices[1:], strict=True)):
            raise InvalidRequest("the prices of a grid ascend; take fewer levels or a wider range")
        if self.quantity <= 0 or any(not 0 <= held <= self.quantity for held in self.held):
            raise InvalidRequest(f"a cell holds between nothing and {self.quantity:f}")

    @property
    def inventory(self) -> Decimal:
        """What all cells hold, in the base asset."""
        return sum(self.held, Decimal(0))

    @property
    def capacity(self) -> Decimal:
        """What they can hold."""
        return self.quantity * len(self.held)


def laid(levels: Column, quantity: Decimal, tick: Decimal) -> GridState:
    """An empty grid; the levels, which were computed, become the nearest prices a venue takes.

    Raises InvalidRequest when two levels become one price.
    """
    prices = on_ticks(levels, tick)
    cells = max(len(prices) - 1, 0)
    return GridState(
        prices=prices, quantity=quantity, held=(Decimal(0),) * cells, selling=(False,) * cells
    )


def on_ticks(levels: Column, tick: Decimal) -> tuple[Decimal, ...]:
    """The nearest price that a venue takes for each, of two as near the even multiple of `tick`."""
    steps = (Decimal(repr(level)) / tick for level in levels.tolist())
    return tuple(step.to_integral_value(ROUND_HALF_EVEN) * tick for step in steps)


def orders_wanted(state: GridState, price: Decimal) -> tuple[GridOrder, ...]:
    """One order a cell, from the lowest cell up, told which of them cross the market's `price`.

    What crosses in a new grid is its first purchase; later it is what the price went through while
    nobody traded. Either way the order is right: it fills at its own price or a better one.
    """
    return tuple(_wanted(state, cell, price) for cell in range(len(state.held)))


def filled(state: GridState, cell: int, quantity: Decimal) -> GridState:
    """The state after `quantity` of the cell's order was filled; any part of it counts.

    Raises ValueError for more than the order was about: such a fill is none of this grid's.
    """
    selling = state.selling[cell]
    held = state.held[cell] + (-quantity if selling else quantity)
    if quantity <= 0 or not 0 <= held <= state.quantity:
        raise ValueError(f"cell {cell} holds {state.held[cell]:f} of {state.quantity:f}")
    if held == (0 if selling else state.quantity):
        selling = not selling
    return replace(
        state,
        held=_with(state.held, cell, held),
        selling=_with(state.selling, cell, selling),
    )


def record(state: GridState) -> dict[str, Any]:
    """The state as JSON takes it; numbers are texts, so that they come back as they were."""
    return {
        "prices": [f"{price:f}" for price in state.prices],
        "quantity": f"{state.quantity:f}",
        "held": [f"{held:f}" for held in state.held],
        "selling": list(state.selling),
    }


def restored(recorded: Mapping[str, Any]) -> GridState:
    """The state that was recorded."""
    return GridState(
        prices=tuple(map(Decimal, recorded["prices"])),
        quantity=Decimal(recorded["quantity"]),
        held=tuple(map(Decimal, recorded["held"])),
        selling=tuple(recorded["selling"]),
    )


def _wanted(state: GridState, cell: int, price: Decimal) -> GridOrder:
    if state.selling[cell]:
        at = state.prices[cell + 1]
        side, quantity, crosses = Side.SELL, state.held[cell], price >= at
    else:
        at = state.prices[cell]
        side, quantity, crosses = Side.BUY, state.quantity - state.held[cell], price <= at
    return GridOrder(cell=cell, side=side, price=at, quantity=quantity, crosses=crosses)


def _with(values: Sequence[_T], at: int, value: _T) -> tuple[_T, ...]:
    return (*values[:at], value, *values[at + 1 :])
