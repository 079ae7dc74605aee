"""What the settings make of the system; nothing is sent anywhere."""

from __future__ import annotations

from decimal import Decimal

import pytest
from pydantic import SecretStr

from trading_system.config import Settings
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import OrderRequest, OrderType, Side
from trading_system.exchange.endpoints import BLOCKED
from trading_system.execution.desk import Approved, Refused
from trading_system.system import opened

WISH = OrderRequest(
    symbol=Symbol("BTC", "USDT"), side=Side.BUY, type=OrderType.MARKET, quantity=Decimal(1)
)


@pytest.fixture
def system(clock, tmp_path):
    def build(**settings):
        keys = {"binance_api_key": SecretStr("k"), "binance_secret_key": SecretStr("s")}
        wanted = Settings(_env_file=None, db_path=tmp_path / "t.db", **(keys | settings))
        return opened(wanted, clock)

    return build


@pytest.mark.parametrize(
    ("venue", "armed", "verdict"),
    [
        ("live", "no", Refused),
        ("live", "yes", Approved),
        ("testnet", "no", Approved),
        ("http://127.0.0.1:9", "no", Approved),
    ],
)
async def test_only_an_armed_system_trades_real_money(system, venue, armed, verdict):
    async with system(venue=venue, live_trading_armed=armed) as built:
        assert isinstance(built.desk._review(WISH), verdict)


async def test_prices_from_live_come_without_keys_while_orders_go_to_the_venue(system):
    async with system(venue="http://127.0.0.1:9", data_venue="live") as built:
        data = built.market_data._gateway._client
        orders = built.trading._gateway._client
        assert data.urls["api"]["public"].startswith("https://data-api.")
        assert data.urls["api"]["private"] == BLOCKED
        assert (data.apiKey, data.secret) == (None, None)
        assert orders.urls["api"]["private"] == "http://127.0.0.1:9/api/v3"
        assert len(built.watches) == 2


@pytest.mark.parametrize("data_venue", [None, "testnet"])
async def test_one_venue_for_both_is_asked_over_one_way(system, data_venue):
    async with system(venue="testnet", data_venue=data_venue) as built:
        assert built.market_data._gateway is built.trading._gateway
        assert len(built.watches) == 1


async def test_a_part_that_fails_for_good_ends_all_the_others(system, monkeypatch):
    async with system(venue="http://127.0.0.1:9") as built:

        async def broken() -> None:
            raise RuntimeError("a bug")

        monkeypatch.setattr(type(built.reconciler), "run", lambda _self: broken())
        with pytest.raises(ExceptionGroup, match="unhandled"):
            await built.run()
