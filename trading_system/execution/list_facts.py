"""How things stand for a leg of an order list, given the legs before it; pure arithmetic.

A leg that waits pays with what the working leg brings in. Of a pair only one order ever trades, so
that its second leg adds to the number of orders alone.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from trading_system.domain.order_lists import Leg, OrderListRequest
from trading_system.domain.orders import OrderRequest, Side
from trading_system.risk.facts import Facts

_NOTHING = Decimal(0)


def beside(facts: Facts, request: OrderListRequest, leg: Leg) -> Facts:
    """The facts of this leg as they are once every leg before it is on record."""
    before = list(request.legs).index(leg)
    counted = replace(
        facts,
        open_orders=facts.open_orders + before,
        orders_last_minute=facts.orders_last_minute + before,
    )
    working = request.legs.get(Leg.WORKING)
    return counted if working is None or leg is Leg.WORKING else _after(counted, working)


def _after(facts: Facts, working: OrderRequest) -> Facts:
    """What is free once the working leg has filled, and what is ordered while it has not."""
    quantity, price = working.quantity, working.price
    assert quantity is not None  # noqa: S101 -- such a list is refused before
    assert price is not None  # noqa: S101 -- a working leg has a limit
    symbol, worth = working.symbol, quantity * price
    buys = working.side is Side.BUY
    gains = {
        symbol.base: quantity if buys else -quantity,
        symbol.quote: -worth if buys else worth,
    }
    ordered = facts.exposure
    ordered = (
        replace(ordered, buying=ordered.buying + quantity)
        if buys
        else replace(ordered, selling=ordered.selling + quantity)
    )
    free = facts.free
    if free is not None:
        free = {**free, **{name: free.get(name, _NOTHING) + more for name, more in gains.items()}}
    return replace(facts, free=free, exposures={**facts.exposures, symbol: ordered})
