"""What a grid that trades has on record: its levels as they were laid, and all of its orders."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from trading_system.domain.instruments import Symbol
from trading_system.domain.mandates import Mandate
from trading_system.domain.orders import Order
from trading_system.ports import GridRepository, OwnOrders
from trading_system.trader.grids import Cells, cell_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an order was: the cell, and the order's number in it. None for one that closed all."""

    cell: int | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GridRecord:
    """m + 1 ascending `prices`, the `quantity` of a cell, and by cell its orders, oldest first."""

    prices: tuple[Decimal, ...]
    quantity: Decimal
    orders: tuple[tuple[Order, ...], ...]

    @property
    def places(self) -> dict[UUID, Place]:
        """Of each order, by its id."""
        return {
            order.id: Place(cell=cell, number=number)
            for cell, orders in enumerate(self.orders)
            for number, order in enumerate(orders)
        }


async def recorded(
    mandate: Mandate, symbol: Symbol, *, grids: GridRepository, own: OwnOrders
) -> GridRecord | None:
    """None before it was laid; raises StorageError.

    A cell's next order goes out only after its number is on record. So whoever has read fills first
    finds the orders of all of them here.
    """
    kept = await grids.load(mandate.id, symbol)
    if kept is None:
        return None
    cells = Cells.restored(kept)
    keys = [
        [cell_key(mandate, symbol, cell, number) for number in range(ended + 1)]
        for cell, ended in enumerate(cells.numbers)
    ]
    found = await own.under([key for several in keys for key in several])
    return GridRecord(
        prices=cells.state.prices,
        quantity=cells.state.quantity,
        orders=tuple(tuple(found[key] for key in several if key in found) for several in keys),
    )
