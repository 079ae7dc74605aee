"""What the settings make of the system; nothing is sent anywhere."""

from __future__ import annotations

from decimal import Decimal

import pytest
from pydantic import SecretStr

from trading_system.config import Settings
from trading_system.domain.errors import NotAllowed, StorageError
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import OrderRequest, OrderType, Side
from trading_system.exchange.endpoints import BLOCKED
from trading_system.execution.doubts import Doubts
from trading_system.execution.reconciler import Reconciler
from trading_system.system import opened

WISH = OrderRequest(
    symbol=Symbol("BTC", "USDT"), side=Side.BUY, type=OrderType.MARKET, quantity=Decimal(1)
)


@pytest.fixture
def system(clock, tmp_path):
    def build(**settings):
        keys = {"binance_api_key": SecretStr("k"), "binance_secret_key": SecretStr("s")}
        wanted = Settings(
            _env_file=None, db_path=tmp_path / "t.db", budget_dir=tmp_path, **(keys | settings)
        )
        return opened(wanted, clock)

    return build


@pytest.mark.parametrize(
    ("venue", "armed", "trades"),
    [
        ("live", "no", False),
        ("live", "yes", False),
        ("testnet", "no", True),
        ("http://127.0.0.1:9", "no", True),
    ],
)
async def test_real_money_alone_is_not_traded_before_somebody_arms_it(system, venue, armed, trades):
    async with system(venue=venue, live_trading_armed=armed) as built:
        assert built.safety.control.armed is trades


@pytest.mark.parametrize(
    ("armed", "text"), [("no", "LIVE_TRADING_ARMED=yes"), ("yes", "the log of this run")]
)
async def test_real_money_takes_a_setting_and_a_code(system, armed, text):
    async with system(venue="live", live_trading_armed=armed) as built:
        with pytest.raises(NotAllowed, match=text):
            await built.safety.control.arm(code="guessed", who="test")


async def test_prices_from_live_come_without_keys_while_orders_go_to_the_venue(system):
    async with system(venue="http://127.0.0.1:9", data_venue="live") as built:
        data = built.market_data._gateway._client
        orders = built.trading._gateway._client
        assert data.urls["api"]["public"].startswith("https://data-api.")
        assert data.urls["api"]["private"] == BLOCKED
        assert (data.apiKey, data.secret) == (None, None)
        assert orders.urls["api"]["private"] == "http://127.0.0.1:9/api/v3"
        assert [report.url for report in built.venue_reports()] == [
            "http://127.0.0.1:9",
            "https://data-api.binance.vision",
        ]


@pytest.mark.parametrize("data_venue", [None, "testnet"])
async def test_one_venue_for_both_is_asked_over_one_way(system, data_venue):
    async with system(venue="testnet", data_venue=data_venue) as built:
        assert built.market_data._gateway is built.trading._gateway
        assert len(built.venue_reports()) == 1


@pytest.mark.parametrize("part", [Reconciler, Doubts])
async def test_a_part_that_fails_for_good_ends_all_the_others(system, monkeypatch, part):
    async def broken(_self) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(part, "run", broken)
    async with system(venue="http://127.0.0.1:9") as built:
        with pytest.raises(ExceptionGroup, match="unhandled"):
            await built.run()


def streams(built):
    """The kinds of streams, venue by venue."""
    return [[type(each).__name__ for each in several] for several in built._venues.values()]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [["MarketStream", "UserStream"]]),
        ({"data_venue": "live"}, [["UserStream"], ["MarketStream"]]),
        ({"streams": "off"}, [[]]),
        ({"streams": "off", "data_venue": "live"}, [[], []]),
        ({"binance_api_key": None, "binance_secret_key": None}, [["MarketStream"]]),
    ],
    ids=["one venue", "two venues", "off", "two venues, off", "no keys"],
)
async def test_each_venue_is_listened_to_for_what_it_is_there_for(system, settings, expected):
    async with system(venue="http://127.0.0.1:9", **settings) as built:
        assert streams(built) == expected


async def test_smaller_limits_of_our_own_hold_before_and_after_the_venue_told_its(system):
    async with system(venue="http://127.0.0.1:9", limit_weight_per_minute=300) as built:
        (report,) = built.venue_reports()
        limits = {(use.kind, use.seconds): use.limit for use in report.limits}
        assert limits["weight", 60] == 300
        assert limits["orders", 10] == 50


@pytest.mark.parametrize(
    "other", [{"venue": "http://127.0.0.1:9"}, {"venue": "testnet"}, {"market_type": "futures"}]
)
async def test_what_was_kept_with_one_venue_and_market_is_opened_with_no_other(system, other):
    """A live order does not exist anywhere else, and would be settled as lost."""
    async with system(venue="live") as built:
        await built.symbols.add(WISH.symbol, built.clock.now())
    with pytest.raises(StorageError, match="VENUE=live MARKET_TYPE=spot"):
        async with system(**({"venue": "live"} | other)):
            pass
    async with system(venue="live", data_venue="testnet"):
        pass  # prices may come from anywhere
