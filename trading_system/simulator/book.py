"""The users' resting orders of one symbol in price-time priority; it trades nothing itself."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from operator import neg, pos

from trading_system.simulator.model import Level, Order, Side

_RANK: dict[Side, Callable[[Decimal], Decimal]] = {Side.BUY: neg, Side.SELL: pos}
"""Sorts prices best first."""


@dataclass(slots=True)
class _Resting:
    order: Order
    visible: Decimal


class Book:
    """Bids and asks. A level's queue is a dict by order id: insertion order is time priority."""

    def __init__(self) -> None:
        self._levels: dict[Side, dict[Decimal, dict[int, _Resting]]] = {s: {} for s in Side}
        self._prices: dict[Side, list[Decimal]] = {s: [] for s in Side}
        self.changes = 0
        """Grows with every change, so that one look tells whether there was any."""

    def __bool__(self) -> bool:
        return any(self._prices.values())

    def add(self, order: Order) -> None:
        """Let what remains of an order rest, behind all others at its price."""
        self.changes += 1
        levels, prices = self._levels[order.side], self._prices[order.side]
        if order.price not in levels:
            levels[order.price] = {}
            insort(prices, order.price, key=_RANK[order.side])
        levels[order.price][order.order_id] = _Resting(order, _visible(order, order.remaining))

    def remove(self, order: Order) -> None:
        """Take an order out."""
        self.changes += 1
        levels, prices = self._levels[order.side], self._prices[order.side]
        del levels[order.price][order.order_id]
        if not levels[order.price]:
            del levels[order.price]
            rank = _RANK[order.side]
            del prices[bisect_left(prices, rank(order.price), key=rank)]

    def reduce(self, order: Order, quantity: Decimal) -> None:
        """Note that `quantity` of the visible part is gone; the order itself knows already.

        An iceberg whose visible part is used up shows its next part behind the queue.
        """
        if not order.remaining:
            self.remove(order)
            return
        self.changes += 1
        queue = self._levels[order.side][order.price]
        resting = queue[order.order_id]
        resting.visible -= quantity
        if not resting.visible:
            del queue[order.order_id]
            queue[order.order_id] = _Resting(order, _visible(order, order.remaining))

    def shrink(self, order: Order) -> None:
        """Note that an order was made smaller, which knows already; it keeps its place.

        Of an iceberg goes what is hidden, and its tip only where nothing else is left.
        """
        self.changes += 1
        resting = self._levels[order.side][order.price][order.order_id]
        resting.visible = min(resting.visible, order.remaining)

    def best(self, side: Side) -> Decimal | None:
        """The best price of a side, None when nobody is there."""
        prices = self._prices[side]
        return prices[0] if prices else None

    def levels(self, side: Side) -> list[Level]:
        """What others can see, best price first: of icebergs only the tip."""
        return [
            Level(price, sum((r.visible for r in self._levels[side][price].values()), Decimal(0)))
            for price in self._prices[side]
        ]

    def queue(self, side: Side) -> Iterator[tuple[Order, Decimal]]:
        """Whom a taker would meet with how much, first to last, icebergs refilling as they would.

        Nothing changes by looking; the book must not change while somebody looks.
        """
        for price in self._prices[side]:
            waiting = deque(
                (resting.order, resting.visible, resting.order.remaining - resting.visible)
                for resting in self._levels[side][price].values()
            )
            while waiting:
                order, visible, hidden = waiting.popleft()
                yield order, visible
                if hidden:
                    part = _visible(order, hidden)
                    waiting.append((order, part, hidden - part))


def _visible(order: Order, quantity: Decimal) -> Decimal:
    return quantity if order.iceberg_quantity is None else min(order.iceberg_quantity, quantity)
