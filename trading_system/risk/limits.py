"""The bounds that somebody has set for what may be traded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from trading_system.domain.instruments import Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskLimits:
    """None, or nothing in a collection, is no limit.

    Money is counted in the account's currency, quantities in the base asset of their symbol.
    A price may be `max_price_age_seconds` old, and a limit price so many percent away from it.
    The drawdown breaker opens at `max_drawdown_percent` below the peak, for `cool_down`.
    """

    allowed_symbols: frozenset[Symbol] = frozenset()
    max_order_notional: Decimal | None = None
    max_order_quantity: Mapping[Symbol, Decimal] = field(default_factory=dict)
    max_exposure_per_symbol: Decimal | None = None
    max_exposure: Decimal | None = None
    max_open_orders: int | None = None
    max_orders_per_minute: int | None = None
    max_price_deviation_percent: Decimal | None = Decimal(10)
    max_price_age_seconds: float | None = 60.0
    daily_loss_limit: Decimal | None = None
    max_drawdown_percent: Decimal | None = None
    cool_down: timedelta = timedelta(hours=1)
