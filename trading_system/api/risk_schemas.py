"""The limits, how much of them is used, and what was refused, as they travel over the API."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Self

from trading_system.api.scalars import DecimalOut, SymbolText
from trading_system.api.schemas import Out, example
from trading_system.domain.events import OrderRefused
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import OrderRequest, OrderType, Side
from trading_system.execution.gate import RiskGate, Standing
from trading_system.ports import RecordedRefusal
from trading_system.risk.facts import Exposure
from trading_system.risk.limits import RiskLimits

_NOON = "2026-01-01T12:00:00Z"
_REQUEST = {
    "symbol": "BTC/USDT",
    "side": "BUY",
    "type": "LIMIT",
    "quantity": "0.001",
    "quote_quantity": None,
    "price": "39000.00",
    "stop_price": None,
}
_REFUSAL = _REQUEST | {
    "check": "price",
    "reason": "39000.00 is 58.33 % away from 93600.00, the last price; 15 % may be",
    "figures": {"price": "39000.00", "reference": "93600.00", "percent": "58.3333"},
}

_LIMITS = {
    "allowed_symbols": ["BTC/USDT"],
    "max_order_notional": "1000",
    "max_order_quantity": {"BTC/USDT": "0.02"},
    "max_exposure_per_symbol": "2000",
    "max_exposure": "5000",
    "max_open_orders": 200,
    "max_orders_per_minute": 60,
    "max_price_deviation_percent": "15",
    "max_price_age_seconds": 60.0,
    "daily_loss_limit": "250",
    "max_drawdown_percent": "10",
    "cool_down_minutes": 60.0,
}
_EXPOSURE = {
    "symbol": "BTC/USDT",
    "held": "0.01",
    "buying": "0.001",
    "selling": "0",
    "value": "1029.6",
}


class RefusalEvent(Out):
    """Our own rules refused a request; nothing was sent. `check` is the rule."""

    model_config = example(**_REFUSAL)

    symbol: SymbolText
    side: Side
    type: OrderType
    quantity: DecimalOut | None
    quote_quantity: DecimalOut | None
    price: DecimalOut | None
    stop_price: DecimalOut | None
    check: str
    reason: str
    figures: dict[str, str]

    @classmethod
    def of(cls, refused: OrderRefused) -> Self:
        """Made from the refusal."""
        return cls(
            **_amounts(refused.request),
            check=refused.check,
            reason=refused.reason,
            figures=dict(refused.figures),
        )


class RefusalOut(RefusalEvent):
    """A request that our own rules refused, and when."""

    model_config = example(id=17, at=_NOON, **_REFUSAL)

    id: int
    at: datetime

    @classmethod
    def recorded(cls, refusal: RecordedRefusal) -> Self:
        """Made from the record."""
        return cls(
            **_amounts(refusal.request),
            id=refusal.id,
            at=refusal.at,
            check=refusal.check,
            reason=refusal.reason,
            figures=dict(refusal.figures),
        )


class LimitsOut(Out):
    """What is set; null is no limit. Money is in the account's currency."""

    model_config = example(**_LIMITS)

    allowed_symbols: list[SymbolText]
    max_order_notional: DecimalOut | None
    max_order_quantity: dict[str, DecimalOut]
    max_exposure_per_symbol: DecimalOut | None
    max_exposure: DecimalOut | None
    max_open_orders: int | None
    max_orders_per_minute: int | None
    max_price_deviation_percent: DecimalOut | None
    max_price_age_seconds: float | None
    daily_loss_limit: DecimalOut | None
    max_drawdown_percent: DecimalOut | None
    cool_down_minutes: float

    @classmethod
    def of(cls, limits: RiskLimits) -> Self:
        """Made from the limits."""
        return cls(
            allowed_symbols=sorted(limits.allowed_symbols),
            max_order_notional=limits.max_order_notional,
            max_order_quantity={
                str(symbol): limit for symbol, limit in limits.max_order_quantity.items()
            },
            max_exposure_per_symbol=limits.max_exposure_per_symbol,
            max_exposure=limits.max_exposure,
            max_open_orders=limits.max_open_orders,
            max_orders_per_minute=limits.max_orders_per_minute,
            max_price_deviation_percent=limits.max_price_deviation_percent,
            max_price_age_seconds=limits.max_price_age_seconds,
            daily_loss_limit=limits.daily_loss_limit,
            max_drawdown_percent=limits.max_drawdown_percent,
            cool_down_minutes=limits.cool_down.total_seconds() / 60,
        )


class ExposureOut(Out):
    """What is held of a pair and what open orders may add; `value` is null without a price."""

    model_config = example(**_EXPOSURE)

    symbol: SymbolText
    held: DecimalOut
    buying: DecimalOut
    selling: DecimalOut
    value: DecimalOut | None

    @classmethod
    def of(cls, symbol: Symbol, exposure: Exposure) -> Self:
        """Made from the exposure."""
        return cls(
            symbol=symbol,
            held=exposure.held,
            buying=exposure.buying,
            selling=exposure.selling,
            value=exposure.value,
        )


class RiskOut(Out):
    """The limits and how much of them is used; what is not known yet is null.

    Losses are looked at only where they are limited.
    """

    model_config = example(
        currency="USDT",
        limits=_LIMITS,
        open_orders=1,
        orders_last_minute=1,
        exposures=[_EXPOSURE],
        exposure="1029.6",
        free={"USDT": "8970.4"},
        equity="9998.2",
        lost_today="1.8",
        drawdown_percent=0.018,
        stopped_at=None,
        resumes_at=None,
        breaker=None,
    )

    currency: str
    limits: LimitsOut
    open_orders: int
    orders_last_minute: int
    exposures: list[ExposureOut]
    exposure: DecimalOut | None
    free: dict[str, DecimalOut] | None
    equity: DecimalOut | None
    lost_today: DecimalOut | None
    drawdown_percent: float | None
    stopped_at: datetime | None
    resumes_at: datetime | None
    breaker: str | None

    @classmethod
    def of(cls, gate: RiskGate, standing: Standing) -> Self:
        """Made from the limits and how things stand."""
        losses = standing.losses
        values = [each.value for each in standing.exposures.values()]
        known = [value for value in values if value is not None]
        return cls(
            currency=gate.currency,
            limits=LimitsOut.of(gate.limits),
            open_orders=standing.open_orders,
            orders_last_minute=standing.orders_last_minute,
            exposures=[ExposureOut.of(*each) for each in sorted(standing.exposures.items())],
            exposure=sum(known, Decimal(0)) if len(known) == len(values) else None,
            free=None if standing.free is None else dict(standing.free),
            equity=losses and losses.equity.total,
            lost_today=losses and losses.today,
            drawdown_percent=losses and float(losses.drawdown_percent),
            stopped_at=losses and losses.stopped_at,
            resumes_at=losses and losses.resumes_at(gate.limits),
            breaker=standing.breaker,
        )


def _amounts(request: OrderRequest) -> dict[str, object]:
    names = ("symbol", "side", "type", "quantity", "quote_quantity", "price", "stop_price")
    return {name: getattr(request, name) for name in names}
