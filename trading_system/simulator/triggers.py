"""Stop orders of one symbol that wait for a price of the tape; what they do then is not known here.

A trailing order follows the tape once it tracks: a sell order remembers the highest trade and
fires on a fall of its delta, a buy order the lowest and fires on a rise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from trading_system.simulator.model import Order, OrderType, Side

_ANY_PRICE = Decimal(10) ** 15
"""At or below this is every trade there ever is."""

_STOP_LOSSES = {OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT}


def waits_above(side: Side, type_: OrderType) -> bool:
    """Stop loss buys and take profit sells wait for a rise to their stop price, others a fall."""
    return (type_ in _STOP_LOSSES) == (side is Side.BUY)


def is_reached(order: Order, price: Decimal) -> bool:
    """A trade at this price meets the order's stop price; without one any trade does."""
    if order.stop_price is None:
        return True
    if waits_above(order.side, order.type):
        return price >= order.stop_price
    return price <= order.stop_price


@dataclass(slots=True)
class _Waiting:
    order: Order
    extreme: Decimal | None = None  # best price for the order since it tracks

    def fires(self, price: Decimal, time: int) -> bool:
        """Take notice of a trade; True when the order's moment has come."""
        if self.extreme is None:
            if not is_reached(self.order, price):
                return False
            if self.order.trailing_delta is None:
                return True
            self.extreme = price  # the trade that starts the tracking cannot fire
            self.order.trailing_time = time
            return False
        if self.order.side is Side.SELL:
            self.extreme = max(self.extreme, price)
            return price <= self._turning_point(self.extreme)
        self.extreme = min(self.extreme, price)
        return price >= self._turning_point(self.extreme)

    def bounds(self, tick: Decimal) -> tuple[Decimal | None, Decimal | None]:
        """The order cares for trades (at or below, at or above) these; None: not for any."""
        if self.extreme is None:
            if self.order.stop_price is None:
                return _ANY_PRICE, None
            if waits_above(self.order.side, self.order.type):
                return None, self.order.stop_price
            return self.order.stop_price, None
        if self.order.side is Side.SELL:
            return self._turning_point(self.extreme), self.extreme + tick
        return self.extreme - tick, self._turning_point(self.extreme)

    def _turning_point(self, extreme: Decimal) -> Decimal:
        sign = -1 if self.order.side is Side.SELL else 1
        bips = Decimal(self.order.trailing_delta or 0)
        return extreme * (1 + sign * bips / 10_000)


class Triggers:
    """The waiting orders, oldest first."""

    def __init__(self, tick: Decimal) -> None:
        self._tick = tick
        self._waiting: dict[int, _Waiting] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, order: Order) -> None:
        self._waiting[order.order_id] = _Waiting(order)

    def remove(self, order: Order) -> None:
        """Forget an order, if it waits here: one that has just fired does no more."""
        self._waiting.pop(order.order_id, None)

    def fired(self, price: Decimal, time: int) -> list[Order]:
        """Show a trade's price and time to all; those whose moment it is leave and are returned."""
        fired = [waiting.order for waiting in self._waiting.values() if waiting.fires(price, time)]
        for order in fired:
            self.remove(order)
        return fired

    def bounds(self) -> Iterator[tuple[Decimal | None, Decimal | None]]:
        """Which trades matter, order by order: (at or below, at or above)."""
        return (waiting.bounds(self._tick) for waiting in self._waiting.values())
