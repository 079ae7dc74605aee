"""The bounds that somebody has set for what may be traded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from trading_system.domain.errors import ConfigurationError, InvalidRequest
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
    max_price_deviation_percent: Decimal | None = Decimal(15)
    max_price_age_seconds: float | None = 60.0
    daily_loss_limit: Decimal | None = None
    max_drawdown_percent: Decimal | None = None
    cool_down: timedelta = timedelta(hours=1)

    @property
    def bound_losses(self) -> bool:
        """Whether anything depends on what the account is worth."""
        return self.daily_loss_limit is not None or self.max_drawdown_percent is not None


def read_limits(settings: Mapping[str, Any]) -> RiskLimits:
    """The limits as settings have them, by the names of RiskLimits.

    `allowed_symbols` is a text like "BTC/USDT ETH/USDT", `max_order_quantity` one like
    "BTC/USDT=0.5 ETH/USDT=10", `cool_down_minutes` a number. Raises ConfigurationError.
    """
    values = dict(settings)
    try:
        values["allowed_symbols"] = frozenset(map(Symbol.parse, _words(values["allowed_symbols"])))
        values["max_order_quantity"] = dict(map(_pair, _words(values["max_order_quantity"])))
    except (InvalidRequest, ValueError, ArithmeticError) as wrong:
        raise ConfigurationError(
            "RISK_ALLOWED_SYMBOLS is written like BTC/USDT ETH/USDT, RISK_MAX_ORDER_QUANTITY like "
            f"BTC/USDT=0.5 ETH/USDT=10: {wrong}"
        ) from None
    values["cool_down"] = timedelta(minutes=values.pop("cool_down_minutes"))
    return RiskLimits(**values)


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _pair(text: str) -> tuple[Symbol, Decimal]:
    name, _, quantity = text.partition("=")
    limit = Decimal(quantity)
    if not (limit.is_finite() and limit > 0):
        raise ValueError(f"{quantity} is no quantity")
    return Symbol.parse(name), limit
