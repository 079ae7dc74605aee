"""What orders on record tie up and may still do to positions; pure arithmetic over their rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from uuid import UUID

from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import OrderStatus, Side
from trading_system.ports import Commitment
from trading_system.risk.facts import Exposure

_NOTHING = Decimal(0)
_UNKNOWN = Decimal("Infinity")
_UNANSWERED = frozenset({OrderStatus.PENDING_NEW, OrderStatus.UNKNOWN})


def remaining(order: Commitment, price: Decimal | None) -> Decimal:
    """How much of the base asset may still be filled, a quote quantity counted at `price`.

    Where that takes a price and nobody knows one it is infinite: too much for any limit.
    """
    if order.status.is_final:
        return _NOTHING
    if order.quantity is not None:
        return max(order.quantity - order.executed_quantity, _NOTHING)
    at = order.price or order.stop_price or price
    return ((order.quote_quantity or _NOTHING) - order.executed_quote) / at if at else _UNKNOWN


def is_unanswered(order: Commitment) -> bool:
    """Whether the venue has not said what became of it: it may have filled, or never arrived."""
    return order.status in _UNANSWERED and not order.waits


def pays_with(order: Commitment) -> str:
    """The asset it pays with."""
    return order.symbol.base if order.side is Side.SELL else order.symbol.quote


def pays(order: Commitment, price: Decimal | None) -> Decimal:
    """How much of that asset in all, what has been paid already included."""
    if order.side is Side.SELL:
        return order.executed_quantity + remaining(order, price)
    if order.status.is_final:
        return order.executed_quote
    if order.quote_quantity is not None:
        return order.quote_quantity
    at = order.price or order.stop_price or price
    return order.executed_quote + (remaining(order, price) * at if at else _UNKNOWN)


def tied_up(order: Commitment) -> Decimal:
    """What cancelling a resting order sets free of the asset it pays with, by its own price."""
    if order.side is Side.SELL:
        return remaining(order, None)
    at = order.price or order.stop_price
    return remaining(order, at) * at if at else _NOTHING


def exposures(
    held: Mapping[Symbol, Decimal],
    orders: Iterable[Commitment],
    price: Callable[[Symbol], Decimal | None],
    worth: Callable[[Symbol], Decimal | None],
    *,
    may_short: bool,
) -> dict[Symbol, Exposure]:
    """Every symbol that is held or ordered; of orders of which one alone can fill, the largest.

    `price` is in the symbol's quote asset, `worth` in the account's currency. What was executed and
    is in no position yet counts as what may be filled already.
    """
    ordered: defaultdict[tuple[Symbol, Side], Decimal] = defaultdict(Decimal)
    unanswered: defaultdict[tuple[Symbol, Side], Decimal] = defaultdict(Decimal)
    lists: dict[tuple[Symbol, Side, UUID], Decimal] = {}
    for order in orders:
        if order.status.is_final and not order.unbooked:
            continue
        way, quantity = (order.symbol, order.side), remaining(order, price(order.symbol))
        ordered[way] += order.unbooked
        unanswered[way] += order.unbooked + (quantity if is_unanswered(order) else _NOTHING)
        if order.list_id is None:
            ordered[way] += quantity
        else:
            group = (*way, order.list_id)
            lists[group] = max(lists.get(group, _NOTHING), quantity)
    for (symbol, side, _), quantity in lists.items():
        ordered[symbol, side] += quantity
    return {
        symbol: Exposure(
            held=held.get(symbol, _NOTHING),
            buying=ordered.get((symbol, Side.BUY), _NOTHING),
            selling=ordered.get((symbol, Side.SELL), _NOTHING),
            buying_unanswered=unanswered[symbol, Side.BUY],
            selling_unanswered=unanswered[symbol, Side.SELL],
            price=worth(symbol),
            may_short=may_short,
        )
        for symbol in {*held, *(symbol for symbol, _ in ordered)}
    }
