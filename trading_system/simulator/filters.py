"""The venue's filters: each one a pure question about an order, asked by name from one table.

Source: Binance's filters.md. Zero disables a bound.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal

from trading_system.simulator.model import Order, OrderType, PlaceOrder, Refused, Side, SymbolRules
from trading_system.simulator.orders import CONTINGENT
from trading_system.simulator.triggers import waits_above


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeLimits:
    """What an account may have open over all symbols, and an order may move of an asset."""

    max_num_orders: int = 0
    max_num_algo_orders: int = 0
    max_num_iceberg_orders: int = 0
    max_num_order_lists: int = 0
    max_asset: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """An order to judge and what its judges may want to know.

    `average` asks for the weighted average price; `position` is the base held, free and locked;
    `open_orders` are the account's, of all symbols.
    """

    command: PlaceOrder
    rules: SymbolRules
    limits: ExchangeLimits
    average: Callable[[], Decimal]
    position: Decimal
    open_orders: Collection[Order]

    @property
    def open_here(self) -> list[Order]:
        return [order for order in self.open_orders if order.symbol == self.rules.symbol]


def judge(subject: Subject, names: Iterable[str] | None = None) -> None:
    """Raise Refused with the name of the first filter that fails; of these, or of all."""
    for name in FILTERS if names is None else names:
        if not FILTERS[name](subject):
            raise failure(name)


def failure(name: str) -> Refused:
    """How a failed filter is told."""
    return Refused(-1013, f"Filter failure: {name}")


def is_a_lot(quantity: Decimal, rules: SymbolRules) -> bool:
    """A quantity that LOT_SIZE lets pass."""
    return _fits(quantity, rules.min_quantity, rules.max_quantity, rules.step_size)


def _price_filter(s: Subject) -> bool:
    return all(
        price is None or _fits(price, s.rules.min_price, s.rules.max_price, s.rules.tick_size)
        for price in (s.command.price, s.command.stop_price)
    )


def _percent_price_by_side(s: Subject) -> bool:
    if s.command.price is None:
        return True
    down, up = s.rules.ask_multiplier_down, s.rules.ask_multiplier_up
    if s.command.side is Side.BUY:
        down, up = s.rules.bid_multiplier_down, s.rules.bid_multiplier_up
    average = s.average()
    return average * down <= s.command.price <= average * up


def _percent_price(s: Subject) -> bool:
    if s.command.price is None or not s.rules.percent_multiplier_up:
        return True
    average = s.average()
    low, high = s.rules.percent_multiplier_down, s.rules.percent_multiplier_up
    return average * low <= s.command.price <= average * high


def _lot_size(s: Subject) -> bool:
    return all(
        quantity is None or is_a_lot(quantity, s.rules)
        for quantity in (s.command.quantity, s.command.iceberg_quantity)
    )


def _market_lot_size(s: Subject) -> bool:
    if s.command.type is not OrderType.MARKET or s.command.quantity is None:
        return True
    return _fits(
        s.command.quantity,
        s.rules.market_min_quantity,
        s.rules.market_max_quantity,
        s.rules.market_step_size,
    )


def _notional(s: Subject) -> bool:
    low, high = s.rules.min_notional, s.rules.max_notional
    if s.command.type is OrderType.MARKET:
        low = low if s.rules.apply_min_to_market else Decimal(0)
        high = high if s.rules.apply_max_to_market else Decimal(0)
    return _fits(_value(s), low, high, Decimal(0))


def _min_notional(s: Subject) -> bool:
    if s.command.type is OrderType.MARKET and not s.rules.least_worth_of_market:
        return True
    return not s.rules.least_worth or _value(s) >= s.rules.least_worth


def _value(s: Subject) -> Decimal:
    """The order's worth in quote; without a price of its own it counts at the average."""
    if s.command.quantity is None:
        return s.command.quote_quantity or Decimal(0)
    price = s.command.price or s.command.stop_price
    return s.command.quantity * (price if price is not None else s.average())


def _iceberg_parts(s: Subject) -> bool:
    if s.command.iceberg_quantity is None or s.command.quantity is None:
        return True
    parts = (s.command.quantity / s.command.iceberg_quantity).to_integral_value(ROUND_CEILING)
    return _within(parts, s.rules.iceberg_parts)


