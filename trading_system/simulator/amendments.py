"""Orders made smaller in their place of the queue: what is asked for, and the record of it.

Source: Binance's faqs/order_amend_keep_priority.md. Nothing is judged or changed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class AmendOrder:
    """PUT order/amend/keepPriority: `quantity` is the whole order's new one, in base."""

    account: str
    symbol: str
    quantity: Decimal
    order_id: int | None = None
    client_order_id: str | None = None
    new_client_order_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """One amendment that was made, at `time` in ms UTC."""

    execution_id: int
    old_client_order_id: str
    new_client_order_id: str
    old_quantity: Decimal
    new_quantity: Decimal
    time: int
