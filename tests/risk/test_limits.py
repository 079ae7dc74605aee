from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.risk.conftest import BTC, ETH
from trading_system.config import Settings
from trading_system.domain.errors import ConfigurationError
from trading_system.risk.limits import RiskLimits, read_limits


def settings(**changes):
    return Settings(_env_file=None, **changes).risk


def test_settings_as_they_come_have_the_limits_that_a_first_order_passes():
    assert read_limits(settings()) == RiskLimits(max_open_orders=200)


def test_every_limit_can_be_set():
    assert read_limits(
        settings(
            risk_allowed_symbols="BTC/USDT, eth-usdt",
            risk_max_order_notional="1000",
            risk_max_order_quantity="BTC/USDT=0.5 ETH/USDT=10",
            risk_max_exposure_per_symbol="2000",
            risk_max_exposure="5000",
            risk_max_open_orders=7,
            risk_max_orders_per_minute=8,
            risk_max_price_deviation_percent="2.5",
            risk_max_price_age_seconds=9,
            risk_daily_loss_limit="100",
            risk_max_drawdown_percent="12.5",
            risk_cool_down_minutes=90,
        )
    ) == RiskLimits(
        allowed_symbols=frozenset({BTC, ETH}),
        max_order_notional=Decimal(1000),
        max_order_quantity={BTC: Decimal("0.5"), ETH: Decimal(10)},
        max_exposure_per_symbol=Decimal(2000),
        max_exposure=Decimal(5000),
        max_open_orders=7,
        max_orders_per_minute=8,
        max_price_deviation_percent=Decimal("2.5"),
        max_price_age_seconds=9.0,
        daily_loss_limit=Decimal(100),
        max_drawdown_percent=Decimal("12.5"),
        cool_down=timedelta(minutes=90),
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"risk_allowed_symbols": "BTC"},
        {"risk_max_order_quantity": "BTC/USDT"},
        {"risk_max_order_quantity": "BTC/USDT=much"},
        {"risk_max_order_quantity": "BTC/USDT=0"},
        {"risk_max_order_quantity": "BTC/USDT=Infinity"},
        {"risk_max_order_quantity": "=1"},
    ],
)
def test_a_limit_that_cannot_be_read_stops_the_start_and_says_how_it_is_written(wrong):
    with pytest.raises(ConfigurationError, match=r"BTC/USDT=0\.5"):
        read_limits(settings(**wrong))