def _trailing_delta(s: Subject) -> bool:
    delta = s.command.trailing_delta
    if delta is None:
        return True
    low, high = s.rules.min_trailing_below_delta, s.rules.max_trailing_below_delta
    if waits_above(s.command.side, s.command.type):
        low, high = s.rules.min_trailing_above_delta, s.rules.max_trailing_above_delta
    return low <= delta and _within(delta, high)


def _max_position(s: Subject) -> bool:
    if s.command.side is Side.SELL or not s.rules.max_position:
        return True
    quantity = s.command.quantity
    if quantity is None:
        quantity = _value(s) / s.average()
    coming = sum(order.remaining for order in s.open_here if order.side is Side.BUY)
    return s.position + coming + quantity <= s.rules.max_position


def _max_asset(s: Subject) -> bool:
    base, quote = (s.limits.max_asset.get(asset) for asset in (s.rules.base, s.rules.quote))
    if base and s.command.quantity is not None and s.command.quantity > base:
        return False
    return not quote or _value(s) <= quote


def _max_num_orders(s: Subject) -> bool:
    return _within(len(s.open_here) + 1, s.rules.max_num_orders)


def _max_num_algo_orders(s: Subject) -> bool:
    return not _is_algo(s.command) or _within(
        1 + sum(map(_is_algo, s.open_here)), s.rules.max_num_algo_orders
    )


def _max_num_iceberg_orders(s: Subject) -> bool:
    return not _is_iceberg(s.command) or _within(
        1 + sum(map(_is_iceberg, s.open_here)), s.rules.max_num_iceberg_orders
    )


def _exchange_max_num_orders(s: Subject) -> bool:
    return _within(len(s.open_orders) + 1, s.limits.max_num_orders)


def _exchange_max_num_algo_orders(s: Subject) -> bool:
    return not _is_algo(s.command) or _within(
        1 + sum(map(_is_algo, s.open_orders)), s.limits.max_num_algo_orders
    )


def _exchange_max_num_iceberg_orders(s: Subject) -> bool:
    return not _is_iceberg(s.command) or _within(
        1 + sum(map(_is_iceberg, s.open_orders)), s.limits.max_num_iceberg_orders
    )


FILTERS: dict[str, Callable[[Subject], bool]] = {
    "PRICE_FILTER": _price_filter,
    "PERCENT_PRICE_BY_SIDE": _percent_price_by_side,
    "PERCENT_PRICE": _percent_price,
    "LOT_SIZE": _lot_size,
    "MARKET_LOT_SIZE": _market_lot_size,
    "NOTIONAL": _notional,
    "MIN_NOTIONAL": _min_notional,
    "ICEBERG_PARTS": _iceberg_parts,
    "TRAILING_DELTA": _trailing_delta,
    "MAX_POSITION": _max_position,
    "MAX_ASSET": _max_asset,
    "MAX_NUM_ORDERS": _max_num_orders,
    "MAX_NUM_ALGO_ORDERS": _max_num_algo_orders,
    "MAX_NUM_ICEBERG_ORDERS": _max_num_iceberg_orders,
    "EXCHANGE_MAX_NUM_ORDERS": _exchange_max_num_orders,
    "EXCHANGE_MAX_NUM_ALGO_ORDERS": _exchange_max_num_algo_orders,
    "EXCHANGE_MAX_NUM_ICEBERG_ORDERS": _exchange_max_num_iceberg_orders,
}
"""In the order they are asked."""

OF_QUANTITY = ("LOT_SIZE", "NOTIONAL", "MIN_NOTIONAL")
"""What an order must still pass when nothing but its quantity changes."""


def _is_algo(order: PlaceOrder | Order) -> bool:
    return order.type in CONTINGENT


def _is_iceberg(order: PlaceOrder | Order) -> bool:
    return order.iceberg_quantity is not None


def _fits(value: Decimal, low: Decimal, high: Decimal, step: Decimal) -> bool:
    """Steps are counted from zero: since 2023 not from the minimum."""
    return low <= value and _within(value, high) and not (step and value % step)


def _within(value: int | Decimal, high: int | Decimal) -> bool:
    return not high or value <= high
