"""A request that passes every rule, and the figures it is judged by; tests change one at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from trading_system.domain.instruments import Instrument, Symbol
from trading_system.domain.orders import OrderRequest, OrderType, Side
from trading_system.domain.positions import Equity
from trading_system.risk.facts import Exposure, Facts
from trading_system.risk.limits import RiskLimits
from trading_system.risk.losses import Losses

BTC, ETH = Symbol("BTC", "USDT"), Symbol("ETH", "USDT")
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
REQUEST = OrderRequest(
    symbol=BTC, side=Side.BUY, type=OrderType.LIMIT, quantity=Decimal(2), price=Decimal(100)
)


def worth(total, *, day_start="1000", peak="1000", at=NOW, unvalued=()):
    """An equity."""
    return Equity(
        total=Decimal(total),
        quote="USDT",
        day_start=Decimal(day_start),
        peak=Decimal(peak),
        at=at,
        unvalued=unvalued,
    )


@pytest.fixture
def facts():
    """Build facts: members of the request by their names, everything else of the facts."""

    def build(**changes):
        members = {name for name in OrderRequest.__dataclass_fields__ if name in changes}
        request = replace(REQUEST, **{name: changes.pop(name) for name in members})
        known = {
            "now": NOW,
            "request": request,
            "price": Decimal(100),
            "price_age_seconds": 1.0,
            "free": {"USDT": Decimal(1000), "BTC": Decimal(5)},
            "exposures": {BTC: Exposure(held=Decimal(3), price=Decimal(100))},
            "losses": Losses(equity=worth("1000"), peak=Decimal(1000)),
        }
        return Facts(**known | changes)

    return build


@pytest.fixture
def limits():
    """Every limit, each wide enough for the request above."""
    return RiskLimits(
        allowed_symbols=frozenset({BTC}),
        max_order_notional=Decimal(200),
        max_order_quantity={BTC: Decimal(2)},
        max_exposure_per_symbol=Decimal(500),
        max_exposure=Decimal(500),
        max_open_orders=3,
        max_orders_per_minute=3,
        max_price_deviation_percent=Decimal(10),
        daily_loss_limit=Decimal(50),
        max_drawdown_percent=Decimal(20),
    )


@pytest.fixture
def instrument():
    """BTC/USDT with a step of 0.001, at least 0.01 and 10 USDT, at most 9."""
    return Instrument(
        symbol=BTC,
        venue_id="BTCUSDT",
        tradable=True,
        order_types=frozenset({"MARKET"}),
        tick_size=Decimal("0.01"),
        step_size=Decimal("0.001"),
        min_quantity=Decimal("0.01"),
        max_quantity=Decimal(9),
        min_notional=Decimal(10),
        max_notional=None,
    )
