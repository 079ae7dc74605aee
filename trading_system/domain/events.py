"""What is published on the bus for whoever may be interested."""

from __future__ import annotations

from dataclasses import dataclass

from trading_system.domain.orders import Order, OrderRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderChanged:
    """An order took a step or filled some more; `source` says who told."""

    order: Order
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRefused:
    """Our own rules refused a request before anything was sent."""

    request: OrderRequest
    reason: str
